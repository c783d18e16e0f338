#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/*.safetensors: what PyTorch computes for small random U-Nets of every kind.

Run by hand when a variant is added:  python3 scripts/make_fixtures.py   (needs torch, safetensors)

A file holds, for one variant: param.* (initial parameters), input [N][C][H][W], labels [N][h][w],
weights [N][h][w], logits (evaluation mode) [N][K][h][w], loss (training mode), grad.* of all
parameters, and after ten steps on the same batch with each optimiser: OPT.loss [10], OPT.*
parameters.  Everything is computed in double precision.  The spec is in the metadata.
"""
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file


class Block(nn.Module):
    def __init__(self, cin, cout, spec):
        super().__init__()
        layers = []
        for c in (cin, cout):
            layers.append(nn.Conv2d(c, cout, 3, padding=int(spec["padding"] == "same"),
                                    bias=spec["norm"] == "none"))
            if spec["norm"] == "batch":
                layers.append(nn.BatchNorm2d(cout))
            layers.append(nn.ReLU() if spec["act"] == "relu" else nn.LeakyReLU(spec["leaky_slope"]))
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return self.conv_block(x)


class UNet(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.spec, depth, width = spec, spec["depth"], spec["width"]
        cin = spec["in_channels"]
        for d in range(depth):
            setattr(self, f"enc_{d}", Block(cin, width << d, spec))
            cin = width << d
        self.bottleneck = Block(cin, width << depth, spec)
        for d in reversed(range(depth)):
            up = nn.ConvTranspose2d if spec["up"] == "transpose" else nn.Conv2d
            side = 2 if spec["up"] == "transpose" else 1
            stride = 2 if spec["up"] == "transpose" else 1
            setattr(self, f"upconv_{d}", up(width << (d + 1), width << d, side, stride))
            setattr(self, f"dec_{d}", Block(width << (d + 1), width << d, spec))
        self.out_conv = nn.Conv2d(width, spec["classes"], 1)

    def up(self, d, x):
        conv = getattr(self, f"upconv_{d}")
        if self.spec["up"] == "transpose":
            return conv(x)
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        if self.spec["padding"] == "valid":
            x = x[:, :, 1:-1, 1:-1]
        return conv(x)

    def forward(self, x):
        skips = []
        for d in range(self.spec["depth"]):
            x = getattr(self, f"enc_{d}")(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for d in reversed(range(self.spec["depth"])):
            x, skip = self.up(d, x), skips[d]
            dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            if self.spec["padding"] == "same":
                x = F.pad(x, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))
            else:
                skip = skip[:, :, dy // 2:dy // 2 + x.shape[2], dx // 2:dx // 2 + x.shape[3]]
            x = getattr(self, f"dec_{d}")(torch.cat([x, skip], dim=1))
        return self.out_conv(x)


def batch_loss(spec, logits, labels, weights, pos_weight):
    if spec["classes"] == 1:
        loss = F.binary_cross_entropy_with_logits(
            logits[:, 0], labels.clamp(max=1).double(), reduction="none",
            pos_weight=torch.tensor(pos_weight, dtype=torch.double))
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

    def hook(module, inputs, output):
        look(inputs[0], inputs[0])
        if inputs[0].shape[2] < 2 or inputs[0].shape[3] < 2:
            return
        four = F.unfold(output.flatten(0, 1).unsqueeze(1), 2, stride=2).sort(dim=1).values
        ties = four[:, 3] - four[:, 2]
        if (ties > 0).any():  # all zero after a ReLU: the gradient stops there anyway
            look(ties[ties > 0], output)

    hooks = [m.register_forward_hook(hook) for m in net.modules()
             if isinstance(m, (nn.ReLU, nn.LeakyReLU))]
    net(x)
    for h in hooks:
        h.remove()
    return least[0]


def make(path, spec, size, batch, pos_weight):
    """With the first seed from 7 on whose values keep clear of such places by far more than
    rounding, in training and in evaluation mode."""
    seed = 7

    def fresh():
        torch.manual_seed(seed)
        net = UNet(spec).double()
        for name, p in net.named_parameters():
            if "conv_block" in name and p.dim() == 1:  # norms and biases that do something
                p.data = p.data + 0.3 * torch.randn_like(p)
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

    torch.manual_seed(11)
    x = torch.randn(batch, spec["in_channels"], *size).float().double()
    while min(margin(fresh().train(), x), margin(fresh().eval(), x)) < 1e-5:
        seed += 1
    net = fresh()
    torch.manual_seed(11)
    torch.randn_like(x)
    net.eval()
    logits = net(x)
    out = {f"param.{k}": v.clone() for k, v in state(net).items()}
    n, k, h, w = logits.shape
    labels = torch.randint(0, max(2, k), (n, h, w))
    weights = torch.where(torch.rand(n, h, w) < 0.2, 0.0, 0.5 + torch.rand(n, h, w))
    weights = weights.float().double()
    labels[weights == 0] = 255
    out.update(input=x, logits=logits, labels=labels.to(torch.uint8), weights=weights)
    net = fresh()
    net.train()
    loss = batch_loss(spec, net(x), labels, weights, pos_weight)
    loss.backward()
    out["loss"] = loss.reshape(1)
    for name, p in net.named_parameters():
        out[f"grad.{name}"] = p.grad.clone()
    for opt, create in OPTIMIZERS.items():
        net = fresh()
        net.train()
        o = create(net.parameters())
        losses = []
        for _ in range(10):
            o.zero_grad()
            loss = batch_loss(spec, net(x), labels, weights, pos_weight)
            loss.backward()
            losses.append(loss.detach())
            o.step()
        out[f"{opt}.loss"] = torch.stack(losses)
        out.update({f"{opt}.{k}": v.clone() for k, v in state(net).items()})
    meta = {key: str(value) for key, value in spec.items()}
    meta["pos_weight"] = str(pos_weight)
    out = {key: (v if v.dtype == torch.uint8 else v.detach().float()).contiguous()
           for key, v in out.items()}
    save_file(out, str(path), metadata=meta)
    print(path.name, "seed", seed, tuple(x.shape), "->", tuple(logits.shape), path.stat().st_size)


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
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


if __name__ == "__main__":
    main()
