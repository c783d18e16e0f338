#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/foreign: small weights in other people's layouts, saved as they save them.

Run by hand:  python3 scripts/make_foreign.py   (needs torch, onnx, onnxscript, safetensors,
dynamic_network_architectures)
What is there is left as it is: delete a file, or a network's arrays, to have them made anew.

INDEX.tsv has a line for each file.  Its column "expect" names arrays of expect.safetensors:
NAME.input [1][C][H][W] and NAME.logits [1][K][h][w], which PyTorch computed in double precision
from the values in the file, batch norm in evaluation mode; "-": not a U-Net, to be refused.  "spec"
is the whole network in the words of a model file.  Before anything is written, each is compared
with scripts/torch_unet.py under that spec.

evil*.pth would run a command if a reader executed what they say.
"""
import collections
import copy
import json
import logging
import os
import pathlib
import warnings
import zipfile

import onnx
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import foreign_more as more
import foreign_nets as theirs
from torch_unet import UNet, network

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "foreign"


# ---- networks ----

def ran(net, x):
    """The modules with weights in the order in which they run."""
    found = []
    hooks = [m.register_forward_hook(lambda m, i, o: found.append(m)) for m in net.modules()
             if next(m.parameters(recurse=False), None) is not None]
    with torch.no_grad():
        net(x)
    for h in hooks:
        h.remove()
    return found


def logits_of(net, x):
    with torch.no_grad():
        return net.logits(x) if hasattr(net, "logits") else net(x)


def fill(net, seed):
    torch.manual_seed(seed)
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            taps = 9 if m.kernel_size == (3, 3) else 1
            cin = m.weight.shape[0 if isinstance(m, nn.ConvTranspose2d) else 1]
            nn.init.normal_(m.weight, 0, (2 / (taps * cin)) ** 0.5)
            if m.bias is not None:
                nn.init.normal_(m.bias, 0, 0.2)
        elif isinstance(m, nn.PReLU):
            nn.init.normal_(m.weight, 0.3, 0.2)
        elif isinstance(m, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm)) and \
                m.weight is not None:
            m.weight.data = 0.5 + torch.rand_like(m.weight)
            m.bias.data = 0.3 * torch.randn_like(m.bias)
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.copy_(0.3 * torch.randn_like(m.running_mean))
                m.running_var.copy_(0.5 + torch.rand_like(m.running_var))
                m.num_batches_tracked.fill_(120)


def resenc(channels, classes, features, blocks, convs, bias=True):
    """nnU-Net's residual network, made by its own library."""
    from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
    n = len(features)
    net = ResidualEncoderUNet(
        channels, n, features, nn.Conv2d, 3, [1] + [2] * (n - 1), blocks, classes,
        [convs] * (n - 1), conv_bias=bias, norm_op=nn.InstanceNorm2d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": False}, deep_supervision=False)
    net.spec = dict(in_channels=channels, classes=classes, width=features[0], depth=n - 1,
                    padding="same", norm="instance", up="transpose", act="leaky_relu",
                    leaky_slope=0.01, down="conv", bias="always" if bias else "never",
                    residual="nnunet",
                    blocks=[0 if b == u else b for b, u in zip(blocks, [1, 3, 4, 6, 6])])
    if convs == 1:
        net.spec["convs"] = 1
    if features[-1] < features[0] << (n - 1):
        net.spec["widest"] = features[-1]
    return net


def parts_of(layer, first):
    """A layer's state; of a norm over two maps side by side, which is two of ours, that of each."""
    state, weight = layer.state_dict(), first.weight
    if weight.dim() != 1 or weight.shape == state["weight"].shape:
        return [state]
    n = len(weight)
    return [{k: v[cut] if v.dim() else v for k, v in state.items()}
            for cut in (slice(0, n), slice(n, None))]


def check(name, net, x, logits):
    """Our class, given the same weights in the order of use, computes the same."""
    ours = network(net.spec).double().eval()
    ours_ran, theirs_ran = ran(ours, x), ran(net, x)
    at = 0
    for layer in theirs_ran:
        for part in parts_of(layer, ours_ran[at]):
            ours_ran[at].load_state_dict(part)
            at += 1
    assert at == len(ours_ran), f"{name}: {at} of {len(ours_ran)} layers"
    error = (logits_of(ours, x) - logits).abs().max() / logits.abs().max()
    assert error < 1e-12, f"{name}: differs from its spec by {error:g}"


class Case:
    """A network with weights that keep its logits alive, an input, and what comes out."""

    def __init__(self, name, net, size, dtype=torch.float):
        self.name, self.net, self.dtype, seed = name, net.eval(), dtype, 1
        self.spec = net.spec
        while True:
            fill(net, seed)
            net.to(dtype)  # what the file will hold
            exact = copy.deepcopy(net).double()
            self.x = torch.randn(1, self.spec["in_channels"], *size)
            self.logits = logits_of(exact, self.x.double())
            spread = self.logits.std(dim=(2, 3)) / self.logits.abs().max()
            if spread.min() > 0.1 and self.logits.abs().max() < 100:
                break
            net.float()
            seed += 1
        check(name, exact, self.x.double(), self.logits)


class Renamed(nn.Module):
    """Our class, whose state_dict() gives other names, in the order of the list."""

    def __init__(self, spec, rename):
        super().__init__()
        self.net, self.spec, self.rename = UNet(spec), spec, rename

    def forward(self, x):
        return self.net(x)

    def named(self):
        state = self.net.state_dict()
        return collections.OrderedDict(self.rename(state))


def state(net):
    return net.named() if isinstance(net, Renamed) else net.state_dict()


# names that nobody has seen before: each takes a state_dict and gives pairs (name, value)

def numbered(prefix):
    """One running number for everything with weights, in the order of use."""
    def rename(state):
        layers = list(dict.fromkeys(k.rsplit(".", 1)[0] for k in state))
        return [(f"{prefix}.{layers.index(k.rsplit('.', 1)[0])}.{k.rsplit('.', 1)[1]}", v)
                for k, v in state.items()]
    return rename


def lettered(state):
    """block_a, block_b, ... with c1, n1, c2, n2; rise_0 the first on the way up."""
    blocks, pairs = {}, []
    ups = [k for k in state if k.startswith("upconv") and k.endswith("weight")]
    for k, v in state.items():
        parts = k.split(".")
        if "conv_block" in k:
            letter = "abcdefghijklmnop"[blocks.setdefault(parts[0], len(blocks))]
            number = int(parts[2])
            pairs.append((f"block_{letter}.{'cn'[number % 3]}{number // 3 + 1}.{parts[3]}", v))
        elif "upconv" in k:
            pairs.append((f"rise_{ups.index(parts[0] + '.weight')}.{parts[1]}", v))
        else:
            pairs.append((f"verdict.{parts[1]}", v))
    return pairs


def french(state):
    pairs = []
    for k, v in state.items():
        parts = k.split(".")
        level = parts[0].split("_")[-1]
        if parts[0].startswith("enc"):
            head = f"descente{level}"
        elif parts[0].startswith("dec"):
            head = f"remontee{level}"
        else:
            head = {"bottleneck": "fond", "out_conv": "sortie"}.get(parts[0], f"agrandir{level}")
        if "conv_block" in k:
            number = int(parts[2])
            head += f".{'convolution' if number % 3 == 0 else 'normalisation'}_{'ab'[number // 3]}"
        pairs.append((f"{head}.{parts[-1]}", v))
    return pairs


def matrices(state):
    """W and b as in a textbook, the decoder first."""
    pairs = []
    for k, v in state.items():
        parts = k.split(".")
        kind = {"weight": "W", "bias": "b"}[parts[-1]]
        part = parts[0].replace("_", "") + ("_" + parts[2] if "conv_block" in k else "")
        pairs.append((f"{kind}_{part}", v))
    return [p for p in pairs if "dec" in p[0] or "up" in p[0]] + \
        [p for p in pairs if not ("dec" in p[0] or "up" in p[0])]


def sides(state):
    """left, middle, right; a block is one convolution."""
    pairs = []
    for k, v in state.items():
        parts = k.split(".")
        level = parts[0].split("_")[-1]
        head = {"enc": f"left.{level}", "dec": f"right.{level}", "bot": "middle",
                "upc": f"up.{level}", "out": "score"}[parts[0][:3]]
        if "conv_block" in k:
            head += ".conv" if parts[2] == "0" else ".bn"
        pairs.append((f"{head}.{parts[-1]}", v))
    return pairs


# ---- ways to save ----

def as_zip(case, path):
    torch.save(state(case.net), path)


def as_legacy(case, path):
    torch.save(state(case.net), path, _use_new_zipfile_serialization=False)


def with_prefix(prefix):
    def save(case, path):
        named = collections.OrderedDict((prefix + k, v) for k, v in state(case.net).items())
        torch.save(named, path)
    return save


def with_weight_norm(norm):
    """Each convolution's weight as a length and a direction, which is three times as long."""
    def save(case, path):
        net = copy.deepcopy(case.net)
        for m in [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]:
            norm(m)
        named = net.state_dict()
        for k, v in named.items():
            if k.endswith(("weight_v", "original1")):
                v.mul_(3)
        torch.save(named, path)
    return save


class Settings:
    """As OmegaConf's nodes: each knows its parent."""

    def __init__(self, parent=None):
        self.parent = parent
        self.child = None if parent else Settings(self)


def as_lightning(case, path):
    """Beside an averaged copy, a loss with weights, and settings that are objects."""
    named = {"model." + k: v for k, v in state(case.net).items()}
    named.update({"ema_model." + k: v / 2 for k, v in state(case.net).items()})
    loss = nn.CrossEntropyLoss(weight=torch.ones(2))
    torch.save({"epoch": 3, "state_dict": named, "pytorch-lightning_version": "2.5.0",
                "hyper_parameters": {"config": Settings(), "loss": loss}}, path)


def as_nnunet(case, path):
    """Its checkpoint, with a log, numbers of NumPy and the plans that it was made from."""
    momentum = torch.zeros_like(next(case.net.parameters()))
    torch.save({"network_weights": state(case.net),
                "optimizer_state": {"state": {0: {"momentum_buffer": momentum}},
                                    "param_groups": [{"lr": 0.01, "params": [0]}]},
                "grad_scaler_state": None, "logging": {"ema_fg_dice": [0.5, 0.75]},
                "_best_ema": 0.75, "current_epoch": 1000, "trainer_name": "nnUNetTrainer",
                "init_args": {"configuration": "2d", "fold": 0, "plans": {"plans_name": "x"}},
                "inference_allowed_mirroring_axes": (0, 1)}, path)


def as_old_monai(case, path):
    """As before it had ADN: norm and act beside the convolution."""
    named = collections.OrderedDict(
        (k.replace("adn.N", "norm").replace("adn.A", "act"), v) for k, v in state(case.net).items())
    torch.save(named, path)


def as_torch_em(case, path):
    """As its trainer saves: how to build the network beside the weights."""
    torch.save({"iteration": 100, "epoch": 2, "best_epoch": 1, "best_metric": 0.25,
                "current_metric": 0.5, "model_state": state(case.net),
                "optimizer_state": {"state": {}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
                "init": {"model_class": "torch_em.model.unet.UNet2d", "compile_model": None,
                         "model_kwargs": {"in_channels": 1, "norm": "InstanceNorm"}},
                "train_time": 1.5, "timestamp": "2024-01-01"}, path)


def with_mask_values(case, path):
    torch.save({**state(case.net), "mask_values": [0, 255]}, path)


def as_training(case, path):
    """With the state of an optimiser that has made a step of nothing."""
    optimizer = torch.optim.Adam(case.net.parameters(), lr=0.0)
    for p in case.net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad()
    torch.save({"epoch": 41, "state_dict": state(case.net), "optimizer": optimizer.state_dict(),
                "best_dice": 0.875}, path)


def as_checkpoint(case, path):
    optimizer = {"state": {}, "param_groups": []}
    torch.save({"state_dict": state(case.net), "optimizer": optimizer}, path)


def lightning(case, path):
    torch.save({"epoch": 3, "global_step": 1200, "pytorch-lightning_version": "2.1.0",
                "state_dict": collections.OrderedDict(
                    ("model." + k, v) for k, v in state(case.net).items()),
                "loops": {"fit_loop": {"state_dict": {}}}, "callbacks": {},
                "hyper_parameters": {"lr": 1e-3, "name": "unet"}}, path)


def lightning_smp(case, path):
    """As the examples of segmentation_models_pytorch, which normalise images in the module."""
    named = {"std": torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1),
             "mean": torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)}
    named.update(("model." + k, v) for k, v in state(case.net).items())
    torch.save({"epoch": 3, "global_step": 1200, "pytorch-lightning_version": "2.1.0",
                "state_dict": collections.OrderedDict(named)}, path)


