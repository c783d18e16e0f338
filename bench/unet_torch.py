# SPDX-License-Identifier: Apache-2.0
"""The U-Net of docs/formats.md in PyTorch, as far as the benchmark's networks need it."""
import json

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two 3x3 convolutions; its parameters are called conv_block.N.*"""

    def __init__(self, channels, width, spec):
        super().__init__()
        norm = spec["norm"] == "batch"
        layers = []
        for fan in (channels, width):
            pad = int(spec["padding"] == "same")
            layers += [nn.Conv2d(fan, width, 3, padding=pad, bias=not norm)]
            layers += [nn.BatchNorm2d(width)] * norm
            layers += [nn.ReLU(inplace=True)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return self.conv_block(x)


class UNet(nn.Module):
    """ReLU, transposed up-convolutions, and the concatenation in the order [up, skip]."""

    def __init__(self, spec):
        super().__init__()
        self.depth = spec["depth"]
        channels = spec["in_channels"]
        for d in range(self.depth):
            setattr(self, f"enc_{d}", Block(channels, spec["width"] << d, spec))
            channels = spec["width"] << d
        self.bottleneck = Block(channels, 2 * channels, spec)
        for d in reversed(range(self.depth)):
            width = spec["width"] << d
            setattr(self, f"upconv_{d}", nn.ConvTranspose2d(2 * width, width, 2, stride=2))
            setattr(self, f"dec_{d}", Block(2 * width, width, spec))
        self.out_conv = nn.Conv2d(spec["width"], spec["classes"], 1)

    def forward(self, x):
        skips = []
        for d in range(self.depth):
            x = getattr(self, f"enc_{d}")(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for d in reversed(range(self.depth)):
            x = getattr(self, f"upconv_{d}")(x)
            crop = (skips[d].shape[2] - x.shape[2]) // 2
            side = x.shape[2]
            skip = skips[d][:, :, crop : crop + side, crop : crop + side] if crop else skips[d]
            x = getattr(self, f"dec_{d}")(torch.cat([x, skip], 1))
        return self.out_conv(x)


def load(path):
    """The network of a model file, with its weights."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        spec = json.loads(file.metadata()["unet"])["spec"]
        net = UNet(spec)
        net.load_state_dict({name: file.get_tensor(name) for name in file.keys()}, strict=False)
    return net
