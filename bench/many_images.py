#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `unet predict` takes for many small images, beside the network's own time.

Usage: many_images.py BUILD [--images N] [--side N] [--rounds N]

BUILD has the programs unet and bench_network.  Images are blurred noise as 8-bit PNG, the network is
that of `unet train` (width 16, instance norm, padded), trained for 20 seconds, so that masks are
as smooth as masks are.  By turns: side by side, one after the other (a promise of memory asks for
that), and a prediction of such an image alone, times their number; medians.
"""
import argparse
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, side, rows):
    lines = b"".join(b"\0" + bytes(row) for row in rows)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def blobs(side, numbers, step=16):
    """A coarse grid of random values, interpolated."""
    grid = [[numbers.random() for _ in range(side // step + 2)] for _ in range(side // step + 2)]
    rows = []
    for y in range(side):
        i, v = divmod(y / step, 1)
        upper, lower = grid[int(i)], grid[int(i) + 1]
        edge = [a + (b - a) * v for a, b in zip(upper, lower)]
        rows.append([edge[x // step] + (edge[x // step + 1] - edge[x // step]) * (x % step / step)
                     for x in range(side)])
    return rows


def make(folder, images, side):
    numbers = random.Random(0)
    for name in ("images", "train/images", "train/masks"):
        (folder / name).mkdir(parents=True)
    for k in range(images):
        rows = blobs(side, numbers)
        grey = [[int(180 * v) + numbers.randrange(40) for v in row] for row in rows]
        png(folder / f"images/{k:05}.png", side, grey)
        if k < 16:
            png(folder / f"train/images/{k:05}.png", side, grey)
            png(folder / f"train/masks/{k:05}.png", side, [[int(v > 0.5) for v in row] for row in rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    said = parser.parse_args()
    unet, bench = (str(said.build / name) for name in ("unet", "bench_network"))
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make(work, said.images, said.side)
        subprocess.run([unet, "train", "--images", work / "train/images", "--masks", work / "train/masks",
                        "-o", work / "run", "--time", "20s", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        predict = [unet, "predict", work / "run", work / "images", "-o", work / "out/", "--quiet"]
        took = {"side by side": [], "one after the other": [], "the network alone": []}
        for _ in range(said.rounds):
            for label, more in (("side by side", []), ("one after the other", ["--memory", "100G"])):
                shutil.rmtree(work / "out", ignore_errors=True)
                start = time.perf_counter()
                subprocess.run(predict + more, check=True, stdout=subprocess.DEVNULL)
                took[label].append(time.perf_counter() - start)
            line = subprocess.run([bench, "--network", "auto", "--predict", "--side", str(said.side),
                                   "--repeats", "101"], check=True, capture_output=True, text=True)
            took["the network alone"].append(
                float(line.stdout.splitlines()[-1].split()[3]) * said.images / 1000)
        alone = statistics.median(took["the network alone"])
        print(f"{said.images} images of {said.side} x {said.side}, medians of {said.rounds}")
        for label, times in took.items():
            print(f"{label:20} {statistics.median(times):7.1f} s  x {statistics.median(times) / alone:.2f}")


if __name__ == "__main__":
    main()