def parameters(case, path):
    """nn.Parameter objects; only a network without running statistics can be saved like this."""
    torch.save(dict(case.net.named_parameters()), path)


def channels_last(case, path):
    torch.save(copy.deepcopy(case.net).to(memory_format=torch.channels_last).state_dict(), path)


def one_storage(case, path):
    """Every float array a view into one storage, as flattened parameters are."""
    named = state(case.net)
    floats = {k: v for k, v in named.items() if v.is_floating_point()}
    flat, at = torch.cat([v.flatten() for v in floats.values()]), 0
    out = dict(named)
    for k, v in floats.items():
        out[k] = flat[at:at + v.numel()].view(v.shape)
        at += v.numel()
    torch.save(out, path)


def as_safetensors(case, path):
    save_file({k: v.contiguous() for k, v in sorted(state(case.net).items())}, str(path))


def without_sources(path):
    """TorchScript keeps the paths of the sources on the machine that wrote it: leave them out.
    Everything else stays as it was, stored data at multiples of 64 bytes, code compressed."""
    with zipfile.ZipFile(path) as old:
        members = [(i, old.read(i)) for i in old.infolist()
                   if not i.filename.endswith(".debug_pkl")]
    with open(path, "wb") as file, zipfile.ZipFile(file, "w") as new:
        for was, data in members:
            info = zipfile.ZipInfo(was.filename)
            info.compress_type = was.compress_type
            if was.compress_type == zipfile.ZIP_STORED:
                start = file.tell() + 30 + len(was.filename) + 4
                fill = -start % 64
                info.extra = b"FB" + fill.to_bytes(2, "little") + b"Z" * fill
            new.writestr(info, data)


