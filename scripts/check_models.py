#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks made by the code of other programs, read by unet: what both answer is compared.

Usage: scripts/check_models.py UNET [PART...]   PART: nnunet, resenc, monai, torch_em, smp, keras; all
by default

Each network is filled with random weights, saved as its program saves it, and run by that program
(in double precision, but for Keras); then `unet predict --logits` runs the file on the same image.  The
difference must be below this, in shares of the largest logit:

                --exact  by Winograd's tiles
    nnU-Net     5e-6
    residual    5e-6     1e-5
    MONAI       1e-5     2e-5
    smp         5e-6     2e-5
    torch_em    1e-5     3e-5 with instance norm, 1.5e-5 with group norm (docs/design.md says why)
    Keras                1e-5, beside single precision

onnxruntime, which runs the ONNX that unet writes in single precision, must be within 1e-5.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

LIMIT = 5e-6

os.environ["KERAS_BACKEND"] = "torch"


def unet_logits(unet, weights, image, *options):
    """What unet makes of an image [C][H][W] that is the network's input as it is: [K][H][W]."""
    folder = pathlib.Path(weights).parent
    numpy.save(folder / "image.npy", numpy.ascontiguousarray(image.transpose(1, 2, 0)))
    subprocess.run([unet, "predict", weights, folder / "image.npy", "-o", folder / "mask.png",
                    "--logits", folder / "logits.npy", *options], check=True,
                   stderr=subprocess.DEVNULL)
    return numpy.load(folder / "logits.npy")


def compare(name, found, wanted, limit=LIMIT):
    assert found.shape == wanted.shape, f"{name}: {found.shape}, wanted {wanted.shape}"
    error = numpy.abs(found - wanted).max() / numpy.abs(wanted).max()
    print(f"{name}: differs by {error:.2g} of the largest logit")
    assert error < limit, f"{name}: more than {limit:g}"


def randomise(net, seed):
    import torch
    torch.manual_seed(seed)
    for m in net.modules():
        if isinstance(m, torch.nn.PReLU):
            m.weight.data.normal_(0.3, 0.2)
        if isinstance(m, (torch.nn.InstanceNorm2d, torch.nn.BatchNorm2d, torch.nn.GroupNorm)) and \
                m.weight is not None:
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
    check_nnunet_images(unet, folder)
    check_nnunet_refusals(unet, folder)


