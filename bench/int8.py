#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What another engine gains by int8 and bf16, beside our fp32: should unet have them?

Usage: int8.py UNET BENCH_NETWORK [--network small|paper] [--rounds N] [--threads N]
Needs the environment of scripts/bench_venv.sh.

onnxruntime's network is quantised statically (QDQ, per channel, calibrated on the images that are
timed, which flatters it); OpenVINO runs the fp32 network as bf16 where the processor has that.  All
take turns; the medians and each one's largest difference to onnxruntime's fp32 logits, relative to
the largest logit, are printed, and the share of pixels that get another class.
"""
import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime as ort
import openvino
from onnxruntime import quantization

NETWORKS = {"small": (512, ["--width", "16", "--padding", "same"]), "paper": (572, [])}
IMAGES = 4


class Reader(quantization.CalibrationDataReader):
    def __init__(self, name, images):
        self.left = [{name: image} for image in images]

    def get_next(self):
        return self.left.pop() if self.left else None


def runner_ort(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def runner_openvino(path, threads):
    core = openvino.Core()
    model = core.compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": threads,
                                                  "PERFORMANCE_HINT": "LATENCY",
                                                  "INFERENCE_PRECISION_HINT": "bf16"})
    return lambda image: model(image)[0]


def runner_ours(bench, model, side, threads, image, work):
    raw = work / "image.raw"
    image.tofile(raw)
    process = subprocess.Popen([bench, "--serve", "--model", model, "--side", str(side), "--input", raw,
                                "--threads", str(threads)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdout.readline()

    def ask(words):
        process.stdin.write(words + "\n")
        process.stdin.flush()
        return process.stdout.readline()
    return ask


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unet")
    parser.add_argument("bench")
    parser.add_argument("--network", choices=NETWORKS, default="small")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    said = parser.parse_args()
    side, options = NETWORKS[said.network]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        model, fp32, int8 = work / "m.safetensors", work / "m.onnx", work / "int8.onnx"
        subprocess.run([said.unet, "init", *options, "-o", model, "--quiet"], check=True)
        subprocess.run([said.unet, "convert", model, fp32, "--quiet"], check=True)
        rng = np.random.default_rng(0)
        images = [rng.random((1, 1, side, side), dtype=np.float32) for _ in range(IMAGES)]
        name = ort.InferenceSession(str(fp32)).get_inputs()[0].name
        quantization.quantize_static(str(fp32), str(int8), Reader(name, images), per_channel=True)
        ours = runner_ours(said.bench, model, side, said.threads, images[0], work)
        runs = {"unet, fp32": lambda _: ours("run"),
                "onnxruntime, fp32": runner_ort(fp32, said.threads),
                "onnxruntime, int8": runner_ort(int8, said.threads),
                "OpenVINO, bf16": runner_openvino(fp32, said.threads)}
        times = {label: [] for label in runs}
        answers = {}
        for turn in range(-1, said.rounds):
            for label, run in runs.items():
                start = time.perf_counter()
                answers[label] = run(images[0])
                if turn >= 0:
                    times[label].append(1e3 * (time.perf_counter() - start))
                time.sleep(0.1)
        ours(f"logits {work / 'ours.raw'}")
        truth = answers["onnxruntime, fp32"]
        answers["unet, fp32"] = np.fromfile(work / "ours.raw", np.float32).reshape(truth.shape)
        ours("quit")
        print(f"{said.network}, {side} x {side}, {said.threads} threads, medians of {said.rounds}")
        for label in runs:
            answer = answers[label]
            off = np.abs(answer - truth).max() / np.abs(truth).max()
            other = (answer.argmax(1) != truth.argmax(1)).mean()
            print(f"{label:20} {statistics.median(times[label]):8.1f} ms  difference {off:.1e}  "
                  f"other class {100 * other:.2f} %")


if __name__ == "__main__":
    main()
