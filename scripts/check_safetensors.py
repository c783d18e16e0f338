#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a model file with the public safetensors package and checks it against its own metadata.

    python3 scripts/check_safetensors.py MODEL.safetensors

Needs numpy and safetensors; with torch installed, the weights are also loaded into the PyTorch
class of docs/formats.md, which shows that no name or shape differs. Prints what it found; exits
with 1 at the first thing that is wrong.
"""

import json
import pathlib
import struct
import sys

import numpy
import safetensors
import safetensors.numpy

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "formats.md"


def wrong(text):
    sys.exit("wrong: " + text)


def expected_shapes(spec):
    """The parameters of a network, from its spec: written apart from the C code, to check it."""
    norm = spec["norm"] == "batch"
    shapes = {}

    def block(name, channels, width):
        for i in range(2):
            number = i * (3 if norm else 2)
            shapes[f"{name}.conv_block.{number}.weight"] = (width, channels, 3, 3)
            if norm:
                for part in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{name}.conv_block.{number + 1}.{part}"] = (width,)
            else:
                shapes[f"{name}.conv_block.{number}.bias"] = (width,)
            channels = width

    depth, channels = spec["depth"], spec["in_channels"]
    widths = [spec["width"] << d for d in range(depth + 1)]
    for d in range(depth):
        block(f"enc_{d}", channels, widths[d])
        channels = widths[d]
    block("bottleneck", channels, widths[depth])
    for d in reversed(range(depth)):
        low, high = widths[d + 1], widths[d]
        transpose = spec["up"] == "transpose"
        shapes[f"upconv_{d}.weight"] = (low, high, 2, 2) if transpose else (high, low, 1, 1)
        shapes[f"upconv_{d}.bias"] = (high,)
        block(f"dec_{d}", 2 * high, high)
    shapes["out_conv.weight"] = (spec["classes"], widths[0], 1, 1)
    shapes["out_conv.bias"] = (spec["classes"],)
    return shapes


def input_side(spec):
    """The smallest side of 188 or more that fits: every pooling meets an even side."""
    if spec["padding"] == "same":
        return 188
    trim = 2 if spec["up"] == "bilinear" else 0
    for side in range(188, 4096):
        at, fits = side, True
        for _ in range(spec["depth"]):
            fits = fits and (at - 4) % 2 == 0
            at = (at - 4) // 2
        at -= 4
        for _ in range(spec["depth"]):
            fits = fits and at > 0
            at = 2 * at - trim - 4
        if fits and at > 0:
            return side
    wrong("no input side fits")


def raw_values(path):
    """The tensors as docs/formats.md describes them, without the package."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    if (8 + length) % 64:
        wrong(f"the data start at byte {8 + length}, no multiple of 64")
    header.pop("__metadata__")
    for name, info in header.items():
        begin, end = info["data_offsets"]
        yield name, numpy.frombuffer(data[begin:end], "<f4").reshape(info["shape"])


def check_torch(spec, path):
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError:
        print("torch is not installed: not loaded into PyTorch")
        return
    with open(PAGE, encoding="utf-8") as page:
        code = page.read().split("```python\n")[1].split("```")[0].split("# ---")[0]
    scope = {}
    exec(code, scope)
    model = scope["UNet"](spec)
    model.load_state_dict(load_file(path))
    side = input_side(spec)
    with torch.no_grad():
        scores = model.eval()(torch.zeros(1, spec["in_channels"], side, side))
    print(f"loads into PyTorch: {side} x {side} gives scores {list(scores.shape)}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    with safetensors.safe_open(path, "numpy") as file:
        metadata = file.metadata()
    if metadata.get("format") != "pt":
        wrong(f"format is {metadata.get('format')}, wanted pt")
    unet = json.loads(metadata["unet"])
    tensors = safetensors.numpy.load_file(path)
    want = expected_shapes(unet["spec"])
    found = {name: values.shape for name, values in tensors.items()}
    if found != want:
        wrong(f"tensors differ: {sorted(set(found.items()) ^ set(want.items()))}")
    for name, values in raw_values(path):
        if values.tobytes() != tensors[name].tobytes() or not numpy.isfinite(values).all():
            wrong(f"values of {name}")
        if name.endswith(".weight") and values.ndim == 4:
            print(f"{name:32} {list(values.shape)!s:20} deviation {values.std():.4f}")
    count = sum(v.size for v in tensors.values())
    print(f"{len(tensors)} tensors, {count} values, {len(unet['classes'])} classes")
    check_torch(unet["spec"], path)
    print("ok")


main()
