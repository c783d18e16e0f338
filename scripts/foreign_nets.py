# SPDX-License-Identifier: Apache-2.0
"""U-Nets with the names that other people's PyTorch code gives to its parts, written anew.

What is theirs is the names, their order, and what is computed.  Each has a spec: the same network
in the words of scripts/torch_unet.py.
"""
from collections import OrderedDict
from typing import List

import torch
from torch import nn
from torch.nn import functional as F


def twice(cin, mid, cout, bias):
    """Convolution, batch norm, ReLU, twice."""
    layers = []
    for a, b in ((cin, mid), (mid, cout)):
        layers += [nn.Conv2d(a, b, 3, padding=1, bias=bias), nn.BatchNorm2d(b),
                   nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Net(nn.Module):
    def forward(self, x):
        return self.logits(x)


# ---- milesial: inc, down1..4, up1..4, outc ----

class MilesialConv(nn.Module):
    def __init__(self, cin, cout, mid):
        super().__init__()
        self.double_conv = twice(cin, mid, cout, False)

    def forward(self, x):
        return self.double_conv(x)


class MilesialDown(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), MilesialConv(cin, cout, cout))

    def forward(self, x):
        return self.maxpool_conv(x)


class MilesialUp(nn.Module):
    def __init__(self, cin, cout, bilinear):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = MilesialConv(cin, cout, cin // 2)
        else:
            self.up = nn.ConvTranspose2d(cin, cin // 2, 2, stride=2)
            self.conv = MilesialConv(cin, cout, cout)

    def forward(self, x, skip):
        x = self.up(x)
        dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([skip, x], dim=1))


class MilesialOut(nn.Module):
    def __init__(self, cin, classes):
        super().__init__()
        self.conv = nn.Conv2d(cin, classes, 1)

    def forward(self, x):
        return self.conv(x)


class Milesial(Net):
    """Theirs has four levels; those who cut it down leave the last ones out."""

    def __init__(self, channels, classes, width, bilinear=False, levels=4):
        super().__init__()
        w, half = [width << d for d in range(levels + 1)], 2 if bilinear else 1
        self.levels = levels
        self.inc = MilesialConv(channels, w[0], w[0])
        for d in range(1, levels + 1):
            cout = w[d] // half if d == levels else w[d]
            setattr(self, f"down{d}", MilesialDown(w[d - 1], cout))
        for i in range(1, levels + 1):
            d = levels - i
            cout = w[d] // half if d else w[0]
            setattr(self, f"up{i}", MilesialUp(w[d + 1], cout, bilinear))
        self.outc = MilesialOut(w[0], classes)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=levels,
                         padding="same", norm="batch", up="transpose", concat="skip_up")
        if bilinear:
            enc = [[c, c] for c in w[:-1] + [w[-1] // 2]]
            dec = [[w[0], w[0]]] + [[w[d], w[d] // 2] for d in range(1, levels)]
            self.spec.update(up="bilinear", up_conv="none", align_corners=1,
                             channels=dict(enc=enc, dec=dec, up=w[:-1]))

    def logits(self, x):
        skips = [self.inc(x)]
        for d in range(1, self.levels + 1):
            skips.append(getattr(self, f"down{d}")(skips[-1]))
        x = skips.pop()
        for i in range(1, self.levels + 1):
            x = getattr(self, f"up{i}")(x, skips.pop())
        return self.outc(x)


# ---- mateuszbuda, brain segmentation: encoder1..4, bottleneck, upconv4..1, decoder4..1, conv ----

class BrainSegmentation(nn.Module):
    def __init__(self, channels, classes, width, depth=4):
        super().__init__()
        self.depth, cin = depth, channels
        for d in range(1, depth + 1):
            self.block(f"encoder{d}", f"enc{d}", cin, width << (d - 1))
            cin = width << (d - 1)
        self.block("bottleneck", "bottleneck", cin, 2 * cin)
        for d in range(depth, 0, -1):
            cout = width << (d - 1)
            setattr(self, f"upconv{d}", nn.ConvTranspose2d(2 * cout, cout, 2, stride=2))
            self.block(f"decoder{d}", f"dec{d}", 2 * cout, cout)
        self.conv = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm="batch", up="transpose")

    def block(self, name, short, cin, cout):
        parts = ["conv1", "norm1", "relu1", "conv2", "norm2", "relu2"]
        layers = zip(parts, twice(cin, cout, cout, False))
        setattr(self, name, nn.Sequential(OrderedDict((short + p, l) for p, l in layers)))

    def logits(self, x):
        skips = []
        for d in range(1, self.depth + 1):
            skips.append(getattr(self, f"encoder{d}")(x))
            x = F.max_pool2d(skips[-1], 2, 2)
        x = self.bottleneck(x)
        for d in range(self.depth, 0, -1):
            x = torch.cat((getattr(self, f"upconv{d}")(x), skips.pop()), dim=1)
            x = getattr(self, f"decoder{d}")(x)
        return self.conv(x)

    def forward(self, x):
        return torch.sigmoid(self.logits(x))


# ---- stemseg: enc1..3, bottom, up3, dec3, ... head ----

class StemSeg(Net):
    def __init__(self, channels, classes, width, depth=3):
        super().__init__()
        self.depth, cin = depth, channels
        for d in range(1, depth + 1):
            cout = width << (d - 1)
            setattr(self, f"enc{d}", twice(cin, cout, cout, True))
            cin = cout
        self.bottom = twice(cin, 2 * cin, 2 * cin, True)
        for d in range(depth, 0, -1):
            cout = width << (d - 1)
            setattr(self, f"up{d}", nn.ConvTranspose2d(2 * cout, cout, 2, 2))
            setattr(self, f"dec{d}", twice(2 * cout, cout, cout, True))
        self.head = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm="batch", up="transpose", bias="always")

    def logits(self, x):
        skips = []
        for d in range(1, self.depth + 1):
            skips.append(getattr(self, f"enc{d}")(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for d in range(self.depth, 0, -1):
            x = getattr(self, f"dec{d}")(torch.cat([getattr(self, f"up{d}")(x), skips.pop()], 1))
        return self.head(x)


# ---- bioimage.io's unet2d: encoders.0.0, base, decoders, upsamplers.0.1, output ----

class BioimageUp(nn.Module):
    def __init__(self, mode: str):
        super().__init__()
        self.mode = mode

    def forward(self, x):
        if self.mode == "nearest":
            return F.interpolate(x, scale_factor=2.0, mode="nearest")
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Bioimage(nn.Module):
    def __init__(self, channels, classes, width, depth=3, mode="bilinear"):
        super().__init__()
        w = [channels] + [width << d for d in range(depth + 1)]

        def block(cin, cout):
            return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1),
                                 nn.Conv2d(cout, cout, 3, padding=1), nn.ReLU(inplace=True))

        downs = list(range(depth, 0, -1))
        self.encoders = nn.ModuleList(block(w[d], w[d + 1]) for d in range(depth))
        self.base = block(w[depth], w[depth + 1])
        self.decoders = nn.ModuleList(block(w[d + 1], w[d]) for d in downs)
        self.poolers = nn.ModuleList(nn.MaxPool2d(2) for _ in downs)
        self.upsamplers = nn.ModuleList(
            nn.Sequential(BioimageUp(mode), nn.Conv2d(w[d + 1], w[d], 1)) for d in downs)
        self.output = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm="none", up=mode, concat="skip_up", single_act=1)

    def forward(self, x):
        skips: List[torch.Tensor] = []
        for encoder, pooler in zip(self.encoders, self.poolers):
            x = encoder(x)
            skips.append(x)
            x = pooler(x)
        x = self.base(x)
        for decoder, upsampler in zip(self.decoders, self.upsamplers):
            x = decoder(torch.cat([skips.pop(), upsampler(x)], dim=1))
        return self.output(x)


# ---- jvanvugt: down_path, up_path, last; a norm comes after its activation ----

class JvanvugtBlock(nn.Module):
    def __init__(self, cin, cout, padding, norm):
        super().__init__()
        layers = []
        for a in (cin, cout):
            layers += [nn.Conv2d(a, cout, 3, padding=int(padding)), nn.ReLU()]
            if norm:
                layers.append(nn.BatchNorm2d(cout))
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return self.block(x)


class JvanvugtUp(nn.Module):
    def __init__(self, cin, cout, upsample, padding, norm):
        super().__init__()
        if upsample:
            self.up = nn.Sequential(nn.Upsample(mode="bilinear", scale_factor=2),
                                    nn.Conv2d(cin, cout, 1))
        else:
            self.up = nn.ConvTranspose2d(cin, cout, 2, stride=2)
        self.conv_block = JvanvugtBlock(cin, cout, padding, norm)

    def forward(self, x, skip):
        x = self.up(x)
        dy, dx = (skip.size(2) - x.size(2)) // 2, (skip.size(3) - x.size(3)) // 2
        skip = skip[:, :, dy:dy + x.size(2), dx:dx + x.size(3)]
        return self.conv_block(torch.cat([x, skip], 1))


class Jvanvugt(Net):
    """depth counts the bottleneck, as theirs does."""

    def __init__(self, channels, classes, width, depth, padding=False, norm=False, upsample=False):
        super().__init__()
        w = [channels] + [width << d for d in range(depth)]
        self.down_path = nn.ModuleList(
            JvanvugtBlock(a, b, padding, norm) for a, b in zip(w[:-1], w[1:]))
        self.up_path = nn.ModuleList(
            JvanvugtUp(w[d + 1], w[d], upsample, padding, norm) for d in range(depth - 1, 0, -1))
        self.last = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth - 1,
                         padding="same" if padding else "valid", norm="batch" if norm else "none",
                         up="bilinear" if upsample else "transpose")
        if norm:
            self.spec.update(norm_order="act_first", bias="always")

    def logits(self, x):
        skips = []
        for i, down in enumerate(self.down_path):
            x = down(x)
            if i + 1 < len(self.down_path):
                skips.append(x)
                x = F.max_pool2d(x, 2)
        for up in self.up_path:
            x = up(x, skips.pop())
        return self.last(x)


