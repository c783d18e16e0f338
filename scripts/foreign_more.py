# SPDX-License-Identifier: Apache-2.0
"""More networks that other people use (see foreign_nets.py): nnU-Net's."""
import torch
from torch import nn


# ---- nnU-Net, second version, PlainConvUNet: one tensor has several names, as in theirs ----

class PlainConv(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride, 1)
        self.norm = nn.InstanceNorm2d(cout, affine=True)
        self.nonlin = nn.LeakyReLU(inplace=True)
        self.all_modules = nn.Sequential(self.conv, self.norm, self.nonlin)

    def forward(self, x):
        return self.all_modules(x)


class PlainStack(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.convs = nn.Sequential(PlainConv(cin, cout, stride), PlainConv(cout, cout, 1))

    def forward(self, x):
        return self.convs(x)


class PlainEncoder(nn.Module):
    def __init__(self, channels, features):
        super().__init__()
        ins = [channels] + features[:-1]
        self.stages = nn.Sequential(*(nn.Sequential(PlainStack(a, b, 2 if d else 1))
                                      for d, (a, b) in enumerate(zip(ins, features))))

    def forward(self, x):
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return skips


class PlainDecoder(nn.Module):
    """With a head at every level, of which training alone looks at the lower ones."""

    def __init__(self, encoder, features, classes):
        super().__init__()
        self.encoder = encoder
        pairs = list(zip(features[:0:-1], features[-2::-1]))
        self.stages = nn.ModuleList(PlainStack(2 * b, b, 1) for a, b in pairs)
        self.transpconvs = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.seg_layers = nn.ModuleList(nn.Conv2d(b, classes, 1) for a, b in pairs)

    def forward(self, skips):
        x = skips[-1]
        for i, (up, stage) in enumerate(zip(self.transpconvs, self.stages)):
            x = stage(torch.cat((up(x), skips[-2 - i]), 1))
        return self.seg_layers[-1](x)


class NnUnet(nn.Module):
    def __init__(self, channels, classes, width, depth, widest):
        super().__init__()
        features = [min(width << d, widest) for d in range(depth + 1)]
        self.encoder = PlainEncoder(channels, features)
        self.decoder = PlainDecoder(self.encoder, features, classes)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm="instance", up="transpose", bias="always",
                         act="leaky_relu", leaky_slope=0.01, down="conv")
        if widest < width << depth:
            self.spec["widest"] = widest

    def forward(self, x):
        return self.decoder(self.encoder(x))
