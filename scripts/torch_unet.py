# SPDX-License-Identifier: Apache-2.0
"""Every network that unet_spec (include/unet.h) can describe, in PyTorch, under our names.

UNet(spec) takes a dict with the fields of unet_spec in the words of a model file's JSON.
in_channels, classes, width, depth, padding, norm and up must be there; what is absent of the rest
is the plain U-Net.  "channels", where given, is {"enc": [[a, b], ...], "dec": [[a, b], ...],
"up": [...]}, level 0 first; a 0 or a missing row means the usual number.

A block is an nn.Sequential, so the numbers in its names count convolutions, norms and activations:
conv_block.0, 2 without a norm; 0, 1, 3, 4 with one, and with norms before convolutions, too.
"""
from torch import nn
from torch.nn import functional as F
import torch


def usual(value, otherwise):
    return value if value else otherwise


def is_resnet(spec):
    return str(spec.get("residual")).startswith("resnet")


class Channels:
    """How many channels each layer has: enc[d] and dec[d] are lists, one number a convolution."""

    def __init__(self, spec):
        depth, self.convs = spec["depth"], spec.get("convs") or 2
        given = spec.get("channels") or {}
        widest = spec.get("widest") or spec["width"] << depth
        self.enc = [self.row(given.get("enc"), d, [min(spec["width"] << d, widest)] * 2)
                    for d in range(depth + 1)]
        self.dec = [self.row(given.get("dec"), d, self.enc[d]) for d in range(depth)]
        if is_resnet(spec):
            four = 4 if spec["residual"] == "resnet_bottleneck" else 1
            usual_enc = [spec["width"] if d < 2 else (spec["width"] << d - 2) * four
                         for d in range(depth + 1)]
            self.enc = [self.row(given.get("enc"), d, [usual_enc[d]] * 2) for d in range(depth + 1)]
            self.dec = [self.row(given.get("dec"), d, [max(1, (spec["width"] << d) // 4)] * 2)
                        for d in range(depth)]
        ups = given.get("up") or []
        self.up = [usual(ups[d] if d < len(ups) else 0, self.enc[d][-1]) for d in range(depth)]
        if spec["up"] != "transpose" and spec.get("up_conv") == "none":
            self.up = [self.below(d) for d in range(depth)]

    def row(self, rows, d, otherwise):
        row = rows[d] if rows and d < len(rows) else [0, 0]
        return [usual(a, b) for a, b in zip(row, otherwise)][:self.convs]

    def below(self, d):
        """Of the map that the up-convolution to level d starts from."""
        last = self.enc[d + 1] if d + 1 == len(self.dec) else self.dec[d + 1]
        return last[-1]


def norm(spec, channels, of=None):
    """Of channels that are a part of those that are normalised together."""
    epsilon, of = spec.get("norm_epsilon") or 1e-5, of or channels
    if spec["norm"] == "batch":
        return nn.BatchNorm2d(channels, eps=epsilon)
    if spec["norm"] == "instance":
        return nn.InstanceNorm2d(channels, eps=epsilon, affine=not spec.get("norm_plain"))
    return nn.GroupNorm(min(spec["groups"], of) * channels // of, channels, eps=epsilon)


class NormOfTwo(nn.Module):
    """The norm of two maps side by side, whose parameters are in two parts."""

    def __init__(self, spec, up, skip):
        super().__init__()
        self.up, self.skip = norm(spec, up, up + skip), norm(spec, skip, up + skip)
        self.first = skip if spec.get("concat") == "skip_up" else up
        self.parts = ["skip", "up"] if spec.get("concat") == "skip_up" else ["up", "skip"]

    def forward(self, x):
        both = x[:, :self.first], x[:, self.first:]
        return torch.cat([getattr(self, part)(y) for part, y in zip(self.parts, both)], 1)


def act(spec, inplace):
    if spec.get("act", "relu") == "relu":
        return nn.ReLU(inplace)
    if spec["act"] == "prelu":
        return nn.PReLU()
    return nn.LeakyReLU(spec["leaky_slope"], inplace)


def after_conv(spec, norms, acts):
    """The list of a norm and an activation, of which either may be absent, in the spec's order."""
    both = norms + acts
    return both[::-1] if spec.get("norm_order") == "act_first" else both


class Block(nn.Module):
    """One or two 3x3 convolutions with what follows each; stride: of the first."""

    def __init__(self, cin, couts, spec, inplace, stride=1, up=0):
        """up: how many of the channels that it reads come from below; the others are a skip's."""
        super().__init__()
        before = spec.get("norm_order") == "before_conv"
        normed = spec["norm"] != "none" and not before
        bias = {"unless_norm": not normed, "always": True,
                "never": False}[spec.get("bias", "unless_norm")]
        layers = []
        for i, cout in enumerate(couts):
            if before:
                layers.append(norm(spec, cin) if i or not up else NormOfTwo(spec, up, cin - up))
            layers.append(nn.Conv2d(cin, cout, 3, padding=int(spec["padding"] == "same"),
                                    stride=1 if i else stride, bias=bias))
            silent = spec.get("single_act") and i + 1 < len(couts)
            layers += after_conv(spec, [norm(spec, cout)] if normed else [],
                                 [] if silent else [act(spec, inplace)])
            cin = cout
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return self.conv_block(x)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, as nnU-Net's; halves: to half the size."""

    def __init__(self, cin, cout, spec, inplace, halves):
        super().__init__()
        bias = spec.get("bias") == "always"
        self.pool = nn.AvgPool2d(2) if halves else nn.Identity()
        if cin != cout:
            self.skip, self.skip_norm = nn.Conv2d(cin, cout, 1, bias=False), norm(spec, cout)
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1, stride=1 + halves, bias=bias)
        self.norm1 = norm(spec, cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1, bias=bias)
        self.norm2 = norm(spec, cout)
        self.act1, self.act2 = act(spec, inplace), act(spec, inplace)

    def forward(self, x):
        beside = self.pool(x)
        if hasattr(self, "skip"):
            beside = self.skip_norm(self.skip(beside))
        x = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x)))))
        return self.act2(x + beside)


