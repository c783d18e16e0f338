#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs that several processes train as one: bytes and seconds of the reductions beside those
of the steps, for some widths, measured on this machine; and what that makes of up to 64 machines on
networks of 10 and 100 Gbit/s, reckoned.  Wants mpirun and the plugin (docs/cluster.md).  --timeline
draws the last step of the last width as SVG: what rank 0 computes, and beside it its exchanges, as
trace.c, a plugin that lies beside UNET in a build folder, wrote them down.

Usage: bench/ranks/ranks.py UNET [--ranks 2] [--steps 6] [--tile 192] [--widths 16 32 64] [--norm none]
                           [--timeline FILE.svg]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import barchart

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


def tracing(unet, folder):
    """The environment in which every exchange is written to FOLDER/trace.RANK."""
    beside = os.path.dirname(unet)
    return {"UNET_MPI_PLUGIN": os.path.join(beside, "libranks_trace.so"),
            "UNET_TRACED": os.environ.get("UNET_MPI_PLUGIN", os.path.join(beside, "libunet_mpi.so")),
            "UNET_TRACE": os.path.join(folder, "trace")}


TALK, SUMS = 32, 33  # channels, src/base/ranks.h


def read_step(path):
    """Of the last step: when the loss was talked of, (began, ended), and so the buckets.  A bucket is
    two exchanges: blocks to their owner, and sums to all."""
    with open(path) as file:
        lines = [line.split("\t") for line in file]
    all_ = [(int(c), float(size), float(began), float(ended)) for c, size, began, ended in lines]
    last = max(i for i, x in enumerate(all_) if x[0] == SUMS)
    first = max(i for i in range(last) if all_[i][0] == TALK and all_[i][3] <= all_[last][2])
    sums = [x for x in all_[first:last + 1] if x[0] == SUMS]
    before = max(i for i in range(first) if all_[i][0] == TALK)
    buckets = [(a[2], b[3]) for a, b in zip(sums[::2], sums[1::2])]
    return all_[before][3], (all_[first][2], all_[first][3]), buckets


def draw_timeline(path, width, o, trace, means):
    begin, loss, buckets = read_step(trace + ".0")
    end = buckets[-1][1]
    talk = loss[1] - loss[0]
    backward = max(loss[1], end - max(means["waited"] - talk, 0))
    left, scale, lane = 110, 600 / (end - begin), 26
    colours = {"forward": barchart.OURS, "backward": "#009e73", "waits": barchart.PEER, "exchange": "#d55e00"}
    rows = [("computes", [("forward", begin, loss[0]), ("waits", *loss), ("backward", loss[1], backward),
                          ("waits", backward, end)]),
            ("exchanges", [("exchange", *b) for b in buckets])]
    out = [f'<text class="title" x="{left}" y="20">a step of rank 0 of {o.ranks}, width {width}, a tile of '
           f'{o.tile} x {o.tile} each: {1000 * (end - begin):.0f} ms</text>']
    for i, (name, spans) in enumerate(rows):
        y = 32 + i * lane
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{name}</text>')
        out += [f'<rect x="{left + (a - begin) * scale:.1f}" y="{y}" width="{max((b - a) * scale, .5):.1f}" '
                f'height="18" fill="{colours[kind]}" stroke="#fff" stroke-width="0.5"/>' for kind, a, b in spans]
    y = 32 + 2 * lane + 8
    for i, (kind, words) in enumerate((("forward", "forward pass"), ("backward", "backward pass"),
                                       ("waits", "waits"), ("exchange", "a bucket on its way"))):
        out += [f'<rect x="{left + 150 * i}" y="{y}" width="12" height="12" fill="{colours[kind]}"/>',
                f'<text x="{left + 150 * i + 18}" y="{y + 11}">{words}</text>']
    size = f'width="740" height="{y + 24}"'
    with open(path, "w") as file:
        file.write("\n".join(["<!-- SPDX-License-Identifier: Apache-2.0 -->",
                              f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 740 {y + 24}">',
                              f"<style>{barchart.STYLE}</style>",
                              '<rect width="100%" height="100%" fill="#ffffff"/>', *out, "</svg>", ""]))


def measure(unet, data, width, o, environment):
    """Seconds of a step and of its parts, and bytes that a rank sent, means of all ranks."""
    with tempfile.TemporaryDirectory() as run:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(o.ranks), unet, "train",
                   "--images", data + "/images", "--masks", data + "/masks", "-o", run + "/run",
                   "--preset", "seed", "--depth", "4", "--width", str(width), "--norm", o.norm,
                   "--tile", str(o.tile), "--batch", str(o.ranks), "--steps", str(o.steps),
                   "--steps-per-epoch", str(o.steps), "--val-share", "0", "--time", "1h",
                   "--threads", "1", "--quiet", "--json"]
        made = subprocess.run(command, check=True, capture_output=True, text=True,
                              env={**os.environ, **environment})
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
    p.add_argument("--timeline")
    o = p.parse_args()
    unet = os.path.abspath(o.unet)
    found = {}
    with tempfile.TemporaryDirectory() as data:
        make_images(data, 256)
        print(f"measured: {o.ranks} ranks of one thread, a tile of {o.tile} x {o.tile} each, a step")
        print("| width | gradients, MB | sent, MB | step, s | exchange, s | of it waited for, s |")
        print("| --- | --- | --- | --- | --- | --- |")
        for width in o.widths:
            environment = tracing(unet, data) if o.timeline else {}
            m = measure(unet, data, width, o, environment)
            gradients = m["bytes_sent"] * o.ranks / (2 * (o.ranks - 1))
            found[width] = (m["step_seconds"] - m["waited"], gradients)
            print(f"| {width} | {gradients / 1e6:.1f} | {m['bytes_sent'] / 1e6:.1f} | "
                  f"{m['step_seconds']:.3f} | {m['exchanged']:.3f} | {m['waited']:.3f} |")
        if o.timeline:
            draw_timeline(o.timeline, o.widths[-1], o, environment["UNET_TRACE"], m)
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