def as_script(case, path):
    torch.jit.script(case.net).save(str(path))
    without_sources(path)


def as_trace(case, path):
    torch.jit.trace(case.net, case.x.to(case.dtype)).save(str(path))
    without_sources(path)


def as_onnx(dynamo, fold, axes=False):
    def save(case, path):
        names = dict(input_names=["image"], output_names=["logits"])
        if dynamo:
            moving = {2: torch.export.Dim("height", min=16), 3: torch.export.Dim("width", min=16)}
            torch.onnx.export(case.net, (case.x,), str(path), dynamo=True, external_data=False,
                              optimize=fold, verbose=False,
                              dynamic_shapes=(moving,) if axes else None, **names)
        else:
            mode = torch.onnx.TrainingMode
            moving = {0: "batch", 2: "height", 3: "width"}
            torch.onnx.export(case.net, (case.x,), str(path), dynamo=False, opset_version=13,
                              do_constant_folding=fold,
                              training=mode.EVAL if fold else mode.PRESERVE,
                              dynamic_axes={"image": moving, "logits": moving} if axes else None,
                              **names)
        model = onnx.load(str(path))  # notes for developers hold paths of this machine
        for part in [model, model.graph, *model.graph.node, *model.graph.value_info,
                     *model.graph.input, *model.graph.output, *model.graph.initializer,
                     *model.functions]:
            del part.metadata_props[:]
        for node in model.graph.node:
            node.ClearField("doc_string")
        onnx.save(model, str(path))
    return save