class ResidualLevel(nn.Module):
    """Residual blocks; stem: a convolution before them."""

    def __init__(self, cin, cout, count, spec, inplace, stem):
        super().__init__()
        if stem:
            bias = spec.get("bias") == "always"
            self.conv_block = nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=bias),
                                            norm(spec, cout), act(spec, inplace))
            cin = cout
        self.blocks = nn.ModuleList(
            ResidualBlock(cout if i else cin, cout, spec, inplace, not stem and not i)
            for i in range(count))

    def forward(self, x):
        x = self.conv_block(x) if hasattr(self, "conv_block") else x
        for block in self.blocks:
            x = block(x)
        return x


class ResNetBlock(nn.Module):
    """Two convolutions beside a shortcut, or three, of which 1x1 ones are around a 3x3."""

    def __init__(self, cin, cout, spec, inplace, halves):
        super().__init__()
        bias, stride = spec.get("bias") == "always", 1 + halves
        if spec["residual"] == "resnet":
            layers = [(cin, cout, 3, stride), (cout, cout, 3, 1)]
        else:
            layers = [(cin, cout // 4, 1, 1), (cout // 4, cout // 4, 3, stride),
                      (cout // 4, cout, 1, 1)]
        if halves or cin != cout:
            self.skip = nn.Conv2d(cin, cout, 1, stride=stride, bias=False)
            self.skip_norm = norm(spec, cout)
        for i, (a, b, side, step) in enumerate(layers, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, side, padding=side // 2, stride=step,
                                                bias=bias))
            setattr(self, f"norm{i}", norm(spec, b))
            setattr(self, f"act{i}", act(spec, inplace))
        self.count = len(layers)

    def forward(self, x):
        beside = self.skip_norm(self.skip(x)) if hasattr(self, "skip") else x
        for i in range(1, self.count + 1):
            x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x))
            x = getattr(self, f"act{i}")(x + beside if i == self.count else x)
        return x


class ResNetLevel(nn.Module):
    """Level 1 is the stem, level 2 begins with a pooling, those below halve in their first block."""

    def __init__(self, cin, cout, count, spec, inplace, d):
        super().__init__()
        if d == 1:
            self.conv_block = nn.Sequential(
                nn.Conv2d(cin, cout, 7, stride=2, padding=3, bias=spec.get("bias") == "always"),
                norm(spec, cout), act(spec, inplace))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if d == 2 else nn.Identity()
        self.blocks = nn.ModuleList(
            ResNetBlock(cout if i else cin, cout, spec, inplace, d > 2 and not i)
            for i in range(count if d > 1 else 0))

    def forward(self, x):
        x = self.conv_block(x) if hasattr(self, "conv_block") else self.pool(x)
        for block in self.blocks:
            x = block(x)
        return x


