# SPDX-License-Identifier: Apache-2.0
"""More networks that other people use (see foreign_nets.py): nnU-Net's, torch_em's, and Unet of
segmentation_models_pytorch."""
import torch
from torch import nn
from torch.nn import functional as F


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


# ---- torch_em: encoder.blocks, base, decoder.samplers, decoder.blocks, out_conv ----

def torch_em_block(cin, cout, norm):
    """A convolution and a ReLU, twice, with a norm of what each convolution reads."""
    layers = []
    for channels in (cin, cout):
        if norm == "instance":
            layers.append(nn.InstanceNorm2d(channels))
        elif norm == "batch":
            layers.append(nn.BatchNorm2d(channels))
        elif norm == "group":
            layers.append(nn.GroupNorm(min(32, channels), channels))
        layers += [nn.Conv2d(channels, cout, 3, padding=1), nn.ReLU()]
    block = nn.Module()
    block.block = nn.Sequential(*layers)
    return block


class TorchEm(nn.Module):
    def __init__(self, channels, classes, width, depth, norm):
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.blocks, widths = nn.ModuleList(), [width << d for d in range(depth + 1)]
        for cin, cout in zip([channels] + widths, widths[:-1]):
            self.encoder.blocks.append(torch_em_block(cin, cout, norm))
        self.base = torch_em_block(widths[-2], widths[-1], norm)
        self.decoder.blocks, self.decoder.samplers = nn.ModuleList(), nn.ModuleList()
        for cin, cout in zip(widths[:0:-1], widths[-2::-1]):
            self.decoder.blocks.append(torch_em_block(2 * cout, cout, norm))
            sampler = nn.Module()
            sampler.conv = nn.Conv2d(cin, cout, 1)
            self.decoder.samplers.append(sampler)
        self.out_conv = nn.Conv2d(width, classes, 1)
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm=norm or "none", up="bilinear")
        if norm:
            self.spec.update(norm_order="before_conv")
        if norm == "instance":
            self.spec.update(norm_plain=1)
        if norm == "group":
            self.spec.update(groups=32)

    def logits(self, x):
        skips = []
        for block in self.encoder.blocks:
            x = block.block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.base.block(x)
        for block, sampler in zip(self.decoder.blocks, self.decoder.samplers):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = torch.cat([sampler.conv(x), skips.pop()], dim=1)
            x = block.block(x)
        return self.out_conv(x)

    def forward(self, x):
        return self.logits(x)


# ---- segmentation_models_pytorch's Unet; its encoder's layers have torchvision's names ----

class SmpBlock(nn.Module):
    """Of two convolutions (ResNet-18, -34) or three (ResNet-50 and deeper)."""

    def __init__(self, cin, cout, stride, bottleneck):
        super().__init__()
        inner = cout // 4 if bottleneck else cout
        shapes = [(cin, inner, 1, 1), (inner, inner, 3, stride), (inner, cout, 1, 1)] \
            if bottleneck else [(cin, cout, 3, stride), (cout, cout, 3, 1)]
        self.downsample = nn.Identity()
        if stride > 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False),
                                            nn.BatchNorm2d(cout))
        for i, (a, b, side, step) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, side, step, side // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.count = len(shapes)

    def forward(self, x):
        shortcut = self.downsample(x)
        for i in range(1, self.count + 1):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))
            x = F.relu(x + shortcut if i == self.count else x)
        return x


class SmpEncoder(nn.Module):
    """Always of four layers, of which the first depth - 1 are looked at."""

    def __init__(self, channels, width, counts, bottleneck, depth):
        super().__init__()
        self.depth, four = depth, 4 if bottleneck else 1
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.out = [width]
        for i, count in enumerate(counts):
            cin, cout = self.out[-1], (width << i) * four
            setattr(self, f"layer{i + 1}", nn.Sequential(*(
                SmpBlock(cout if b else cin, cout, 2 if i and not b else 1, bottleneck)
                for b in range(count))))
            self.out.append(cout)

    def forward(self, x):
        maps = [F.relu(self.bn1(self.conv1(x)))]
        for i in range(1, self.depth):
            x = F.max_pool2d(maps[-1], 3, 2, 1) if i == 1 else maps[-1]
            maps.append(getattr(self, f"layer{i}")(x))
        return maps


class SmpDecoderBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        for i, a in ((1, cin), (2, cout)):
            setattr(self, f"conv{i}", nn.Sequential(nn.Conv2d(a, cout, 3, padding=1, bias=False),
                                                    nn.BatchNorm2d(cout), nn.ReLU()))

    def forward(self, x, skip, mode):
        x = F.interpolate(x, scale_factor=2, mode=mode)
        x = x if skip is None else torch.cat([x, skip], 1)
        return self.conv2(self.conv1(x))


class SmpDecoder(nn.Module):
    def __init__(self, out, channels):
        super().__init__()
        skips = out[-2::-1] + [0]
        ins = [out[-1]] + channels[:-1]
        self.blocks = nn.ModuleList(SmpDecoderBlock(a + s, b)
                                    for a, s, b in zip(ins, skips, channels))

    def forward(self, maps, mode):
        x, skips = maps[-1], maps[-2::-1] + [None]
        for block, skip in zip(self.blocks, skips):
            x = block(x, skip, mode)
        return x