# ---- LeeJunHyun: Conv1.., Up5, Up_conv5, ..., Conv_1x1 ----

class LeeJunHyunConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = twice(cin, cout, cout, True)

    def forward(self, x):
        return self.conv(x)


class LeeJunHyunUp(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(cin, cout, 3, 1, 1),
                                nn.BatchNorm2d(cout), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.up(x)


class LeeJunHyunGate(nn.Module):
    """The attention of a network that is not a plain U-Net."""

    def __init__(self, channels, inner):
        super().__init__()
        self.W_g = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.W_x = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.psi = nn.Sequential(nn.Conv2d(inner, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, g, x):
        return x * self.psi(F.relu(self.W_g(g) + self.W_x(x)))


class LeeJunHyun(Net):
    def __init__(self, channels, classes, width, levels=5, attention=False):
        super().__init__()
        self.levels, cin = levels, channels
        for d in range(1, levels + 1):
            setattr(self, f"Conv{d}", LeeJunHyunConv(cin, width << (d - 1)))
            cin = width << (d - 1)
        for d in range(levels, 1, -1):
            cout = cin // 2
            setattr(self, f"Up{d}", LeeJunHyunUp(cin, cout))
            if attention:
                setattr(self, f"Att{d}", LeeJunHyunGate(cout, max(1, cout // 2)))
            setattr(self, f"Up_conv{d}", LeeJunHyunConv(cin, cout))
            cin = cout
        self.Conv_1x1 = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=levels - 1,
                         padding="same", norm="batch", up="nearest", up_conv="conv3x3", up_norm=1,
                         up_act=1, bias="always", concat="skip_up")

    def logits(self, x):
        skips = []
        for d in range(1, self.levels + 1):
            if skips:
                x = F.max_pool2d(x, 2, 2)
            x = getattr(self, f"Conv{d}")(x)
            skips.append(x)
        skips.pop()
        for d in range(self.levels, 1, -1):
            x, skip = getattr(self, f"Up{d}")(x), skips.pop()
            if hasattr(self, f"Att{d}"):
                skip = getattr(self, f"Att{d}")(x, skip)
            x = getattr(self, f"Up_conv{d}")(torch.cat((skip, x), dim=1))
        return self.Conv_1x1(x)


# ---- aladdinpersson: ups, downs, bottleneck, final_conv; the decoder comes first in the file ----

class AladdinConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = twice(cin, cout, cout, False)

    def forward(self, x):
        return self.conv(x)


class Aladdinpersson(Net):
    def __init__(self, channels, classes, features):
        super().__init__()
        self.ups, self.downs = nn.ModuleList(), nn.ModuleList()
        self.pool = nn.MaxPool2d(2, 2)
        cin = channels
        for f in features:
            self.downs.append(AladdinConv(cin, f))
            cin = f
        for f in reversed(features):
            self.ups.append(nn.ConvTranspose2d(2 * f, f, 2, 2))
            self.ups.append(AladdinConv(2 * f, f))
        self.bottleneck = AladdinConv(cin, 2 * cin)
        self.final_conv = nn.Conv2d(features[0], classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=features[0],
                         depth=len(features), padding="same", norm="batch", up="transpose",
                         concat="skip_up")

    def logits(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for i in range(0, len(self.ups), 2):
            x = self.ups[i + 1](torch.cat((skips.pop(), self.ups[i](x)), dim=1))
        return self.final_conv(x)
