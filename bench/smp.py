#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prediction of segmentation_models_pytorch's Unet: ours beside the package's own class in PyTorch.

Usage: bench/smp.py BUILD [ENCODER [SIDE]]     resnet34 and 512, if not said

BUILD has unet and bench_network.  Needs the environment of scripts/check_models.sh.  Both have the
same random weights, image and number of threads (1, then 2), run twice to warm up, and then take
turns.  Prints medians of 9 rounds in seconds, and the largest difference of logits, as a share of
the largest.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

from workers import Worker, cpu_seconds

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
from check_models import smp_unet

WARM_UP, ROUNDS = 2, 9


def timed(run, processor):
    """What it returns, seconds of the processor and by the clock."""
    before, start = processor(), time.perf_counter()
    result = run()
    return result, processor() - before, time.perf_counter() - start


def compare(build, folder, net, image, threads):
    side = str(image.shape[2])
    ours = Worker("unet", "", [str(build / "bench_network"), "--serve", "--side", side, "--threads",
                               str(threads), "--model", f"{folder}/net.safetensors", "--input",
                               f"{folder}/input.f32"], {"BENCH_LOGS": folder})
    torch.set_num_threads(threads)
    rows = {"unet": [], "PyTorch": []}
    for _ in range(WARM_UP + ROUNDS):
        time.sleep(0.1)
        _, *took = timed(ours.run, lambda: cpu_seconds(ours.process.pid))
        rows["unet"].append(took)
        with torch.no_grad():
            wanted, *took = timed(lambda: net(image), time.process_time)
        rows["PyTorch"].append(took)
    if ours.ask(f"logits {folder}/logits.f32") != "ok":
        sys.exit(f"bench_network: {ours.error}")
    ours.quit()
    apart = abs(numpy.fromfile(f"{folder}/logits.f32", numpy.float32) - wanted.numpy().ravel()).max()
    print(f"{threads} thread{'s' * (threads > 1)}, apart by {apart / abs(wanted).max():.1g}")
    for name, row in rows.items():
        processor, clock = (statistics.median(t) for t in zip(*row[WARM_UP:]))
        print(f"  {name:8} {processor:6.2f} s of the processor {clock:6.2f} s by the clock")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, encoder = pathlib.Path(sys.argv[1]), (sys.argv[2:] + ["resnet34"])[0]
    side = int((sys.argv[3:] + [512])[0])
    net, image = smp_unet(encoder, 1), torch.rand(1, 3, side, side)
    print(f"{encoder}, {side} x {side}, PyTorch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        torch.save(net.state_dict(), f"{folder}/net.pth")
        subprocess.run([str(build / "unet"), "convert", f"{folder}/net.pth",
                        f"{folder}/net.safetensors", "--quiet"], check=True)
        image.numpy().tofile(f"{folder}/input.f32")
        for threads in (1, 2):
            compare(build, folder, net, image, threads)


if __name__ == "__main__":
    main()