def check_nnunet_images(unet, folder):
    """Samples of a file, normalised as nnU-Net does."""
    import torch
    from PIL import Image
    rng = numpy.random.default_rng(5)
    grey = rng.normal(90, 30, (64, 80)).clip(0, 255).astype(numpy.uint8)
    color = (rng.normal(90, 30, (64, 80, 3)) * [1, 0.5, 0.2]).clip(0, 255).astype(numpy.uint8)
    density = rng.normal(0, 400, (64, 80)).astype(numpy.float32)
    known = {"mean": 99.5, "std": 37.25, "percentile_00_5": -58.5, "percentile_99_5": 326.0}

    def standard(x):
        x = x.astype(numpy.float32)
        return (x - x.mean()) / max(x.std(), 1e-8)

    held = (density.clip(-58.5, 326) - 99.5) / 37.25
    cases = [("grey.png", grey, "ZScoreNormalization", [standard(grey)]),
             ("color.png", color, "ZScoreNormalization",
              [standard(color[..., c]) for c in range(3)]),
             ("density.tif", density, "CTNormalization", [held])]
    for number, (name, image, scheme, channels) in enumerate(cases):
        plans = nnunet_plans([8, 16, 32], [[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3, len(channels))
        two = plans["configurations"]["2d"]
        two["normalization_schemes"] = [scheme] * len(channels)
        plans["foreground_intensity_properties_per_channel"] = {"0": known}
        net = nnunet_network(two["architecture"]["arch_kwargs"], len(channels), 2).eval()
        randomise(net, number)
        path = nnunet_save(folder / f"image{number}", net, plans, {"background": 0, "cell": 1})
        Image.fromarray(image).save(path.parent / name)
        with torch.no_grad():
            wanted = net.double()(torch.from_numpy(numpy.stack(channels))[None].double())[0][0]
        subprocess.run([unet, "predict", path, path.parent / name, "-o", path.parent / "mask.png",
                        "--logits", path.parent / "scan.npy", "--exact"], check=True,
                       stderr=subprocess.DEVNULL)
        compare(f"nnU-Net, {name}, {scheme}", numpy.load(path.parent / "scan.npy"), wanted.numpy())


def check_nnunet_refusals(unet, folder):
    """What cannot be carried is told."""
    cases = [
        ([[1, 1], [2, 2], [2, 1]], [[3, 3]] * 3, ["ZScoreNormalization"], "2x1"),
        ([[1, 1], [1, 2], [2, 2]], [[1, 3], [3, 3], [3, 3]], ["ZScoreNormalization"], "1x3"),
        ([[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3, ["RescaleTo01Normalization"],
         "RescaleTo01Normalization"),
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


# ---- nnU-Net's residual encoder ----

def resenc(channels, classes, features, blocks, **more):
    import torch
    from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
    n = len(features)
    return ResidualEncoderUNet(
        channels, n, features, torch.nn.Conv2d, 3, [1] + [2] * (n - 1), blocks, classes,
        [1] * (n - 1), conv_bias=True, norm_op=torch.nn.InstanceNorm2d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True}, deep_supervision=True, **more)


def resenc_plans(features, channels):
    n = len(features)
    plans = nnunet_plans(features, [[1, 1]] + [[2, 2]] * (n - 1), [[3, 3]] * n, channels)
    architecture = plans["configurations"]["2d"]["architecture"]
    architecture["network_class_name"] = architecture["network_class_name"].replace(
        "PlainConvUNet", "ResidualEncoderUNet")
    return plans


def answer(net, image):
    """The first head's scores, in double precision."""
    import torch
    with torch.no_grad():
        return net.double()(image[None].double())[0][0].numpy()


def check_resenc(unet, folder):
    import torch
    usual = [1, 3, 4, 6, 6, 6, 6, 6, 6]
    cases = [  # features, blocks, channels, classes, image
        ([8, 16, 32, 32], [1, 2, 2, 3], 1, 3, (64, 48)),
        ([32, 64, 128, 256, 512, 512], usual[:6], 1, 2, (128, 160)),
        ([8, 16, 32, 32, 32, 32, 32, 32], usual[:8], 2, 4, (256, 384)),
        ([4, 8, 8, 8, 8, 8, 8, 8, 8], usual, 3, 2, (512, 512)),
    ]
    for number, (features, blocks, channels, classes, size) in enumerate(cases):
        net = resenc(channels, classes, features, blocks).eval()
        randomise(net, number)
        labels = {"background": 0, **{f"class {k}": k for k in range(1, classes)}}
        path = nnunet_save(folder / f"resenc{number}", net, resenc_plans(features, channels),
                           labels)
        image = torch.randn(channels, *size)
        wanted = answer(net, image)
        name = f"nnU-Net, residual, {len(features)} stages, {size[0]} x {size[1]}"
        compare(name + ", exact", unet_logits(unet, path, image.numpy(), "--exact"), wanted)
        compare(name, unet_logits(unet, path, image.numpy()), wanted, 1e-5)
    check_resenc_training(unet, folder)
    check_resenc_refusals(unet, folder)


def train_on(unet, folder, path, names):
    """A network, trained on for a few steps: its file, and what it is written back as."""
    from PIL import Image
    rng = numpy.random.default_rng(1)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for i in range(2):
        mask = (rng.normal(0, 1, (8, 8)) > 0).astype(numpy.uint8).repeat(8, 0).repeat(8, 1)
        image = (90 + 60 * mask + rng.normal(0, 20, mask.shape)).clip(0, 255)
        Image.fromarray(mask).save(folder / "masks" / f"{i}.png")
        Image.fromarray(image.astype(numpy.uint8)).save(folder / "images" / f"{i}.png")
    run = lambda *args: subprocess.run([unet, *args], check=True, capture_output=True)
    run("train", "--images", folder / "images", "--masks", folder / "masks", "-o", folder / "run", "--init", path,
        "--steps", "8", "--batch", "2", "--tile", "32", "--val-share", "0")
    tuned = folder / "run" / "last.safetensors"
    back = folder / "back.pth"
    run("convert", tuned, back, "--names", names)
    return tuned, back


def check_resenc_training(unet, folder):
    """Trained on, written under the same names, and taken back by nnU-Net's class."""
    import torch
    features = [8, 16, 32]
    net = resenc(1, 2, features, [1, 2, 2]).eval()
    randomise(net, 1)
    path = nnunet_save(folder / "tuned", net, resenc_plans(features, 1),
                       {"background": 0, "cell": 1})
    tuned, back = train_on(unet, folder / "trained", path, "nnunet_resenc")
    state = torch.load(back, weights_only=True)
    missing, unexpected = net.float().load_state_dict(state, strict=False)
    before = {name for name in missing if ".all_modules." not in name
              and not name.startswith("decoder.encoder.")}
    heads = {f"decoder.seg_layers.{i}.{kind}" for i in range(len(features) - 2)
             for kind in ("weight", "bias")}
    assert not unexpected and before == heads, (unexpected, before)
    image = torch.randn(1, 64, 64)
    compare("nnU-Net, residual, trained on and written back",
            unet_logits(unet, tuned, image.numpy(), "--exact"), answer(net, image))


def check_resenc_refusals(unet, folder):
    from dynamic_network_architectures.building_blocks.residual import BottleneckD
    cases = [(dict(block=BottleneckD, bottleneck_channels=4), "three convolutions")]
    for number, (fields, word) in enumerate(cases):
        net = resenc(1, 2, [8, 16], [1, 2], **fields)
        path = nnunet_save(folder / f"other{number}", net, resenc_plans([8, 16], 1),
                           {"background": 0, "cell": 1})
        run = subprocess.run([unet, "info", path], capture_output=True, text=True)
        assert run.returncode == 1 and word in run.stderr, (word, run.stderr)
        print(f"nnU-Net, residual, refused: {run.stderr.strip().split(': ', 2)[-1]}")


# ---- MONAI's UNet ----

def monai_net(channels, **fields):
    from monai.networks.nets import UNet
    fields = {"in_channels": 1, "out_channels": 2, **fields}
    return UNet(spatial_dims=2, channels=channels, strides=(2,) * (len(channels) - 1), **fields)


def check_monai(unet, folder):
    """Its own class, read; trained on and written back; ONNX and onnxruntime; and what is refused."""
    import torch
    cases = [  # channels, fields, image
        ((16, 32, 64, 128, 256), dict(num_res_units=2), (128, 160)),
        ((16, 32, 64, 128, 256), dict(num_res_units=0, out_channels=3), (96, 128)),
        ((8, 16, 32), dict(num_res_units=1, in_channels=3, norm="BATCH"), (64, 52)),
        ((8, 8, 12, 20), dict(num_res_units=3, out_channels=1,
                              norm=("instance", {"affine": True})), (80, 64)),
        ((4, 8, 16), dict(num_res_units=2, act="RELU", norm="BATCH", bias=False), (64, 64)),
        ((4, 8, 16), dict(num_res_units=0, act="LEAKYRELU", dropout=0.1), (64, 64)),
    ]
    for number, (channels, fields, size) in enumerate(cases):
        net = monai_net(channels, **fields).eval()
        randomise(net, number)
        path = folder / f"monai{number}.pt"
        torch.save(net.state_dict(), path)
        image = torch.randn(fields.get("in_channels", 1), *size)
        told = path
        if fields.get("act") == "LEAKYRELU":  # which no file tells
            told = folder / f"monai{number}.safetensors"
            subprocess.run([unet, "convert", path, told, "--act", "leaky-relu", "--leaky-slope",
                            "0.01"], check=True, capture_output=True)
        wanted = monai_answer(net, image)
        name = f"MONAI, {channels}, {fields}"
        compare(name + ", exact", unet_logits(unet, told, image.numpy(), "--exact"), wanted, 1e-5)
        compare(name, unet_logits(unet, told, image.numpy()), wanted, 2e-5)
        if number < 3:
            script = folder / f"monai{number}.ts"
            torch.jit.trace(net.float(), image[None]).save(str(script))
            compare(name + ", TorchScript", unet_logits(unet, script, image.numpy()), wanted, 2e-5)
        check_monai_back(unet, folder, path, told, net)
        check_monai_onnx(unet, folder, told, image, wanted, name)
    check_monai_training(unet, folder)
    check_monai_refusals(unet, folder)


def monai_answer(net, image):
    import torch
    with torch.no_grad():
        return net.double()(image[None].double())[0].numpy()


def check_monai_back(unet, folder, path, told, net):
    """Names and values, which its class takes strictly."""
    import torch
    back = folder / "monai_back.pth"
    subprocess.run([unet, "convert", told, back, "--names", "monai_unet"], check=True,
                   capture_output=True)
    state, before = torch.load(back, weights_only=True), torch.load(path, weights_only=True)
    net.float().load_state_dict({**{k: v for k, v in before.items() if "num_batches" in k},
                                 **state}, strict=True)
    assert all(torch.equal(v, state[k]) for k, v in before.items() if "num_batches" not in k)


def check_monai_onnx(unet, folder, path, image, wanted, name):
    import onnxruntime
    made = folder / "monai.onnx"
    subprocess.run([unet, "convert", path, made], check=True, capture_output=True)
    session = onnxruntime.InferenceSession(str(made))
    found = session.run(None, {session.get_inputs()[0].name: image[None].numpy()})[0][0]
    compare(name + ", ONNX, onnxruntime", found, wanted, 1e-5)
    compare(name + ", ONNX, read back", unet_logits(unet, made, image.numpy()), wanted, 2e-5)


def check_monai_training(unet, folder):
    import torch
    for units in (0, 2):
        net = monai_net((8, 16, 32), num_res_units=units).eval()
        randomise(net, units)
        there = folder / f"monai_tuned{units}"
        there.mkdir()
        path = there / "net.pt"
        torch.save(net.state_dict(), path)
        tuned, back = train_on(unet, there / "trained", path, "monai_unet")
        net.float().load_state_dict(torch.load(back, weights_only=True), strict=True)
        image = torch.randn(1, 64, 64)
        compare(f"MONAI, num_res_units {units}, trained on and written back",
                unet_logits(unet, tuned, image.numpy(), "--exact"), monai_answer(net, image), 1e-5)


def check_monai_refusals(unet, folder):
    import torch
    from monai.networks.nets import UNet
    two = dict(spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 16),
               strides=(2, 2), num_res_units=2)
    cases = [(dict(spatial_dims=3), "three dimensions"), (dict(strides=(2, 1)), "strides of 2"),
             (dict(kernel_size=5), "3x3, 2x2"), (dict(up_kernel_size=5), "3x3, 2x2"),
             (dict(channels=(4, 4, 4), num_res_units=0,
                   act=("prelu", {"num_parameters": 4})), "a slope for each channel")]
    for fields, word in cases:
        path = folder / "monai_other.pt"
        torch.save(UNet(**{**two, **fields}).state_dict(), path)
        run = subprocess.run([unet, "info", path], capture_output=True, text=True)
        assert run.returncode == 1 and word in run.stderr, (word, run.stderr)
        print(f"MONAI, refused: {run.stderr.strip().split(': ', 2)[-1]}")


# ---- torch_em ----

def check_torch_em(unet, folder):
    """Its default and its group norm; beside them what single precision makes of them in PyTorch."""
    import torch
    from torch_em.model.unet import UNet2d
    for norm, limit in (("InstanceNorm", 3e-5), ("GroupNorm", 1.5e-5)):
        torch.manual_seed(1)
        net = UNet2d(1, 2, depth=4, initial_features=32, norm=norm).eval()
        path = folder / f"{norm}.pt"
        torch.save(net.state_dict(), path)
        image = torch.randn(1, 128, 128)
        with torch.no_grad():
            single = net(image[None])[0].numpy()
            wanted = net.double()(image[None].double())[0].numpy()
        compare(f"torch_em, {norm}, PyTorch in single precision", single, wanted, 1e-5)
        for way, bound in ((["--exact"], 1e-5), ([], limit)):
            compare(f"torch_em, {norm} {' '.join(way)}",
                    unet_logits(unet, path, image.numpy(), *way), wanted, bound)


# ---- segmentation_models_pytorch ----

def smp_unet(encoder, seed, **fields):
    import segmentation_models_pytorch as smp
    net = smp.Unet(encoder, encoder_weights=None, **fields).eval()
    randomise(net, seed)
    return net


def check_smp(unet, folder):
    """Its Unet with each ResNet; other sizes of the encoder, of the decoder and of the image."""
    import torch
    cases = [("resnet18", {}, (64, 96)), ("resnet34", dict(in_channels=1, classes=3), (128, 160)),
             ("resnet50", dict(classes=2), (96, 128)), ("resnet101", {}, (64, 64)),
             ("resnet152", {}, (64, 64)),
             ("resnet18", dict(encoder_depth=4, decoder_channels=(64, 48, 32, 16)), (80, 64)),
             ("resnet50", dict(encoder_depth=3, decoder_channels=(64, 48, 32)), (72, 64)),
             ("resnet18", dict(decoder_interpolation="bilinear"), (64, 96)),
             ("resnet18", dict(aux_params=dict(classes=4)), (64, 64))]
    for number, (encoder, fields, size) in enumerate(cases):
        net = smp_unet(encoder, number, **fields)
        path = folder / f"{number}.pth"
        torch.save(net.state_dict(), path)
        if "decoder_interpolation" in fields:
            converted = folder / f"{number}.safetensors"
            subprocess.run([unet, "convert", path, converted, "--up", "bilinear"], check=True,
                           stderr=subprocess.DEVNULL)
            path = converted
        image = torch.randn(fields.get("in_channels", 3), *size)
        with torch.no_grad():
            wanted = net.double()(image[None].double())
        wanted = (wanted[0] if "aux_params" in fields else wanted)[0].numpy()
        name = f"smp, {encoder} {fields}, {size[0]} x {size[1]}"
        compare(name + ", exact", unet_logits(unet, path, image.numpy(), "--exact"), wanted)
        compare(name, unet_logits(unet, path, image.numpy()), wanted, 2e-5)
    check_smp_training(unet, folder)
    check_smp_onnx(unet, folder)
    check_smp_refusals(unet, folder)


def check_smp_training(unet, folder):
    """Trained on, written under the same names, and taken back by its class."""
    import torch
    for encoder in ("resnet18", "resnet50"):
        net = smp_unet(encoder, 1, classes=2)
        path = folder / f"{encoder}.pth"
        torch.save(net.state_dict(), path)
        tuned, back = train_on(unet, folder / encoder, path, "smp")
        before = net.encoder.conv1.weight.clone()
        net.load_state_dict(torch.load(back, weights_only=True))
        assert not torch.equal(before, net.encoder.conv1.weight)
        image = torch.randn(3, 64, 96)
        with torch.no_grad():
            wanted = net.double()(image[None].double())[0].numpy()
        compare(f"smp, {encoder}, trained on and written back",
                unet_logits(unet, tuned, image.numpy(), "--exact"), wanted)


def check_smp_onnx(unet, folder):
    """As ONNX, run by onnxruntime, and read back."""
    import onnxruntime
    import torch
    for encoder in ("resnet18", "resnet50"):
        net = smp_unet(encoder, 2)
        path, onnx = folder / "to.pth", folder / f"{encoder}.onnx"
        torch.save(net.state_dict(), path)
        subprocess.run([unet, "convert", path, onnx], check=True, stderr=subprocess.DEVNULL)
        image = torch.randn(3, 96, 64)
        with torch.no_grad():
            wanted = net.double()(image[None].double())[0].numpy()
        session = onnxruntime.InferenceSession(str(onnx))
        compare(f"smp, {encoder}, as ONNX in onnxruntime",
                session.run(None, {"image": image[None].numpy()})[0][0], wanted, 1e-5)
        compare(f"smp, {encoder}, as ONNX read back",
                unet_logits(unet, onnx, image.numpy(), "--exact"), wanted)


def check_smp_refusals(unet, folder):
    import segmentation_models_pytorch as smp
    import torch
    cases = [(smp.Unet, dict(encoder_name="resnext50_32x4d"), "grouped convolution"),
             (smp.Unet, dict(encoder_name="se_resnet50"), "squeeze and excitation"),
             (smp.Unet, dict(encoder_name="efficientnet-b0"), "of its encoders resnet18"),
             (smp.Unet, dict(encoder_name="vgg11_bn"), "of its encoders resnet18"),
             (smp.Unet, dict(encoder_name="mit_b0"), "of its encoders resnet18"),
             (smp.Unet, dict(encoder_name="tu-resnet18"), "of its encoders resnet18"),
             (smp.Unet, dict(decoder_attention_type="scse"), "attention"),
             (smp.Unet, dict(decoder_use_norm=False), "no batch norms"),
             (smp.UnetPlusPlus, {}, "UnetPlusPlus"), (smp.MAnet, {}, "MAnet"),
             (smp.Linknet, {}, "of its decoders Unet's"), (smp.FPN, {}, "of its decoders Unet's"),
             (smp.DeepLabV3Plus, {}, "of its decoders Unet's")]
    for number, (kind, fields, word) in enumerate(cases):
        fields = dict(dict(encoder_name="resnet18", encoder_weights=None), **fields)
        path = folder / f"refused{number}.pth"
        torch.save(kind(**fields).state_dict(), path)
        run = subprocess.run([unet, "info", path], capture_output=True, text=True)
        assert run.returncode == 1 and word in run.stderr, (fields, word, run.stderr)
        print(f"smp, refused: {run.stderr.strip().split(': ', 2)[-1]}")


# ---- Keras ----

def keras_unet(width, depth, up, norm, classes, channels, head, act="relu"):
    """As most of the public ones: up: None for a transposed convolution, or the side of the kernel
    behind a doubling."""
    import keras
    from keras import layers

    def block(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=not norm)(x)
            x = layers.BatchNormalization()(x) if norm else x
            x = layers.Activation(act)(x) if isinstance(act, str) else layers.LeakyReLU(act)(x)
        return x

    image = layers.Input((None, None, channels))
    x, skips = layers.Rescaling(1 / 255)(image), []
    for d in range(depth):
        x = block(x, width << d)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.5)(block(x, width << depth))
    for d in reversed(range(depth)):
        if up is None:
            x = layers.Conv2DTranspose(width << d, 2, strides=2, padding="same")(x)
        else:
            x = layers.UpSampling2D()(x)
            x = layers.Conv2D(width << d, up, padding="same",
                              activation=act if isinstance(act, str) else None)(x)
        x = block(layers.concatenate([skips[d], x]), width << d)
    logits = layers.Conv2D(classes, 1, name="logits")(x)
    return keras.Model(image, layers.Activation(head)(logits)), keras.Model(image, logits)


def check_keras(unet, folder):
    import keras
    rng = numpy.random.default_rng(3)
    cases = [dict(width=32, depth=4, up=None, norm=True, classes=3, channels=3, head="softmax"),
             dict(width=16, depth=4, up=2, norm=False, classes=1, channels=1, head="sigmoid"),
             dict(width=8, depth=3, up=3, norm=True, classes=2, channels=1, head="softmax",
                  act=0.1)]
    for number, fields in enumerate(cases):
        keras.utils.set_random_seed(number)
        whole, logits = keras_unet(**fields)
        for layer in whole.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                shapes = [w.shape for w in layer.get_weights()]
                layer.set_weights([rng.uniform(0.5, 1.5, s) if i in (0, 3) else
                                   rng.normal(0, 0.3, s) for i, s in enumerate(shapes)])
        image = rng.uniform(0, 255, (64, 96, fields["channels"])).astype(numpy.float32)
        wanted = numpy.asarray(logits(image[None]).detach().cpu())[0].transpose(2, 0, 1)
        for ending in ("keras", "h5"):
            path = folder / f"net{number}.{ending}"
            whole.save(path)
            found = unet_logits(unet, path, image.transpose(2, 0, 1) / numpy.float32(255))
            compare(f"Keras, .{ending}, {fields}", found, wanted, 1e-5)


PARTS = {"nnunet": check_nnunet, "resenc": check_resenc, "monai": check_monai,
         "torch_em": check_torch_em, "smp": check_smp, "keras": check_keras}


def main():
    unet, parts = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:] or list(PARTS)
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](unet, pathlib.Path(folder))
    print("check_models: done:", " ".join(parts))


if __name__ == "__main__":
    main()