class UNet(nn.Module):
    """inplace: whether activations overwrite their input, which takes less time and memory."""

    def __init__(self, spec, inplace=False):
        super().__init__()
        self.spec, depth, c = spec, spec["depth"], Channels(spec)
        cin, strided = spec["in_channels"], spec.get("down") == "conv"
        resnet = is_resnet(spec)
        for d in range(resnet, depth + 1):
            name = f"enc_{d}" if d < depth else "bottleneck"
            if resnet:
                count = usual((spec.get("blocks") or [0] * (depth + 1))[d], [0, 0, 3, 4, 6, 3][d])
                level = ResNetLevel(cin, c.enc[d][-1], count, spec, inplace, d)
            elif spec.get("residual"):
                count = usual((spec.get("blocks") or [0] * (depth + 1))[d], [1, 3, 4, 6][min(d, 3)])
                level = ResidualLevel(cin, c.enc[d][-1], count, spec, inplace, d == 0)
            else:
                level = Block(cin, c.enc[d], spec, inplace, 2 if strided and d else 1)
            setattr(self, name, level)
            cin = c.enc[d][-1]
        for d in reversed(range(depth)):
            self.add_up(d, cin, c.up[d], inplace)
            cin = c.up[d] + (c.enc[d][-1] if d or not resnet else 0)
            setattr(self, f"dec_{d}", Block(cin, c.dec[d], spec, inplace, up=c.up[d]))
            cin = c.dec[d][-1]
        outputs = spec["classes"] + spec.get("rims", 0) * (spec["classes"] - 1)
        self.out_conv = nn.Conv2d(cin, outputs, 3 if resnet else 1, padding=int(resnet))
        # the last row or column of an odd side is not seen
        self.pool = nn.Identity() if strided else nn.MaxPool2d(2)

    def add_up(self, d, cin, cout, inplace):
        spec = self.spec
        normed = bool(spec.get("up_norm")) and spec["norm"] != "none"
        rule = spec.get("bias", "unless_norm")
        bias = rule == "always" or (rule == "unless_norm" and not normed)
        kind = spec.get("up_conv", "conv1x1")
        if spec["up"] == "transpose":
            setattr(self, f"upconv_{d}", nn.ConvTranspose2d(cin, cout, 2, 2, bias=bias))
        elif kind == "conv1x1":
            setattr(self, f"upconv_{d}", nn.Conv2d(cin, cout, 1, bias=bias))
        elif kind == "conv3x3":
            setattr(self, f"upconv_{d}", nn.Conv2d(cin, cout, 3, bias=bias,
                                                   padding=int(spec["padding"] == "same")))
        if normed:
            setattr(self, f"upnorm_{d}", norm(spec, cout))
        if spec.get("up_act"):
            setattr(self, f"upact_{d}", act(spec, inplace))

    def up(self, d, x):
        spec = self.spec
        if spec["up"] == "nearest":
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        elif spec["up"] == "bilinear":
            x = F.interpolate(x, scale_factor=2, mode="bilinear",
                              align_corners=bool(spec.get("align_corners")))
            if spec["padding"] == "valid":  # the ring would depend on neighbours that are not there
                x = x[:, :, 1:-1, 1:-1]
        order = ["upnorm", "upact"]
        if spec.get("norm_order") == "act_first":
            order.reverse()
        for part in ["upconv"] + order:
            if hasattr(self, f"{part}_{d}"):
                x = getattr(self, f"{part}_{d}")(x)
        return x

    def join(self, x, skip):
        if skip is None:
            return x
        dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        if dy or dx:
            top, left = dy // 2, dx // 2
            if self.spec["padding"] == "same":  # x lies in the middle of the skip's frame
                x = F.pad(x, (left, dx - left, top, dy - top))
            else:
                skip = skip[:, :, top:top + x.shape[2], left:left + x.shape[3]]
        return torch.cat([skip, x] if self.spec.get("concat") == "skip_up" else [x, skip], 1)

    def drop(self, x):
        rate = self.spec.get("dropout") or 0
        return F.dropout(x, rate, self.training) if rate else x

    def forward(self, x):
        skips, depth = [], self.spec["depth"]
        for d in range(depth):
            if is_resnet(self.spec) and not d:
                skips.append(None)
                continue
            x = getattr(self, f"enc_{d}")(x)
            if d + 1 == depth:
                x = self.drop(x)
            skips.append(x)
            x = self.pool(x)
        x = self.drop(self.bottleneck(x))
        for d in reversed(range(depth)):
            x = getattr(self, f"dec_{d}")(self.join(self.up(d, x), skips[d]))
        return self.out_conv(x)