class SmpUnet(nn.Module):
    """decoder: its channels, as many as the encoder has halvings."""

    def __init__(self, channels, classes, width, counts, decoder, bottleneck=False, mode="nearest"):
        super().__init__()
        depth, self.mode = len(decoder), mode
        self.encoder = SmpEncoder(channels, width, counts, bottleneck, depth)
        self.decoder = SmpDecoder(self.encoder.out[:depth], decoder)
        self.segmentation_head = nn.Sequential(nn.Conv2d(decoder[-1], classes, 3, padding=1),
                                               nn.Identity())
        usual = [max(1, (width << d) // 4) for d in range(depth)]
        plain = decoder[::-1] == usual
        self.spec = dict(in_channels=channels, classes=classes, width=width, depth=depth,
                         padding="same", norm="batch", up=mode, act="relu", down="conv",
                         up_conv="none",
                         residual="resnet_bottleneck" if bottleneck else "resnet",
                         blocks=[0, 0] + [0 if b == u else b for b, u in
                                          zip(counts[:depth - 1], [3, 4, 6, 3])])
        if not plain:
            self.spec["channels"] = dict(
                enc=[[0, 0]] * (depth + 1), up=[0] * depth,
                dec=[[0 if b == u else b] * 2 for b, u in zip(decoder[::-1], usual)])

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder(x), self.mode))


# ---- MONAI's UNet: model.0, model.1.submodule, model.2, and so on within the second ----

class MonaiConvolution(nn.Sequential):
    """bare: nothing follows the convolution."""

    def __init__(self, cin, cout, stride, how, transposed=False, bare=False):
        super().__init__()
        self.add_module("conv", nn.ConvTranspose2d(cin, cout, 3, stride, 1, stride - 1)
                        if transposed else nn.Conv2d(cin, cout, 3, stride, 1))
        if bare:
            return
        adn = nn.Sequential()
        if how["norm"] == "batch":
            adn.add_module("N", nn.BatchNorm2d(cout))
        elif how["norm"] == "instance":
            adn.add_module("N", nn.InstanceNorm2d(cout))
        adn.add_module("D", nn.Dropout(0.0))
        adn.add_module("A", {"prelu": nn.PReLU, "relu": nn.ReLU}[how["act"]]())
        self.add_module("adn", adn)


class MonaiUnit(nn.Module):
    def __init__(self, cin, cout, stride, count, how, bare=False):
        super().__init__()
        self.residual = nn.Identity()
        if stride > 1 or cin != cout:
            side = 3 if stride > 1 else 1
            self.residual = nn.Conv2d(cin, cout, side, stride, side // 2)
        self.conv = nn.Sequential()
        for i in range(count):
            self.conv.add_module(f"unit{i}", MonaiConvolution(
                cout if i else cin, cout, 1 if i else stride, how, bare=bare and i == count - 1))

    def forward(self, x):
        beside = self.residual(x)  # it runs first
        return self.conv(x) + beside


class MonaiSkip(nn.Module):
    def __init__(self, submodule):
        super().__init__()
        self.submodule = submodule

    def forward(self, x):
        return torch.cat([x, self.submodule(x)], 1)


class Monai(nn.Module):
    def __init__(self, channels, classes, features, units, norm="instance", act="prelu"):
        super().__init__()
        self.units, self.how = units, {"norm": norm, "act": act}
        self.model = self.block(channels, classes, features, True)
        depth = len(features) - 1
        self.spec = dict(in_channels=channels, classes=classes, width=features[0], depth=depth,
                         padding="same", norm=norm, up="transpose", act=act, bias="always",
                         concat="skip_up", down="conv", family="monai")
        if norm == "instance":
            self.spec["norm_plain"] = 1
        if units:
            self.spec["units"] = units
        if features != [features[0] << d for d in range(depth + 1)]:
            self.spec["widest"] = max(features)
            usual = [min(features[0] << d, max(features)) for d in range(depth + 1)]
            self.spec["channels"] = dict(enc=[[0, 0] if f == u else [f, f]
                                              for f, u in zip(features, usual)],
                                         dec=[[0, 0]] * depth, up=[0] * depth)

    def down(self, cin, cout, stride):
        if self.units:
            return MonaiUnit(cin, cout, stride, self.units, self.how)
        return MonaiConvolution(cin, cout, stride, self.how)

    def up(self, cin, cout, top):
        conv = MonaiConvolution(cin, cout, 2, self.how, True, top and not self.units)
        if not self.units:
            return conv
        return nn.Sequential(conv, MonaiUnit(cout, cout, 1, 1, self.how, top))

    def block(self, cin, cout, features, top):
        first, second = features[:2]
        if len(features) > 2:
            below, width = self.block(first, first, features[1:], False), first
        else:
            below, width = self.down(first, second, 1), second
        return nn.Sequential(self.down(cin, first, 2), MonaiSkip(below),
                             self.up(first + width, cout, top))

    def forward(self, x):
        return self.model(x)
