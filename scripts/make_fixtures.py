#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/*.safetensors: what PyTorch computes for small random U-Nets of every kind.

Run by hand when a variant is added:  python3 scripts/make_fixtures.py   (needs torch, safetensors)
A file that is there is left as it is: the order of the parts in its header is not always the same.

unet_* are the kinds of the paper and its usual descendants, variant_* one or two of the other
fields of unet_spec each.

A file holds, for one variant: param.* (initial parameters), input [N][C][H][W], labels [N][h][w],
weights [N][h][w], logits (evaluation mode) [N][K][h][w], loss (training mode), grad.* of all
parameters, and after ten steps on the same batch with each optimiser: OPT.loss [10], OPT.*
parameters.  Everything is computed in double precision.  The spec is in the metadata, a string for
each field; a field that is absent is 0, and "channels" is JSON.
"""
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from torch_unet import network


def batch_loss(spec, logits, labels, weights, pos_weight):
    if spec["classes"] == 1:
        loss = F.binary_cross_entropy_with_logits(
            logits[:, 0], labels.clamp(max=1).to(logits.dtype), reduction="none",
            pos_weight=torch.tensor(pos_weight, dtype=logits.dtype))
    else:
        loss = F.cross_entropy(logits, labels, ignore_index=255, reduction="none")
    return (loss * weights).sum() / weights.sum()


# A bias whose effect a batch norm takes away again has a gradient of zero, but for rounding; an
# epsilon well above that noise keeps Adam from making full steps of it.
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=1e-3),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3, eps=1e-4, weight_decay=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, eps=1e-4, weight_decay=1e-2),
}


def margin(net, x):
    """How far the values of a pass are from where a derivative jumps, relative to their map's size:
    activations from zero, the largest of a pooled four from the second largest."""
    least = [float("inf")]

    def look(distance, values):
        least[0] = min(least[0], (distance.abs().min() / values.std()).item())

    def pooled(values):
        if net.spec.get("down") == "conv":
            return
        if values.shape[2] < 2 or values.shape[3] < 2:
            return
        four = F.unfold(values.flatten(0, 1).unsqueeze(1), 2, stride=2).sort(dim=1).values
        ties = four[:, 3] - four[:, 2]
        if (ties > 0).any():  # all zero after a ReLU: the gradient stops there anyway
            look(ties[ties > 0], values)

    def pooled_around(values):
        columns = F.unfold(F.pad(values, (1, 1, 1, 1), value=-1e9).flatten(0, 1).unsqueeze(1), 3,
                           stride=2).sort(dim=1).values
        look(columns[:, 8] - columns[:, 7], values)

    def active(module, inputs, output):
        look(inputs[0], inputs[0])
        pooled(output)

    hooks = [m.register_forward_hook(active) for m in net.modules()
             if isinstance(m, (nn.ReLU, nn.LeakyReLU, nn.PReLU))]
    hooks.append(net.pool.register_forward_hook(lambda module, inputs, output: pooled(inputs[0])))
    hooks += [m.register_forward_hook(lambda module, inputs, output: pooled_around(inputs[0]))
              for m in net.modules() if isinstance(m, nn.MaxPool2d) and m.kernel_size == 3]
    net(x)
    for h in hooks:
        h.remove()
    return least[0]


def random_net(spec, seed):
    torch.manual_seed(seed)
    net = network(spec).double()
    for name, p in net.named_parameters():
        if ("block" in name or "upnorm" in name) and p.dim() == 1:
            p.data = p.data + 0.3 * torch.randn_like(p)  # norms and biases that do something
    for m in net.modules():
        if isinstance(m, nn.PReLU):  # a slope near 1 jumps less
            m.weight.data = 0.8 + 0.3 * torch.randn_like(m.weight)
    for name, b in net.named_buffers():
        if name.endswith("running_mean"):
            b.copy_(0.2 * torch.randn_like(b))
        if name.endswith("running_var"):
            b.copy_(0.5 + torch.rand_like(b))
    for t in net.state_dict().values():  # the file is float32: start from what it can hold
        if t.is_floating_point():
            t.copy_(t.float().double())
    return net


def state(net):
    return {k: v for k, v in net.state_dict().items() if "num_batches" not in k}


def compute(spec, seed, dtype, x, labels, weights, pos_weight):
    """Everything that a file says of a network but its parameters and its batch."""
    def fresh():
        return random_net(spec, seed).to(dtype)

    def loss_of(net):
        return batch_loss(spec, net(x), labels, weights, pos_weight)

    x, weights = x.to(dtype), weights.to(dtype)
    out = {"logits": fresh().eval()(x)}
    net = fresh().train()
    loss = loss_of(net)
    loss.backward()
    out["loss"] = loss.reshape(1)
    for name, p in net.named_parameters():
        out[f"grad.{name}"] = p.grad.clone()
    for opt, create in OPTIMIZERS.items():
        net = fresh().train()
        o = create(net.parameters())
        losses = []
        for _ in range(10):
            o.zero_grad()
            loss = loss_of(net)
            loss.backward()
            losses.append(loss.detach())
            o.step()
        out[f"{opt}.loss"] = torch.stack(losses)
        out.update({f"{opt}.{k}": v.clone() for k, v in state(net).items()})
    return out


def rounding(exact, single):
    """The largest error of a computation in single precision, in shares of what the test allows."""
    worst = 0
    for name, want in exact.items():
        allowed = 1e-5 if name in ("logits", "loss") else 1e-4
        scale = max(1e-3, want.abs().max().item())
        worst = max(worst, (single[name].double() - want).abs().max().item() / (allowed * scale))
    return worst


def astray(exact, spec, seed, x, *given):
    """How far ten steps end from where they end with an input that is off by some roundings: what
    looks at the first pass alone misses a kink that a later step comes close to."""
    draws = torch.Generator().manual_seed(5)
    worst = 0
    for _ in range(8):
        noise = torch.randn(x.shape, generator=draws, dtype=x.dtype)
        other = compute(spec, seed, torch.double, x * (1 + 3e-6 * noise), *given)
        worst = max(worst, rounding(exact, other))
    return worst


def make(path, spec, size, batch, pos_weight):
    """With the first seed from 7 on whose values keep clear of such places by far more than
    rounding, in training and in evaluation mode, and whose ten steps single precision follows well
    within the test's tolerance (a norm divides by the deviation of a map that may be nearly
    flat), however it rounds."""
    if path.exists():
        return
    seed = 7
    torch.manual_seed(11)
    x = torch.randn(batch, spec["in_channels"], *size).float().double()
    with torch.no_grad():
        n, k, h, w = random_net(spec, seed)(x).shape
    torch.manual_seed(11)
    torch.randn_like(x)
    labels = torch.randint(0, max(2, k), (n, h, w))
    weights = torch.where(torch.rand(n, h, w) < 0.2, 0.0, 0.5 + torch.rand(n, h, w))
    weights = weights.float().double()
    labels[weights == 0] = 255
    while True:
        if min(margin(random_net(spec, seed).train(), x),
               margin(random_net(spec, seed).eval(), x)) >= 1e-5:
            given = (x, labels, weights, pos_weight)
            exact = compute(spec, seed, torch.double, *given)
            error = rounding(exact, compute(spec, seed, torch.float, *given))
            if error < 0.3 and astray(exact, spec, seed, *given) < 1:
                break
        seed += 1
    out = {f"param.{k}": v for k, v in state(random_net(spec, seed)).items()}
    out.update(exact, input=x, labels=labels.to(torch.uint8), weights=weights)
    meta = {key: json.dumps(value) if key == "channels" else str(value)
            for key, value in spec.items()}
    meta["pos_weight"] = str(pos_weight)
    out = {key: (v if v.dtype == torch.uint8 else v.detach().float()).contiguous()
           for key, v in out.items()}
    save_file(out, str(path), metadata=meta)
    print(f"{path.name}: seed {seed}, {tuple(x.shape)} -> {(n, k, h, w)}, "
          f"{path.stat().st_size} bytes, rounding {error:.2f}")


def make_usual(folder):
    number = 0
    for padding in ("valid", "same"):
        for norm in ("none", "batch"):
            for up in ("transpose", "bilinear"):
                act = "relu" if number % 2 == 0 else "leaky"
                spec = dict(in_channels=1 + number % 3, classes=(2, 1, 3)[number % 3],
                            width=3 if number % 2 else 2, depth=2, padding=padding, norm=norm,
                            up=up, act=act, leaky_slope=0.1)
                size = (23, 18) if padding == "same" else (48, 56) if up == "bilinear" else (44, 48)
                make(folder / f"unet_{padding}_{norm}_{up}_{act}.safetensors", spec, size, 2, 3.0)
                number += 1
    deep = dict(in_channels=1, classes=2, width=1, depth=4, padding="same", norm="batch",
                up="transpose", act="relu", leaky_slope=0.1)
    make(folder / "unet_deep_same.safetensors", deep, (37, 34), 2, 1.0)
    deep = dict(deep, padding="valid", norm="none", act="leaky", depth=3)
    make(folder / "unet_deep_valid.safetensors", deep, (100, 92), 1, 1.0)
    wide = dict(in_channels=3, classes=9, width=11, depth=1, padding="same", norm="none",
                up="transpose", act="relu", leaky_slope=0.1)
    make(folder / "unet_wide.safetensors", wide, (10, 14), 1, 1.0)


PLAIN = dict(in_channels=1, classes=2, width=2, depth=2, padding="same", norm="none",
             up="transpose", act="relu", leaky_slope=0.1)

MONAI = dict(family="monai", down="conv", bias="always", concat="skip_up", width=3)

# name: (fields that differ from PLAIN, input sides)
VARIANTS = {
    "instance": (dict(norm="instance"), (23, 18)),
    "instance_valid": (dict(norm="instance", padding="valid", act="leaky", classes=1), (44, 48)),
    "group": (dict(norm="group", groups=2, norm_epsilon=1e-3, up="bilinear"), (21, 18)),
    "act_first_batch": (dict(norm="batch", norm_order="act_first", act="leaky", classes=3),
                        (22, 19)),
    # nothing here commutes with the doubling
    "act_first_group_up": (dict(norm="group", groups=2, norm_order="act_first",
                                up="bilinear", up_norm=1, up_act=1, act="leaky",
                                channels=dict(enc=[[4, 4], [4, 6], [6, 4]], dec=[[2, 4], [4, 2]],
                                              up=[4, 6])), (15, 18)),
    # bioimage.io's unet2d
    "single_act": (dict(single_act=1, up="nearest", concat="skip_up", classes=1), (21, 26)),
    "single_act_batch_valid": (dict(single_act=1, norm="batch", padding="valid"), (44, 48)),
    "one_conv": (dict(convs=1, act="leaky"), (23, 18)),
    "one_conv_batch_valid": (dict(convs=1, norm="batch", padding="valid", in_channels=2),
                             (26, 30)),
    "bias_always_batch": (dict(norm="batch", bias="always", norm_epsilon=1e-3), (21, 23)),
    "bias_never": (dict(bias="never", in_channels=2), (23, 18)),
    "bias_never_instance_up": (dict(norm="instance", bias="never", up_norm=1, act="leaky"),
                               (18, 23)),
    "skip_up_channels": (dict(concat="skip_up", in_channels=2,
                              channels=dict(enc=[[3, 4], [6, 5], [7, 7]], dec=[[4, 4], [6, 6]],
                                            up=[2, 3])), (23, 18)),
    "align_corners": (dict(up="bilinear", align_corners=1, norm="batch", act="leaky"), (23, 18)),
    "bilinear_conv3x3": (dict(up="bilinear", up_conv="conv3x3", concat="skip_up"), (23, 18)),
    "bilinear_conv3x3_valid": (dict(up="bilinear", up_conv="conv3x3", padding="valid"), (56, 60)),
    "bilinear_no_conv_valid": (dict(up="bilinear", up_conv="none", padding="valid",
                                    act="leaky"), (48, 56)),
    # milesial's, bilinear: the last level and every decoder level end with half the channels
    "milesial_bilinear": (dict(up="bilinear", up_conv="none", align_corners=1, norm="batch",
                               concat="skip_up", in_channels=3,
                               channels=dict(enc=[[2, 2], [4, 4], [4, 4]],
                                             dec=[[2, 2], [4, 2]], up=[2, 4])), (23, 18)),
    # LeeJunHyun's
    "nearest_norm_act": (dict(up="nearest", up_conv="conv3x3", up_norm=1, up_act=1, norm="batch",
                              bias="always", concat="skip_up"), (23, 22)),
    "nearest_valid": (dict(up="nearest", padding="valid", up_act=1), (44, 48)),
    "nearest_conv3x3_valid": (dict(up="nearest", up_conv="conv3x3", padding="valid"), (48, 56)),
    # the authors' network of 2015, whose last up-convolution keeps twice the channels
    "release2015": (dict(padding="valid", up_act=1,
                         channels=dict(enc=[[2, 2], [4, 4], [8, 8]], dec=[[2, 2], [4, 4]],
                                       up=[4, 4])), (44, 48)),
    # nnU-Net's
    "down_conv": (dict(down="conv", norm="instance", bias="always", act="leaky"), (32, 24)),
    "down_conv_batch": (dict(down="conv", norm="batch", widest=3, depth=3, in_channels=2,
                             classes=3, up="bilinear"), (16, 24)),
    # nnU-Net's of residual blocks
    "residual": (dict(residual="nnunet", down="conv", norm="instance", bias="always", act="leaky",
                      leaky_slope=0.9, convs=1), (16, 20)),
    "residual_batch": (dict(residual="nnunet", down="conv", norm="batch", depth=1, in_channels=2,
                            classes=3, act="leaky", leaky_slope=0.7), (12, 10)),
    # segmentation_models_pytorch's, with ResNets
    "resnet": (dict(residual="resnet", down="conv", norm="batch", up="nearest", up_conv="none",
                    width=4, depth=3, in_channels=3, act="leaky", leaky_slope=0.9), (24, 32)),
    "resnet_bottleneck": (dict(residual="resnet_bottleneck", down="conv", norm="batch",
                               up="nearest", up_conv="none", width=3, depth=2, classes=3,
                               act="leaky", leaky_slope=0.8), (20, 24)),
    # MONAI's
    "monai": (dict(MONAI, units=2, norm="instance", norm_plain=1, act="prelu"), (16, 20)),
    "monai_plain": (dict(MONAI, norm="batch", act="prelu", classes=1, in_channels=2), (16, 12)),
    "monai_unit": (dict(MONAI, units=1, norm="instance", act="leaky", leaky_slope=0.7, classes=3,
                        bias="never"), (12, 16)),
    # a shortcut that is nothing at all
    "monai_same": (dict(MONAI, units=3, act="prelu", depth=1, in_channels=3,
                        channels=dict(enc=[[5, 5], [5, 5]], dec=[[0, 0]], up=[0])), (14, 10)),
    # torch_em's, whose sides the number of poolings divides
    "before_conv": (dict(norm="instance", norm_plain=1, norm_order="before_conv", up="bilinear",
                         width=4, depth=1),
                    (24, 20)),
    "before_conv_instance": (dict(norm="instance", norm_order="before_conv", act="leaky",
                                  concat="skip_up", in_channels=2, convs=1), (20, 16)),
    "before_conv_batch": (dict(norm="batch", norm_order="before_conv", up="nearest", depth=1,
                               up_conv="none", in_channels=2, bias="never", act="leaky"),
                          (18, 22)),
    "before_conv_group": (dict(norm="group", groups=4, norm_order="before_conv", up="bilinear",
                               in_channels=3, width=4, depth=1, act="leaky"), (16, 18)),
    "widths": (dict(norm="batch", width=5, depth=3,
                    channels=dict(enc=[[5, 2], [1, 4], [3, 2], [4, 3]],
                                  dec=[[2, 3], [5, 2], [1, 3]], up=[2, 3, 1])), (17, 19)),
}


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    make_usual(folder)
    for name, (fields, size) in VARIANTS.items():
        make(folder / f"variant_{name}.safetensors", {**PLAIN, **fields}, size, 2, 3.0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