# ---- what must be refused ----

class Command:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def hostile():
    """(file, what it is, a function that writes it)"""
    weights = collections.OrderedDict([("inc.double_conv.0.weight", torch.randn(2, 1, 3, 3)),
                                       ("scale", Command())])
    stem = [("conv1", nn.Conv2d(3, 4, 7, 2, 3, bias=False)), ("bn1", nn.BatchNorm2d(4))]
    for i, (cin, cout) in enumerate([(4, 4), (4, 8)]):
        block = [("conv1", nn.Conv2d(cin, cout, 3, padding=1, bias=False)),
                 ("bn1", nn.BatchNorm2d(cout)),
                 ("conv2", nn.Conv2d(cout, cout, 3, padding=1, bias=False)),
                 ("bn2", nn.BatchNorm2d(cout))]
        if cin != cout:
            block.append(("downsample", nn.Sequential(nn.Conv2d(cin, cout, 1, 2, bias=False),
                                                      nn.BatchNorm2d(cout))))
        stem.append((f"layer{i + 1}",
                     nn.Sequential(nn.Sequential(collections.OrderedDict(block)))))
    resnet = nn.Sequential(collections.OrderedDict(stem + [("fc", nn.Linear(8, 10))]))
    module = theirs.Aladdinpersson(1, 1, [2])
    attention = theirs.LeeJunHyun(1, 1, 2, levels=2, attention=True)
    return [
        ("evil.pth", "runs a command when unpickled, zip",
         lambda p: torch.save(weights, p)),
        ("evil_legacy.pth", "runs a command when unpickled, legacy",
         lambda p: torch.save(weights, p, _use_new_zipfile_serialization=False)),
        ("module.pth", "a pickled nn.Module, whose class is code", lambda p: torch.save(module, p)),
        ("resnet.pth", "a classifier", lambda p: torch.save(resnet.state_dict(), p)),
        ("attention.pth", "an attention U-Net", lambda p: torch.save(attention.state_dict(), p)),
    ]


