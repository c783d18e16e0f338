#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages of ours by bioimageio.spec and bioimageio.core, and theirs by ours.

Usage: check_bioimage.py UNET   needs bioimageio.spec, bioimageio.core, onnxruntime (check_bioimage.sh)

Networks of several kinds are written as packages; the validator must call each valid, and the
test run by onnxruntime must give the test output.  What bioimageio.spec writes of a package again
(its own YAML and zip) must be the same model for us, and so must a package of format 0.5 with
PyTorch's state_dict in it.
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
from bioimageio.core import test_model
from bioimageio.spec import load_description, save_bioimageio_package

UNET = os.path.abspath(sys.argv[1])
NETWORKS = [
    ["--padding", "valid"],
    ["--padding", "same"],
    ["--padding", "same", "--classes", "1"],
    ["--padding", "same", "--classes", "4", "--in-channels", "3", "--norm", "batch"],
    ["--padding", "same", "--norm", "instance", "--up", "bilinear"],
    ["--padding", "same", "--rims", "2", "--norm", "group", "--groups", "2"],
    ["--padding", "valid", "--up", "nearest", "--act", "leaky-relu", "--depth", "3"],
]
failed = 0


def check(name, same, text=""):
    global failed
    print("%-58s %s" % (name, "fine" if same else "DIFFERS " + text))
    failed += not same


def run(*args):
    result = subprocess.run([UNET, *args], capture_output=True, text=True)
    if result.returncode:
        sys.exit("unet %s\n%s" % (" ".join(args), result.stderr))
    return result.stdout


def tested(path):
    """What unet says of the package's test tensors: the difference as a share of the largest."""
    found = json.loads(run("info", path, "--json")).get("package_test")
    return found["difference"] / found["largest"] if found else float("inf")


def ours(number, network):
    model = "m%d.safetensors" % number
    words = [*network]
    if "--depth" not in words:
        words += ["--depth", "2"]
    run("init", "-o", model, "--width", "4", "--seed", str(number), *words)
    there_and_back(number, model, " ".join(network))


