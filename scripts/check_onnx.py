#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks ONNX files that unet has written with the packages onnx and onnxruntime.

usage: check_onnx.py FOLDER [LIMIT]

FOLDER holds NAME.onnx and, for each, any number of pairs NAME_SIZE_input.npy and
NAME_SIZE_result.npy ([N][H][W][C]): an image and what unet makes of it.  Each file must pass
onnx's checker with shape inference, and onnxruntime's result may differ by no more than LIMIT
(1e-5) of the largest value in it.  UNET_ONNX_FOLDER=FOLDER build-test/test_onnx makes such a folder.
"""
import pathlib
import sys

import numpy
import onnx
import onnxruntime


def difference(session, pair):
    image, want = (numpy.load(path).transpose(0, 3, 1, 2) for path in pair)
    (got,) = session.run(None, {session.get_inputs()[0].name: numpy.ascontiguousarray(image)})
    if got.shape != want.shape:
        sys.exit(f"{pair[0]}: onnxruntime makes {got.shape}, unet {want.shape}")
    return numpy.abs(got - want).max() / numpy.abs(want).max()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, limit = pathlib.Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e-5
    failed, pairs = [], 0
    print(f"{'network':20} {'inputs':30} largest difference / largest value")
    for path in sorted(folder.glob("*.onnx")):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        sizes, worst = [], 0.0
        for image in sorted(folder.glob(f"{path.stem}_*_input.npy")):
            result = image.with_name(image.name.replace("_input", "_result"))
            worst = max(worst, difference(session, (image, result)))
            sizes.append(image.name[len(path.stem) + 1 : -len("_input.npy")])
        pairs += len(sizes)
        print(f"{path.stem:20} {' '.join(sizes):30} {worst:.2g}")
        if not sizes or not worst <= limit:
            failed.append(path.stem)
    if failed or not pairs:
        sys.exit(f"check_onnx: over {limit:g}, or without inputs: {' '.join(failed) or 'all'}")
    print("ok")


main()
