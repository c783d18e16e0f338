# SPDX-License-Identifier: Apache-2.0
"""Makes what all engines read: prepare.py UNET FOLDER CHANNELS SIDE [option of unet init...]

    model.safetensors            weights, the same for all
    input.f32, labels.u8         one image [channels][side][side], and a class for each output pixel
    reference.npy                the logits in float64 by PyTorch
    model.onnx                   for onnxruntime and OpenVINO
    model.ncnn.param, .bin       for ncnn
    image.png                    the input's first channel, for the cold start
"""
import json
import pathlib
import subprocess
import sys

import numpy
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

import unet_torch


def blobs(side, seed):
    """A smooth random image in 0..1: noise, blurred by cutting its spectrum."""
    noise = numpy.fft.rfft2(numpy.random.default_rng(seed).standard_normal((side, side)))
    rows, columns = numpy.fft.fftfreq(side)[:, None], numpy.fft.rfftfreq(side)[None]
    image = numpy.fft.irfft2(noise * numpy.exp(-800 * (rows**2 + columns**2)), (side, side))
    return ((image - image.min()) / (image.max() - image.min())).astype(numpy.float32)


def weights(unet, folder, options):
    """unet init makes them; biases and norms, which start as 0 and 1, get random values."""
    path = folder / "model.safetensors"
    subprocess.run([unet, "init", "--quiet", "-o", path, *options], check=True)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    random = torch.Generator().manual_seed(1)
    for name, tensor in tensors.items():
        if tensor.dim() == 1:
            tensor += 0.1 * torch.rand(tensor.shape, generator=random)
    save_file(tensors, path, metadata)
    return path, metadata


def settle_norms(net, x, path, metadata):
    """The running statistics become those of the image, as after training."""
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        with torch.no_grad():
            net.train()(x)
        state = {k: v for k, v in net.state_dict().items() if "num_batches" not in k}
        save_file(state, path, metadata)
    net.eval()


def export_ncnn(net, x, folder):
    """pnnx reads a trace and writes ncnn's two files."""
    with torch.no_grad():
        torch.jit.trace(net, x).save(folder / "model.pt")
    pnnx = pathlib.Path(sys.executable).with_name("pnnx")
    shape = str(list(x.shape)).replace(" ", "")
    subprocess.run([pnnx, "model.pt", f"inputshape={shape}", "fp16=0"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    for name in ("model.pt", "model.pnnx.param", "model.pnnx.bin", "model_pnnx.py",
                 "model_ncnn.py", "model.pnnx.onnx"):
        (folder / name).unlink(missing_ok=True)


def main():
    unet, folder, channels, side = sys.argv[1], pathlib.Path(sys.argv[2]), *map(int, sys.argv[3:5])
    folder.mkdir(parents=True, exist_ok=True)
    image = numpy.stack([blobs(side, seed) for seed in range(channels)])
    Image.fromarray((255 * image[0]).astype(numpy.uint8)).save(folder / "image.png")
    image.tofile(folder / "input.f32")
    x = torch.from_numpy(image)[None]
    path, metadata = weights(unet, folder, sys.argv[5:])
    net = unet_torch.load(path)
    settle_norms(net, x, path, metadata)
    torch.onnx.export(net, (x,), folder / "model.onnx", dynamo=True, external_data=False,
                      input_names=["image"], output_names=["logits"], verbose=False)
    export_ncnn(net, x, folder)
    with torch.no_grad():
        logits = net.double()(x.double())[0].numpy()
    numpy.save(folder / "reference.npy", logits)
    edge = (side - logits.shape[1]) // 2
    middle = image[0, edge : edge + logits.shape[1], edge : edge + logits.shape[2]]
    (middle > numpy.median(middle)).astype(numpy.uint8).tofile(folder / "labels.u8")


if __name__ == "__main__":
    main()