# ---- MONAI's UNet: the family "monai" ----


class Unit(nn.Module):
    """Convolutions beside a shortcut, if there is one; bare: nothing follows the convolution."""

    def __init__(self, cin, cout, count, spec, stride=1, bare=False):
        super().__init__()
        bias, self.count = spec.get("bias") != "never", count
        for i in range(1, count + 1):
            conv = nn.Conv2d(cin if i == 1 else cout, cout, 3, stride if i == 1 else 1, 1,
                             bias=bias)
            setattr(self, f"conv{i}", conv)
            if not bare and spec["norm"] != "none":
                setattr(self, f"norm{i}", norm(spec, cout))
            if not bare:
                setattr(self, f"act{i}", act(spec, False))
        if stride > 1:
            self.skip = nn.Conv2d(cin, cout, 3, stride, 1, bias=bias)
        elif cin != cout:
            self.skip = nn.Conv2d(cin, cout, 1, bias=bias)

    def forward(self, x):
        beside = self.skip(x) if hasattr(self, "skip") else x
        for i in range(1, self.count + 1):
            for part in ("conv", "norm", "act"):
                if hasattr(self, f"{part}{i}"):
                    x = getattr(self, f"{part}{i}")(x)
        return x + beside


class Blocks(nn.Module):
    """A level of MONAI's: a unit, or a plain convolution."""

    def __init__(self, cin, cout, count, spec, stride=1, bare=False):
        super().__init__()
        if count:
            self.blocks = nn.ModuleList([Unit(cin, cout, count, spec, stride, bare)])
        else:
            conv = nn.Conv2d(cin, cout, 3, stride, 1, bias=spec.get("bias") != "never")
            norms = [norm(spec, cout)] if spec["norm"] != "none" else []
            self.conv_block = nn.Sequential(conv, *norms, act(spec, False))

    def forward(self, x):
        return self.blocks[0](x) if hasattr(self, "blocks") else self.conv_block(x)


class MonaiUNet(nn.Module):
    """Levels are halved before they are convolved; 3x3 up-convolutions read two maps side by side
    and make the map of the level above, the uppermost the classes."""

    def __init__(self, spec):
        super().__init__()
        self.spec, depth, units = spec, spec["depth"], spec.get("units", 0)
        enc = [row[0] for row in Channels(spec).enc]
        cin = spec["in_channels"]
        for d, channels in enumerate(enc):
            name, stride = (f"enc_{d}", 2) if d < depth else ("bottleneck", 1)
            setattr(self, name, Blocks(cin, channels, units, spec, stride))
            cin = channels
        for d in reversed(range(depth)):
            cout = enc[d - 1] if d else spec["classes"]
            conv = nn.ConvTranspose2d(enc[d] + cin, cout, 3, 2, 1, 1,
                                      bias=spec.get("bias") != "never")
            setattr(self, f"upconv_{d}", conv)
            if (d or units) and spec["norm"] != "none":
                setattr(self, f"upnorm_{d}", norm(spec, cout))
            if d or units:
                setattr(self, f"upact_{d}", act(spec, False))
            if units:
                setattr(self, f"dec_{d}", Blocks(cout, cout, 1, spec, bare=d == 0))
            cin = cout
        self.pool = nn.Identity()

    def forward(self, x):
        skips, depth = [], self.spec["depth"]
        for d in range(depth):
            x = getattr(self, f"enc_{d}")(x)
            skips.append(x)
        x = self.bottleneck(x)
        for d in reversed(range(depth)):
            x = torch.cat([skips[d], x], 1)
            for part in ("upconv", "upnorm", "upact", "dec"):
                if hasattr(self, f"{part}_{d}"):
                    x = getattr(self, f"{part}_{d}")(x)
        return x


def network(spec):
    return (MonaiUNet if spec.get("family") == "monai" else UNet)(spec)
