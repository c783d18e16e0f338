#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks made by the code of other programs, read by unet: what both answer is compared.

Usage: scripts/check_models.py UNET [PART...]   PART: nnunet; all of them by default

Each network is filled with random weights, saved as its program saves it, and run by that program
in double precision; then `unet predict --logits` runs the file on the same image.  The difference
must be below 5e-6 of the largest logit.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy

LIMIT = 5e-6


def unet_logits(unet, weights, image, *options):
    """What unet makes of an image [C][H][W] that is the network's input as it is: [K][H][W]."""
    folder = pathlib.Path(weights).parent
    numpy.save(folder / "image.npy", numpy.ascontiguousarray(image.transpose(1, 2, 0)))
    subprocess.run([unet, "predict", weights, folder / "image.npy", "-o", folder / "mask.png",
                    "--logits", folder / "logits.npy", *options], check=True,
                   stderr=subprocess.DEVNULL)
    return numpy.load(folder / "logits.npy")


def compare(name, found, wanted):
    assert found.shape == wanted.shape, f"{name}: {found.shape}, wanted {wanted.shape}"
    error = numpy.abs(found - wanted).max() / numpy.abs(wanted).max()
    print(f"{name}: differs by {error:.2g} of the largest logit")
    assert error < LIMIT, f"{name}: more than {LIMIT:g}"


def randomise(net, seed):
    import torch
    torch.manual_seed(seed)
    for m in net.modules():
        if isinstance(m, (torch.nn.InstanceNorm2d, torch.nn.BatchNorm2d, torch.nn.GroupNorm)):
            m.weight.data.uniform_(0.5, 1.5)
            m.bias.data.normal_(0, 0.3)
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.3)
            m.running_var.uniform_(0.5, 1.5)


# ---- nnU-Net, second version ----

def nnunet_plans(features, strides, kernels, channels):
    stages = len(features)
    return {"plans_name": "nnUNetPlans", "configurations": {"2d": {
        "patch_size": [4 << stages] * 2, "spacing": [1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"] * channels,
        "use_mask_for_norm": [False] * channels,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": stages, "features_per_stage": features, "strides": strides,
                "conv_op": "torch.nn.modules.conv.Conv2d", "kernel_sizes": kernels,
                "n_conv_per_stage": [2] * stages, "n_conv_per_stage_decoder": [2] * (stages - 1),
                "conv_bias": True, "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None,
                "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True}}}}}}


def nnunet_network(kwargs, channels, classes):
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    given = dict(kwargs, conv_op=torch.nn.Conv2d, norm_op=torch.nn.InstanceNorm2d,
                 nonlin=torch.nn.LeakyReLU)
    return PlainConvUNet(channels, num_classes=classes, deep_supervision=True, **given)


def nnunet_save(folder, net, plans, labels):
    import torch
    fold = folder / "nnUNetTrainer__nnUNetPlans__2d" / "fold_0"
    fold.mkdir(parents=True)
    (fold.parent / "plans.json").write_text(json.dumps(plans))
    (fold.parent / "dataset.json").write_text(json.dumps(
        {"channel_names": {"0": "grey"}, "file_ending": ".png", "labels": labels}))
    torch.save({"network_weights": net.state_dict(), "optimizer_state": {}, "grad_scaler_state": None,
                "logging": {"ema_fg_dice": [numpy.float64(0.5)]}, "_best_ema": numpy.float64(0.5),
                "current_epoch": 1000, "init_args": {"plans": plans, "configuration": "2d"},
                "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": (0, 1)},
               fold / "checkpoint_final.pth")
    return fold / "checkpoint_final.pth"


def check_nnunet(unet, folder):
    import torch
    square = lambda n: [[1, 1]] + [[2, 2]] * (n - 1)
    cases = [  # features, classes, image
        ([8, 16, 32, 32], 3, (64, 48)),
        ([32, 64, 128, 256, 512, 512], 2, (128, 160)),
        ([4, 8, 16, 20, 20, 20, 20, 20], 4, (512, 640)),
        ([4, 8, 8, 8, 8, 8, 8, 8, 8], 2, (1024, 1024)),
    ]
    for number, (features, classes, size) in enumerate(cases):
        n = len(features)
        plans = nnunet_plans(features, square(n), [[3, 3]] * n, 1)
        kwargs = plans["configurations"]["2d"]["architecture"]["arch_kwargs"]
        net = nnunet_network(kwargs, 1, classes).eval()
        randomise(net, number)
        labels = {"background": 0, **{f"class {k}": k for k in range(1, classes)}}
        path = nnunet_save(folder / f"nnunet{number}", net, plans, labels)
        image = torch.randn(1, *size)
        with torch.no_grad():
            wanted = net.double()(image[None].double())[0][0]
        found = unet_logits(unet, path, image.numpy(), "--exact")
        compare(f"nnU-Net, {n} stages, {size[0]} x {size[1]}", found, wanted.numpy())
        if number == 0:
            check_nnunet_image(unet, path, net)
    check_nnunet_refusals(unet, folder)


def check_nnunet_image(unet, path, net):
    """Samples of a file, normalised as nnU-Net does."""
    import torch
    from PIL import Image
    rng = numpy.random.default_rng(5)
    image = rng.normal(90, 30, (64, 80)).clip(0, 255).astype(numpy.uint8)
    Image.fromarray(image).save(path.parent / "scan.png")
    x = image.astype(numpy.float32)
    x = (x - x.mean()) / max(x.std(), 1e-8)
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)[None, None].double())[0][0].numpy()
    subprocess.run([unet, "predict", path, path.parent / "scan.png", "-o", path.parent / "mask.png",
                    "--logits", path.parent / "scan.npy"], check=True, stderr=subprocess.DEVNULL)
    compare("nnU-Net, an image with its normalisation", numpy.load(path.parent / "scan.npy"), wanted)


def check_nnunet_refusals(unet, folder):
    """What cannot be carried is told."""
    cases = [
        ([[1, 1], [2, 2], [2, 1]], [[3, 3]] * 3, ["ZScoreNormalization"], "2x1"),
        ([[1, 1], [1, 2], [2, 2]], [[1, 3], [3, 3], [3, 3]], ["ZScoreNormalization"], "1x3"),
        ([[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3, ["CTNormalization"], "CTNormalization"),
    ]
    for number, (strides, kernels, schemes, word) in enumerate(cases):
        plans = nnunet_plans([4, 8, 8], strides, kernels, 1)
        two = plans["configurations"]["2d"]
        two["normalization_schemes"] = schemes
        net = nnunet_network(two["architecture"]["arch_kwargs"], 1, 2)
        path = nnunet_save(folder / f"refused{number}", net, plans, {"background": 0, "cell": 1})
        run = subprocess.run([unet, "info", path], capture_output=True, text=True)
        assert run.returncode == 1 and word in run.stderr, (word, run.stderr)
        print(f"nnU-Net, refused: {run.stderr.strip().split(': ', 2)[-1]}")


PARTS = {"nnunet": check_nnunet}


def main():
    unet, parts = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:] or list(PARTS)
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](unet, pathlib.Path(folder))
    print("check_models: done:", " ".join(parts))


if __name__ == "__main__":
    main()
