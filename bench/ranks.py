#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs that several processes train as one: bytes and seconds of the reductions beside those
of the steps, for some widths, measured on this machine; and what that makes of up to 64 machines on
networks of 10 and 100 Gbit/s, reckoned.  Wants mpirun and the plugin (docs/cluster.md).

Usage: bench/ranks.py UNET [--ranks 2] [--steps 6] [--tile 192] [--widths 16 32 64] [--norm none]
"""
import argparse
import json
import os
import subprocess
import tempfile

# of a machine: it computes a tile while its gradients of the tile before are on their way
NETWORKS = {"10 Gbit/s": 10e9 / 8, "100 Gbit/s": 100e9 / 8}
LATENCY = 30e-6  # seconds of a message, with the hand-over to the thread that sends it
BUCKET = 4 << 20  # bytes, src/train/reduce.c


def make_images(folder, side):
    """Noise with discs, as PGM."""
    seed = 1
    for kind in "images", "masks":
        os.makedirs(os.path.join(folder, kind))
    for i in range(4):
        image, mask = bytearray(), bytearray()
        for y in range(side):
            for x in range(side):
                seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
                disc = (y % 64 - 32) ** 2 + (x % 64 - 20 - 6 * i) ** 2 < 300
                image.append(60 + 90 * disc + (seed >> 16) % 60)
                mask.append(255 * disc)
        for kind, samples in ("images", image), ("masks", mask):
            with open(os.path.join(folder, kind, f"{i}.pgm"), "wb") as file:
                file.write(b"P5 %d %d 255\n" % (side, side) + samples)


def measure(unet, data, width, o):
    """Seconds of a step and of its parts, and bytes that a rank sent, means of all ranks."""
    with tempfile.TemporaryDirectory() as run:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(o.ranks), unet, "train",
                   "--images", data + "/images", "--masks", data + "/masks", "-o", run + "/run",
                   "--preset", "seed", "--depth", "4", "--width", str(width), "--norm", o.norm,
                   "--tile", str(o.tile), "--batch", str(o.ranks), "--steps", str(o.steps),
                   "--steps-per-epoch", str(o.steps), "--val-share", "0", "--time", "1h",
                   "--threads", "1", "--quiet", "--json"]
        made = subprocess.run(command, check=True, capture_output=True, text=True)
    ranks = json.loads(made.stdout.splitlines()[-1])["ranks"]
    def mean(key):
        return sum(r[key] for r in ranks) / len(ranks) / o.steps
    return {key: mean(key) for key in ("step_seconds", "waited", "exchanged", "bytes_sent")}


def reckon(compute, gradients, machines, speed):
    """A step of one tile a machine: two thirds of it are the backward pass, beside which the buckets go;
    what is left of them, and always the last one, is waited for."""
    if machines == 1:
        return compute
    share = 2 * (machines - 1) / machines
    wire = share * gradients / speed + 2 * (gradients / BUCKET + 1) * LATENCY
    last = share * min(gradients, BUCKET) / speed + 2 * LATENCY * 6
    return compute + max(wire - compute * 2 / 3, 0) + last


def main():
    p = argparse.ArgumentParser()
    p.add_argument("unet")
    p.add_argument("--ranks", type=int, default=2)
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--tile", type=int, default=192)
    p.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64])
    p.add_argument("--norm", default="none")
    o = p.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as data:
        make_images(data, 256)
        print(f"measured: {o.ranks} ranks of one thread, a tile of {o.tile} x {o.tile} each, a step")
        print("| width | gradients, MB | sent, MB | step, s | exchange, s | of it waited for, s |")
        print("| --- | --- | --- | --- | --- | --- |")
        for width in o.widths:
            m = measure(os.path.abspath(o.unet), data, width, o)
            gradients = m["bytes_sent"] * o.ranks / (2 * (o.ranks - 1))
            found[width] = (m["step_seconds"] - m["waited"], gradients)
            print(f"| {width} | {gradients / 1e6:.1f} | {m['bytes_sent'] / 1e6:.1f} | "
                  f"{m['step_seconds']:.3f} | {m['exchanged']:.3f} | {m['waited']:.3f} |")
    counts = (2, 4, 8, 16, 32, 64)
    print("\nreckoned, not measured: how many times the tiles of one machine in the same time")
    print("| width | network | " + " | ".join(str(n) for n in counts) + " |")
    print("| --- | --- |" + " --- |" * len(counts))
    for width, (compute, gradients) in found.items():
        for name, speed in NETWORKS.items():
            times = (n * compute / reckon(compute, gradients, n, speed) for n in counts)
            print(f"| {width} | {name} | " + " | ".join(f"{t:.1f}" for t in times) + " |")


if __name__ == "__main__":
    main()