# ---- the list ----

def cases():
    """(layout, Case, [(file, how, notes)])"""
    f16, bf16, f64 = torch.half, torch.bfloat16, torch.double

    yield "milesial", Case("milesial", theirs.Milesial(1, 2, 1), (33, 18)), [
        ("milesial.pth", as_zip, "zip"),
    ]
    yield "milesial", Case("milesial_2", theirs.Milesial(1, 2, 2, levels=2), (18, 21)), [
        ("milesial_legacy.pth", as_legacy, "legacy stream"),
        ("milesial_mask_values.pth", with_mask_values, "extra key mask_values"),
        ("milesial_one_storage.pth", one_storage, "all arrays in one storage"),
        ("milesial_weight_norm.pth", with_weight_norm(nn.utils.weight_norm), "weight_g, weight_v"),
        ("milesial_weight_norm_new.pth", with_weight_norm(nn.utils.parametrizations.weight_norm),
         "parametrizations.weight.original0, original1"),
        ("milesial_lightning.ckpt", as_lightning, "an averaged copy, settings that are objects"),
        ("milesial.safetensors", as_safetensors, "names sorted"),
        ("milesial_fold.onnx", as_onnx(False, True), "TorchScript exporter, norms folded"),
        ("milesial_norms.onnx", as_onnx(False, False, True),
         "TorchScript exporter, norms kept, any size"),
        ("milesial_dynamo_fold.onnx", as_onnx(True, True), "dynamo exporter, optimised"),
        ("milesial_dynamo_norms.onnx", as_onnx(True, False), "dynamo exporter, not optimised"),
    ]
    yield "milesial", Case("milesial_f16", theirs.Milesial(3, 3, 2, levels=2), (19, 16), f16), [
        ("milesial_f16.pth", as_zip, "16-bit floats"),
    ]
    yield "milesial", Case("milesial_bf16", theirs.Milesial(1, 4, 2, levels=3), (16, 25), bf16), [
        ("milesial_bf16.safetensors", as_safetensors, "bfloat16"),
    ]
    yield "milesial", Case("milesial_bilinear", theirs.Milesial(1, 2, 2, True, 3), (21, 26)), [
        ("milesial_bilinear.pth", as_zip, "align_corners"),
    ]
    yield "milesial", Case("milesial_bilinear_2", theirs.Milesial(1, 2, 2, True, 2), (21, 18)), [
        ("milesial_bilinear_trace.pt", as_trace, "TorchScript, trace"),
        ("milesial_bilinear.onnx", as_onnx(False, True), "TorchScript exporter"),
        ("milesial_bilinear_dynamo.onnx", as_onnx(True, True), "dynamo exporter"),
    ]
    yield "mateuszbuda", Case("mateuszbuda", theirs.BrainSegmentation(3, 1, 1, 3), (16, 24)), [
        ("mateuszbuda.pt", as_legacy, "legacy stream"),
    ]
    yield "mateuszbuda", Case("mateuszbuda_2", theirs.BrainSegmentation(3, 1, 2, 2), (16, 20)), [
        ("mateuszbuda_trace.pt", as_trace, "TorchScript, trace; a sigmoid at the end"),
        ("mateuszbuda.onnx", as_onnx(False, True, True),
         "TorchScript exporter; a sigmoid at the end"),
    ]
    yield "stemseg", Case("stemseg", theirs.StemSeg(1, 5, 2, 2), (16, 12)), [
        ("stemseg.pt", as_zip, "biases before norms"),
    ]
    yield "stemseg", Case("stemseg_f64", theirs.StemSeg(1, 3, 2, depth=1), (10, 12), f64), [
        ("stemseg_f64.pt", as_zip, "64-bit floats"),
    ]
    yield "bioimage", Case("bioimage", theirs.Bioimage(1, 1, 2, 2), (20, 16)), [
        ("bioimage.pth", as_zip, "one activation in a block"),
        ("bioimage_channels_last.pth", channels_last, "arrays with channels_last strides"),
        ("bioimage_parameters.pth", parameters, "nn.Parameter objects"),
        ("bioimage_script.pt", as_script, "TorchScript, script"),
        ("bioimage.onnx", as_onnx(False, True, True), "TorchScript exporter, any size"),
        ("bioimage_dynamo.onnx", as_onnx(True, True, True), "dynamo exporter, any size"),
    ]
    yield "bioimage", Case("bioimage_nearest", theirs.Bioimage(2, 3, 3, 1, "nearest"), (10, 14)), [
        ("bioimage_nearest.pth", as_zip, "nothing in the file tells nearest from bilinear"),
        ("bioimage_nearest.onnx", as_onnx(False, True), "TorchScript exporter"),
    ]
    yield "jvanvugt", Case("jvanvugt", theirs.Jvanvugt(1, 2, 2, 3), (44, 48)), [
        ("jvanvugt.pth", as_zip, "nothing in the file tells the padding"),
        ("jvanvugt_compiled.pth", with_prefix("_orig_mod."), "prefix _orig_mod."),
        ("jvanvugt_trace.pt", as_trace, "TorchScript, trace"),
        ("jvanvugt.onnx", as_onnx(False, True), "TorchScript exporter"),
        ("jvanvugt_dynamo.onnx", as_onnx(True, True), "dynamo exporter"),
    ]
    yield "jvanvugt", Case("jvanvugt_norm", theirs.Jvanvugt(1, 2, 2, 3, True, True), (16, 20)), [
        ("jvanvugt_norm.ckpt", lightning, "Lightning checkpoint, prefix model.; act first"),
        ("jvanvugt_norm.onnx", as_onnx(False, True), "TorchScript exporter; act first"),
    ]
    yield "jvanvugt", Case("jvanvugt_up", theirs.Jvanvugt(3, 2, 2, 3, True, False, True),
                           (16, 20)), [
        ("jvanvugt_up.pth", as_zip, "bilinear"),
    ]
    yield "leejunhyun", Case("leejunhyun", theirs.LeeJunHyun(3, 1, 2, levels=3), (16, 20)), [
        ("leejunhyun.pkl", as_zip, "norm and activation after the up-convolution"),
        ("leejunhyun.onnx", as_onnx(False, True), "TorchScript exporter, norms folded"),
    ]
    yield "aladdinpersson", Case("aladdinpersson", theirs.Aladdinpersson(3, 1, [2, 4]), (12, 16)), [
        ("aladdinpersson.pth.tar", as_checkpoint, "decoder first"),
        ("aladdinpersson.safetensors", as_safetensors, "names sorted"),
    ]
    yield "aladdinpersson", Case("aladdinpersson_1", theirs.Aladdinpersson(1, 2, [2]), (10, 14)), [
        ("aladdinpersson_adam.pth.tar", as_training, "decoder first; optimiser's state"),
    ]

    yield "torch_em", Case("torch_em", more.TorchEm(1, 2, 2, 2, "instance"), (24, 20)), [
        ("torch_em.pt", as_torch_em, "norms without arrays before the convolutions"),
        ("torch_em.safetensors", as_safetensors, "norms without arrays; names sorted"),
    ]
    yield "torch_em", Case("torch_em_batch", more.TorchEm(3, 1, 2, 2, "batch"), (16, 20)), [
        ("torch_em_batch.pt", as_zip, "batch norms before the convolutions, one of two maps"),
    ]
    yield "torch_em", Case("torch_em_group", more.TorchEm(2, 3, 4, 1, "group"), (18, 14)), [
        ("torch_em_group.pt", as_zip, "group norms before the convolutions, one of two maps"),
    ]
    yield "torch_em", Case("torch_em_none", more.TorchEm(1, 2, 2, 2, None), (24, 20)), [
        ("torch_em_none.pt", as_zip, "no norms"),
    ]
    yield "nnunet", Case("nnunet", more.NnUnet(1, 3, 2, 3, 6), (32, 24)), [
        ("nnunet.pth", as_nnunet, "strided convolutions; heads of lower levels; second names"),
    ]

    yield "nnunet_resenc", Case("nnunet_resenc", resenc(1, 3, [4, 8, 8, 8], [1, 2, 2, 1], 1),
                                (32, 40)), [
        ("nnunet_resenc.pth", as_nnunet, "nnU-Net's own class: residual blocks; second names"),
    ]
    yield "nnunet_resenc", Case("nnunet_resenc_plain", resenc(2, 2, [2, 4], [2, 3], 2, False),
                                (18, 16)), [
        ("nnunet_resenc_plain.pth", as_zip, "convolutions without bias; two in the decoder"),
    ]

    yield "smp", Case("smp", more.SmpUnet(3, 2, 4, [2, 2, 1, 1], [16, 8, 4, 2, 1]), (32, 64)), [
        ("smp.pth", as_zip, "a ResNet of pairs of convolutions"),
        ("smp.ckpt", lightning_smp, "prefix model., beside it mean and std of the images"),
    ]
    yield "smp", Case("smp_bottleneck", more.SmpUnet(1, 1, 4, [1, 2, 1, 1], [8, 6, 5, 4], True),
                      (32, 48)), [
        ("smp_bottleneck.safetensors", as_safetensors,
         "of bottlenecks, depth 4: layer4 is not looked at; names sorted"),
    ]

    yield "monai_unet", Case("monai_unet", more.Monai(1, 3, [4, 8, 16], 2), (16, 24)), [
        ("monai_unet.pt", as_zip, "residual units of two, slopes that are learnt, plain norms"),
        ("monai_unet_wrapped.pt", with_prefix("_model."), "prefix _model."),
    ]
    yield "monai_unet", Case("monai_unet_batch",
                             more.Monai(2, 2, [3, 5, 5, 5], 1, "batch"), (24, 16)), [
        ("monai_unet_batch.pth", as_old_monai, "older names; a shortcut that is nothing"),
    ]
    yield "monai_unet", Case("monai_unet_plain", more.Monai(1, 1, [4, 8, 16], 0, act="relu"),
                             (20, 16)), [
        ("monai_unet_plain.safetensors", as_safetensors, "no units; ReLU; names sorted"),
    ]

    def own(**fields):
        return dict(dict(in_channels=1, classes=2, width=2, depth=2, padding="same", norm="none",
                         up="transpose"), **fields)

    paper = own(padding="valid")
    yield "layers.N", Case("numbered", Renamed(paper, numbered("layers")), (44, 52)), [
        ("numbered.pth", as_zip, "names say nothing; the order does"),
    ]
    group = own(norm="group", groups=2, bias="always", classes=3)
    yield "block_a.c1", Case("lettered", Renamed(group, lettered), (16, 20)), [
        ("lettered.pth", as_legacy, "group norm looks like instance norm"),
    ]
    narrow = own(norm="instance", depth=5, width=2, in_channels=2, bias="never", channels=dict(
        enc=[[2, 3], [3, 4], [4, 4], [5, 5], [5, 6], [6, 6]],
        dec=[[3, 2], [4, 3], [4, 4], [5, 4], [6, 5]], up=[2, 3, 4, 5, 5]))
    yield "descente0", Case("french", Renamed(narrow, french), (32, 64)), [
        ("french.safetensors", as_safetensors,
         "names sorted; instance norm; up-convolutions without bias; odd widths"),
    ]
    leaky = own(act="leaky_relu", leaky_slope=0.1, channels=dict(
        enc=[[4, 4], [6, 6], [6, 6]], dec=[[4, 4], [6, 6]], up=[4, 6]))
    yield "W_enc0_0", Case("matrices", Renamed(leaky, matrices), (16, 20)), [
        ("matrices.pth", as_zip, "decoder first; leaky; widths do not double"),
    ]
    single = own(convs=1, norm="batch", depth=3, concat="skip_up", classes=1, in_channels=3)
    yield "left.0.conv", Case("sides", Renamed(single, sides), (16, 24)), [
        ("sides.pth", as_zip, "one convolution in a block"),
    ]
    deep = own(depth=5, width=1, channels=dict(
        enc=[[2, 2], [3, 3], [4, 4], [4, 4], [5, 5], [6, 6]],
        dec=[[2, 2], [3, 3], [4, 4], [4, 4], [5, 5]], up=[2, 3, 4, 4, 5]))
    yield "net.N", Case("deep", Renamed(deep, numbered("net")), (32, 32)), [
        ("deep.pth", with_prefix("module."), "depth 5; prefix module."),
    ]
    release = own(padding="valid", up_act=1, channels=dict(
        enc=[[2, 2], [4, 4], [8, 8]], dec=[[2, 2], [4, 4]], up=[4, 4]))
    yield "convs.N", Case("release2015", Renamed(release, numbered("convs")), (44, 48)), [
        ("release2015.pth", as_zip,
         "the last up-convolution keeps twice the channels; ReLU after it"),
    ]


