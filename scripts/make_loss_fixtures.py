#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/loss_*.safetensors: losses and optimiser steps as PyTorch computes them.

Run by hand when a case is added:  python3 scripts/make_loss_fixtures.py   (needs torch, safetensors)
A file that is there is left as it is.

loss_CASE: logits [N][h][w][K], labels [N][h][w] (255: ignored), weights [N][h][w] (0 where ignored),
loss [1], grad [N][h][w][K]; the fields of unet_loss are in the metadata.  Cross-entropies are those
of torch.nn.functional, the rest is written down here from the formulas and differentiated by
autograd.

loss_steps: weights w [97], gradients g [10][97], and OPT [10][97], the weights after each step of
torch.optim; norms [10], the norms that clip_grad_norm_ finds, and clipped [97], what it makes of the
first gradient for a limit of 1.

Everything is computed in double precision from values that float32 can hold.
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
NONE = dict(pixel=0, overlap=0, pos_weight=1, focal=0, false_positive=0.5, false_negative=0.5,
            smooth=1, first_class=0)
CASES = {
    "ce": (3, dict(pixel=1)),
    "ce_weighted": (4, dict(pixel=1)),  # weights of classes and pixels
    "bce": (1, dict(pixel=1, pos_weight=3)),
    "dice": (3, dict(overlap=1)),
    "dice_foreground": (4, dict(overlap=1, first_class=1)),
    "dice_one": (1, dict(overlap=1)),
    "ce_dice": (3, dict(pixel=1, overlap=1, first_class=1)),
    "bce_dice": (1, dict(pixel=1, overlap=1, pos_weight=2)),
    "focal2": (3, dict(pixel=1, focal=2)),
    "focal_half": (3, dict(pixel=1, focal=0.5)),
    "focal_one": (1, dict(pixel=1, focal=2, pos_weight=2)),
    "tversky": (3, dict(overlap=1, false_positive=0.3, false_negative=0.7)),
    "focal_tversky": (4, dict(pixel=0.5, overlap=2, focal=2, false_positive=0.3,
                              false_negative=0.7, smooth=0.5, first_class=1)),
}


def pixel_losses(logits, labels, o):
    if logits.shape[-1] == 1:
        return F.binary_cross_entropy_with_logits(logits[..., 0], labels.double(), reduction="none")
    return F.cross_entropy(logits.movedim(-1, 1), labels, reduction="none")


def batch_loss(logits, labels, weights, o):
    classes = logits.shape[-1]
    known = torch.where(weights > 0, labels, 0)
    ce = pixel_losses(logits, known, o)
    factor = (1 - torch.exp(-ce)) ** o["focal"] if o["focal"] else torch.ones_like(ce)
    if classes == 1:
        factor = torch.where(known == 1, o["pos_weight"] * factor, factor)
    loss = o["pixel"] * (weights * factor * ce).sum() / weights.sum()
    if not o["overlap"]:
        return loss
    if classes == 1:
        p, own = torch.sigmoid(logits), (known == 1).unsqueeze(-1).double()
    else:
        p, own = torch.softmax(logits, -1), F.one_hot(known, classes).double()
        p, own = p[..., o["first_class"]:], own[..., o["first_class"]:]
    w, over = weights.unsqueeze(-1), (0, 1, 2)
    tp, fp, fn = (w * p * own).sum(over), (w * p * (1 - own)).sum(over), (w * (1 - p) * own).sum(over)
    index = (tp + o["smooth"]) / (
        tp + o["false_positive"] * fp + o["false_negative"] * fn + o["smooth"])
    return loss + o["overlap"] * (1 - index.mean())


def make_case(name, classes, options, seed):
    torch.manual_seed(seed)
    o = {**NONE, **options}
    shape = (2, 7, 9)
    logits = (2 * torch.randn(*shape, classes)).double()
    labels = torch.randint(0, max(classes, 2), shape)
    weights = torch.ones(shape)
    if name not in ("ce", "bce", "dice"):
        weights = torch.tensor([0.5, 2, 1, 0.25])[labels] * (0.5 + torch.rand(shape))
    ignored = torch.rand(shape) < 0.15
    labels[ignored], weights[ignored] = 255, 0
    logits.requires_grad_()
    loss = batch_loss(logits, labels, weights.double(), o)
    loss.backward()
    check_library(name, loss, logits, labels, weights, o)
    return dict(logits=logits.detach().float(), labels=labels.to(torch.uint8), weights=weights,
                loss=loss.detach().reshape(1), grad=logits.grad), o


def check_library(name, loss, logits, labels, weights, o):
    """The plain losses must be what PyTorch's own modules, with their own reductions, say."""
    if name == "ce":
        want = F.cross_entropy(logits.movedim(-1, 1), labels, ignore_index=255)
    elif name == "bce":
        on = weights > 0
        want = F.binary_cross_entropy_with_logits(
            logits[..., 0][on], labels[on].double(),
            pos_weight=torch.tensor(o["pos_weight"], dtype=torch.double))
    else:
        return
    assert abs(want - loss) < 1e-12, (name, want, loss)


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=1e-2),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2,
                                          nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=1e-2),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=1e-2),
    "rmsprop_momentum": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9, weight_decay=1e-2),
}


def make_steps():
    torch.manual_seed(7)
    w, g = torch.randn(97), torch.randn(10, 97) * torch.logspace(-4, 1, 97)
    out = dict(w=w, g=g)
    for name, create in OPTIMIZERS.items():
        p = torch.nn.Parameter(w.double().clone())
        o, after = create([p]), []
        for step in range(10):
            p.grad = g[step].double().clone()
            o.step()
            after.append(p.detach().clone())
        out[name] = torch.stack(after)
    p, norms = torch.nn.Parameter(w.double()), []
    for step in range(10):
        p.grad = g[step].double().clone()
        norms.append(torch.nn.utils.clip_grad_norm_([p], 1.0))
        if step == 0:
            out["clipped"] = p.grad.clone()
    out["norms"] = torch.stack(norms)
    return out


def write(name, tensors, metadata):
    path = OUT / f"loss_{name}.safetensors"
    if path.exists():
        return
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata)
    print(path.name)


def main():
    for seed, (name, (classes, options)) in enumerate(CASES.items(), 1):
        tensors, o = make_case(name, classes, options, seed)
        write(name, tensors, {k: repr(v) for k, v in o.items()})
    write("steps", make_steps(), {})


if __name__ == "__main__":
    main()
