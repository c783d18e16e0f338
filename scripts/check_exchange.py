#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that models go to PyTorch and back, for every kind of network.

    python3 scripts/check_exchange.py build/unet [WORD...]

WORDs choose the cases whose names contain one of them.  Needs torch, safetensors, onnxruntime.

Ways, for each network of scripts/make_fixtures.py:
    predict    a model file written here, `unet predict`
    convert    .pth from PyTorch, `unet convert` to a model file, `unet predict`; of networks that
               nobody has under our names but us (see is_ours), the file of `predict`
    pth        ... to .pth, torch.load(weights_only=True), load_state_dict(strict=True)
    tensors    ... the model file by the safetensors package, load_state_dict(strict=True)
    onnx       ... to .onnx, onnxruntime
    back       ... the .onnx to a model file again, `unet predict`
and milesial's layout (--names milesial), and each file of tests/fixtures/foreign: what is no U-Net
must be refused, and nothing may be run.  Logits must agree within 1e-5 of the largest.

Options say of a network what a file of weights cannot: each conversion is tried without any, then
with those.  Prints a line for each check; exits with 1 if one failed.
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import foreign_nets
from make_fixtures import PLAIN, VARIANTS
from make_foreign import fill
from torch_unet import network

FOREIGN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "foreign"
TOLERANCE = 1e-5

# what names and shapes do not tell, or not always
UNTOLD = ("padding", "norm", "groups", "norm_epsilon", "norm_order", "act", "leaky_slope",
          "single_act", "up", "up_act", "align_corners", "concat", "down")

USUAL = {f"usual_{padding}_{norm}_{up}": (dict(padding=padding, norm=norm, up=up), size)
         for padding, size in (("same", (23, 18)), ("valid", (48, 56)))
         for norm in ("none", "batch") for up in ("transpose", "bilinear")}


class Failed(Exception):
    pass


def words(spec):
    """A spec as a model file has it."""
    spec = {"leaky_slope": 0.1, "dropout": 0.0, "act": "relu", **spec}
    return {**spec, "act": "leaky_relu" if spec["act"].startswith("leaky") else spec["act"]}


def is_ours(spec):
    """Whether weights under our names are no network without the description beside them: other
    people's files of such networks have other people's names."""
    return bool(spec.get("residual") or spec.get("family") == "monai"
                or spec.get("norm_order") == "before_conv")


def options(spec):
    spec, given = words(spec), []
    for key in UNTOLD:
        value = spec.get(key)
        if key in ("single_act", "up_act", "align_corners"):
            value = "yes" if value else "no"
        if not value or (key == "leaky_slope" and spec["act"] != "leaky_relu"):
            continue
        given += ["--" + key.replace("_", "-"), str(value).replace("_", "-")]
    return given