def bare(source, target):
    """A state_dict as others have it: without our own member."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            if not member.endswith("unet.json"):
                new.writestr(member, old.read(member))


def centred(number):
    """A mean and a deviation for each channel."""
    model = "m%d.safetensors" % number
    run("init", "-o", "plain.safetensors", "--width", "4", "--depth", "2", "--in-channels", "3")
    run("convert", "plain.safetensors", "plain.pth", "--quiet")
    bare("plain.pth", "bare.pth")
    run("convert", "bare.pth", model, "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--quiet")
    there_and_back(number, model, "mean and std of each channel")


def there_and_back(number, model, name):
    package = "m%d.zip" % number
    run("convert", model, package, "--author", "A. Person", "--license", "CC-BY-4.0", "--quiet")
    described = load_description(package)
    check("valid: " + name, described.validation_summary.status == "valid-format",
          described.validation_summary.format())
    summary = test_model(package, weight_format="onnx")
    check("test run: " + name, summary.status == "passed", summary.format())
    save_bioimageio_package(described, output_path="again%d.zip" % number)
    check("written by bioimageio.spec: " + name, tested("again%d.zip" % number) < 1e-4)
    run("convert", "again%d.zip" % number, "back.safetensors", "--quiet")
    check("back: " + name, open(model, "rb").read() == open("back.safetensors", "rb").read())


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def state_dict():
    """A package with weights.pth: the same network as m1.zip, scaled to mean 0 and variance 1."""
    import onnxruntime
    run("convert", "m1.safetensors", "m1.pth", "--quiet")
    run("convert", "m1.safetensors", "m1.onnx", "--quiet")
    bare("m1.pth", "weights.pth")
    image = np.random.default_rng(3).integers(0, 4000, (1, 1, 52, 64)).astype(np.uint16)
    x = image.astype(np.float32)
    x = (x - x.mean()) / (x.std() + 1e-6)
    (out,) = onnxruntime.InferenceSession("m1.onnx").run(None, {"image": x})
    out = np.exp(out - out.max(1, keepdims=True))
    out = (out / out.sum(1, keepdims=True)).astype(np.float32)
    files = {"weights.pth": open("weights.pth", "rb").read(), "in.npy": npy(image), "out.npy": npy(out)}
    sha = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    axes = [{"type": "space", "id": a, "size": s} for a, s in (("y", 52), ("x", 64))]
    rdf = {
        "format_version": "0.5.4", "type": "model", "name": "a network", "description": "d",
        "authors": [{"name": "A"}], "license": "MIT", "cite": [{"text": "t", "doi": "10.1007/978-3-319-24574-4_28"}],
        "inputs": [{"id": "raw", "axes": [{"type": "batch"}, {"type": "channel", "channel_names": ["c"]}, *axes],
                    "data": {"type": "uint16"}, "test_tensor": {"source": "in.npy", "sha256": sha["in.npy"]},
                    "preprocessing": [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}},
                                       {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}]}],
        "outputs": [{"id": "out", "axes": [{"type": "batch"}, {"type": "channel", "channel_names": ["ground", "cell"]}, *axes],
                     "test_tensor": {"source": "out.npy", "sha256": sha["out.npy"]},
                     "postprocessing": [{"id": "softmax", "kwargs": {"axis": "channel"}}]}],
        "weights": {"pytorch_state_dict": {"source": "weights.pth", "sha256": sha["weights.pth"], "pytorch_version": "2.1",
                                           "architecture": {"import_from": "somewhere", "callable": "UNet"}}},
    }
    with zipfile.ZipFile("theirs.zip", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("rdf.yaml", json.dumps(rdf))
        for name, data in files.items():
            package.writestr(name, data)
    described = load_description("theirs.zip")
    check("valid: a state_dict", described.validation_summary.status == "valid-format",
          described.validation_summary.format())
    save_bioimageio_package(described, output_path="theirs_again.zip")
    # our layout is unpadded unless it is said
    run("convert", "theirs_again.zip", "theirs.safetensors", "--padding", "same", "--quiet")
    said = subprocess.run([UNET, "convert", "theirs_again.zip", "x.safetensors", "--padding", "same", "--json"],
                          capture_output=True, text=True)
    found = json.loads(said.stdout)["package_test"]
    check("a state_dict", found["compared"] == "softmax" and found["difference"] < 1e-4, str(found))
    check("its classes", "cell" in run("info", "theirs.safetensors"))
    tensor = {"name": "raw", "axes": "bcyx", "data_type": "float32", "shape": [1, 1, 52, 64]}
    old = {
        "format_version": "0.4.10", "type": "model", "name": "a network", "description": "d",
        "authors": [{"name": "A"}], "license": "MIT", "cite": rdf["cite"], "documentation": "README.md",
        "timestamp": "2024-01-02T03:04:05", "test_inputs": ["in.npy"], "test_outputs": ["out.npy"],
        "inputs": [{**tensor, "preprocessing": [
            {"name": "zero_mean_unit_variance", "kwargs": {"mode": "per_sample", "axes": "cyx"}}]}],
        "outputs": [{**tensor, "name": "out", "shape": [1, 2, 52, 64]}],
        "weights": {"pytorch_state_dict": {"source": "weights.pth", "sha256": sha["weights.pth"],
                                           "architecture": "somewhere.UNet", "kwargs": {}}},
    }
    with zipfile.ZipFile("old.zip", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("rdf.yaml", json.dumps(old))
        package.writestr("README.md", "# Validation")
        package.writestr("in.npy", npy(image.astype(np.float32)))
        for name in ("weights.pth", "out.npy"):
            package.writestr(name, files[name])
    described = load_description("old.zip", format_version="discover")
    check("valid: format 0.4", described.validation_summary.status == "valid-format",
          described.validation_summary.format())
    save_bioimageio_package(described, output_path="old_again.zip")
    found = json.loads(run("convert", "old_again.zip", "x.safetensors", "--padding", "same", "--json"))
    check("format 0.4", found["package_test"]["difference"] < 1e-4, str(found["package_test"]))


os.chdir(tempfile.mkdtemp())
for number, network in enumerate(NETWORKS):
    ours(number, network)
centred(len(NETWORKS))
state_dict()
sys.exit(failed != 0)