COLUMNS = ["file", "layout", "depth", "width", "in", "classes", "padding", "norm", "up", "concat",
           "notes", "expect", "spec"]


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows, answers = [], FOLDER / "expect.safetensors"
    expect = load_file(answers) if answers.exists() else {}
    for layout, case, files in cases():
        s = case.spec
        fresh = f"{case.name}.input" not in expect
        if fresh:
            expect[f"{case.name}.input"] = case.x.contiguous()
            expect[f"{case.name}.logits"] = case.logits.float().contiguous()
        for file, save, notes in files:
            if fresh or not (FOLDER / file).exists():
                save(case, FOLDER / file)
            rows.append([file, layout, s["depth"], s["width"], s["in_channels"], s["classes"],
                         s["padding"], s["norm"], s["up"], s.get("concat", "up_skip"), notes,
                         case.name, json.dumps(s)])
    torch.manual_seed(0)
    for file, notes, save in hostile():
        if not (FOLDER / file).exists():
            save(FOLDER / file)
        rows.append([file] + ["-"] * 9 + [notes, "-", "-"])
    save_file(expect, str(FOLDER / "expect.safetensors"),
              metadata={"axes": "input [1][C][H][W], logits [1][K][h][w]"})
    with open(FOLDER / "INDEX.tsv", "w", encoding="utf-8") as index:
        for row in [COLUMNS] + rows:
            index.write("\t".join(map(str, row)) + "\n")
    for path in FOLDER.iterdir():
        path.chmod(0o644)
    sizes = [p.stat().st_size for p in FOLDER.iterdir()]
    print(f"{len(rows)} files, {sum(sizes)} bytes, the largest {max(sizes)}")


if __name__ == "__main__":
    main()