class Checks:
    def __init__(self, unet, chosen, folder):
        self.unet, self.chosen, self.folder = unet, chosen, pathlib.Path(folder)
        self.passed = self.failed = 0

    def wanted(self, name):
        return not self.chosen or any(word in name for word in self.chosen)

    def run(self, *arguments, ok=True):
        done = subprocess.run([self.unet, *map(str, arguments), "--threads", "1"],
                              cwd=self.folder, capture_output=True, text=True, timeout=120,
                              check=False)
        if ok and done.returncode:
            raise Failed(f"unet {arguments[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done

    def check(self, name, action):
        """action returns a note, or raises."""
        try:
            note = action()
            self.passed += 1
            print(f"ok      {name}" + (f"  ({note})" if note else ""), flush=True)
            return True
        except Exception as why:  # whatever a package makes of a bad file
            self.failed += 1
            text = str(why) if isinstance(why, Failed) else f"{type(why).__name__}: {why}"
            print(f"FAILED  {name}: {' '.join(text.split())[:300]}", flush=True)
            return False

    def predict(self, model, x):
        """Logits [K][H][W] of the input [1][C][H][W]."""
        pixels = numpy.ascontiguousarray(x[0].permute(1, 2, 0).numpy())
        numpy.save(self.folder / "image.npy", pixels)
        (self.folder / "logits.npy").unlink(missing_ok=True)
        self.run("predict", model, "image.npy", "--logits", "logits.npy", "--exact")
        return torch.from_numpy(numpy.load(self.folder / "logits.npy"))[None]


def close(got, want):
    """Raises unless they agree.  The foreign unpadded networks have borders of which predict gives
    more, and that are multiples of the side of a pixel of the lowest map."""
    got, want = got.double(), want.double()
    dy, dx = (got.shape[2] - want.shape[2]) // 2, (got.shape[3] - want.shape[3]) // 2
    got = got[:, :, dy:dy + want.shape[2], dx:dx + want.shape[3]]
    if got.shape != want.shape:
        raise Failed(f"shape {tuple(got.shape)}, wanted {tuple(want.shape)}")
    error = ((got - want).abs().max() / want.abs().max()).item()
    if not error <= TOLERANCE:
        raise Failed(f"logits differ by {error:.2g} of the largest")


def exact(net, x):
    with torch.no_grad():
        return net.double()(x.double())


def of_state(spec, state, x):
    net = network(spec)
    net.load_state_dict(state, strict=True)
    return exact(net.eval(), x)


def of_onnx(path, x):
    import onnxruntime

    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level, quiet.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(str(path), quiet)
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def convert(checks, source, target, given, right):
    """Converts without options, and with those given where the outcome is not right(); a note."""
    try:
        checks.run("convert", source, target)
        right()
        return ""
    except Failed:
        if not given:
            raise
        checks.run("convert", source, target, *given)
        right()
        return "with " + " ".join(given)


def whole_input(net, spec, x):
    """The input that predict makes of an image for an unpadded network: the smallest that gives as
    much as the image has, mirrored around it.  (The middle of what comes out is not what the image
    alone gives, unless poolings fall on the same pixels.)"""
    sides = []
    for side in x.shape[2:]:
        at = side
        while True:
            at += 1
            try:
                with torch.no_grad():
                    out = net.double()(torch.zeros(1, x.shape[1], at, at).double()).shape[2]
            except RuntimeError:
                continue
            if out >= side and fits(spec, at):
                sides.append(((at - out) // 2, at - side - (at - out) // 2))
                break
    (top, bottom), (left, right) = sides
    return F.pad(x, (left, right, top, bottom), mode="reflect")


def fits(spec, side):
    for _ in range(spec["depth"]):
        side -= 2 * (spec.get("convs") or 2)
        if side % 2:
            return False
        side //= 2
    return True


def check_variant(checks, name, spec, size):
    folder, at = checks.folder, checks.folder / name
    net = network(spec).eval()
    fill(net, 5)
    x = torch.randn(1, spec["in_channels"], *size)
    torch.save(net.state_dict(), f"{at}.torch.pth")
    scaling = {"set": False, "offset": 0.0, "scale": 1.0}
    meta = {"format": 2, "spec": words(spec), "scaling": scaling, "coding": [],
            "trained": False,
            "classes": [{"name": "", "color": "#000000"}] * max(2, spec["classes"])}
    state = {k: v.contiguous() for k, v in net.state_dict().items()}
    save_file(state, f"{at}.made.safetensors", metadata={"format": "pt", "unet": json.dumps(meta)})
    want = exact(net, x)
    predicted = want
    if spec["padding"] == "valid":
        predicted = exact(net, whole_input(net, spec, x))[:, :, :size[0], :size[1]]

    def predicts(model):
        close(checks.predict(model, x), predicted)

    checks.check(f"{name}: predict", lambda: predicts(f"{name}.made.safetensors"))
    ours = f"{name}.safetensors"
    source, given = f"{name}.torch.pth", options(spec)
    if is_ours(spec):
        source, given = f"{name}.made.safetensors", []
    if not checks.can_convert or not checks.check(
            f"{name}: convert",
            lambda: convert(checks, source, ours, given, lambda: predicts(ours))):
        return

    def pth():
        checks.run("convert", ours, f"{name}.pth")
        close(of_state(spec, torch.load(f"{at}.pth", weights_only=True), x), want)

    def onnx():
        checks.run("convert", ours, f"{name}.onnx")
        close(of_onnx(f"{at}.onnx", x), want)

    def back():
        checks.run("convert", f"{name}.onnx", f"{name}.back.safetensors")
        predicts(f"{name}.back.safetensors")

    checks.check(f"{name}: pth", pth)
    checks.check(f"{name}: tensors",
                 lambda: close(of_state(spec, load_file(f"{folder / ours}"), x), want))
    if checks.check(f"{name}: onnx", onnx):
        checks.check(f"{name}: back", back)


def check_milesial(checks, name, net, size):
    """Theirs to ours, and ours to theirs under their names."""
    fill(net.eval(), 6)
    x = torch.randn(1, net.spec["in_channels"], *size)
    torch.save(net.state_dict(), checks.folder / f"{name}.torch.pth")
    want, again = exact(net, x), net.float()

    def there():
        ours = f"{name}.safetensors"
        return convert(checks, f"{name}.torch.pth", ours, options(net.spec),
                       lambda: close(checks.predict(ours, x), want))

    def return_trip(ending, load):
        def action():
            target = f"{name}.theirs.{ending}"
            checks.run("convert", f"{name}.safetensors", target, "--names", "milesial")
            again.float().load_state_dict(load(checks.folder / target), strict=True)
            close(exact(again, x), want)
        return action

    if checks.check(f"{name}: convert", there):
        checks.check(f"{name}: pth", return_trip("pth", lambda p: torch.load(p, weights_only=True)))
        checks.check(f"{name}: tensors", return_trip("safetensors", lambda p: load_file(str(p))))


def check_foreign(checks, row, expect):
    file, name = FOREIGN / row["file"], "foreign/" + row["file"]
    target = "foreign.safetensors"
    (checks.folder / target).unlink(missing_ok=True)

    def refused():
        done = checks.run("convert", file, target, ok=False)
        if (checks.folder / "pwned").exists():
            raise Failed("the command in the file was run")
        if done.returncode == 0 or (checks.folder / target).exists():
            raise Failed("was converted")
        if done.returncode < 0:
            raise Failed(f"signal {-done.returncode}")
        return (done.stderr.strip().splitlines() or [""])[-1][-160:]

    def taken():
        spec = json.loads(row["spec"])
        x, want = expect[row["expect"] + ".input"], expect[row["expect"] + ".logits"]
        return convert(checks, file, target, options(spec),
                       lambda: close(checks.predict(target, x), want))

    checks.check(name, refused if row["expect"] == "-" else taken)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:], folder)
        checks.can_convert = checks.run("convert", "--help", ok=False).returncode == 0
        if not checks.can_convert:
            checks.failed += 1
            print("FAILED  this unet has no command convert; only predict is checked")
        networks = files = 0
        for name, (fields, size) in {**USUAL, **VARIANTS}.items():
            if checks.wanted(name):
                networks += 1
                check_variant(checks, name, {**PLAIN, **fields}, size)
        for name, net, size in (("milesial", foreign_nets.Milesial(3, 2, 2), (35, 48)),
                                ("milesial_bilinear", foreign_nets.Milesial(1, 1, 2, True),
                                 (48, 37))):
            if checks.can_convert and checks.wanted("names_" + name):
                networks += 1
                check_milesial(checks, "names_" + name, net, size)
        expect = load_file(str(FOREIGN / "expect.safetensors"))
        with open(FOREIGN / "INDEX.tsv", encoding="utf-8") as index:
            for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE):
                if checks.can_convert and checks.wanted("foreign/" + row["file"]):
                    files += 1
                    check_foreign(checks, row, expect)
    print(f"{networks} networks, {files} files of other programs: {checks.passed} passed, "
          f"{checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
