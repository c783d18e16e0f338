# SPDX-License-Identifier: Apache-2.0
"""Training: of arrays and folders, by the command's recipe, with a progress function, stopped."""

import signal
import threading

import numpy as np
import pytest

import unet_c
from conftest import learns

small = {"width": 4, "depth": 2, "tile": 32, "seed": 3}


def bits(model):
    return b"".join(array.tobytes() for array in model.to_torch_state_dict().values())


def test_same_bits_as_the_command(folders, command, tmp_path):
    images, masks = folders
    command(
        *("train", "--images", images, "--masks", masks, "-o", tmp_path / "run", "--quiet"),
        *("--width", 4, "--depth", 2, "--tile", 32, "--seed", 3, "--epochs", 2, "--clip", 1),
        *("--elastic", 3),
    )
    model = unet_c.train(
        images, masks, epochs=2, clip=1, augment_elastic=3, folder=tmp_path / "ours", **small
    )
    for name in ("last.safetensors", "best.safetensors"):
        theirs = (tmp_path / "run" / name).read_bytes()
        assert (tmp_path / "ours" / name).read_bytes() == theirs, name
    assert bits(unet_c.Model.load(tmp_path / "run")) == bits(model)
    model.save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == theirs


def test_it_learns(data):
    images, masks = data
    model = unet_c.train(images, masks, **learns)
    assert model.evaluate(images, masks)["mean_dice"] > 0.5
    assert "trained" in repr(model) and model.settings["optimizer"] == "adam"


def test_kinds_of_arrays(data):
    images, masks = data
    wanted = bits(unet_c.train(images, masks, steps=3, **small))
    several = [np.asfortranarray(image) for image in images]
    for masks_of in (masks.astype(bool), masks.astype(np.int64), masks.astype(float), list(masks)):
        assert bits(unet_c.train(several, masks_of, steps=3, **small)) == wanted
    shown = 255 * masks
    labels = "background=0,disc=255"
    model = unet_c.train(images, shown, steps=3, labels=labels, **small)
    assert bits(model) == wanted and model.classes == ["background", "disc"]
    assert model.evaluate(images, shown)["classes"][1]["pixels"] == masks.sum()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"masks": lambda m: 255 * m}, 'labels="background=0,object=255"'),
        ({"masks": lambda m: m[:-1]}, "6 images and 5 masks"),
        ({"masks": lambda m: m[:, :-1]}, "image 0|mask"),
        ({"masks": lambda m: m - 0.5}, "mask 0: values -0.5 to 0.5; whole numbers"),
        ({"masks": lambda m: m.astype(int) - 1}, "mask 0: values -1 to 0"),
        ({"masks": lambda m: m[..., None, None]}, "mask 0: shape"),
        ({"images": lambda i: i[:0], "masks": lambda m: m[:0]}, "no images"),
        ({"images": lambda i: i * np.nan}, "finite|NaN|nan"),
        ({"masks": lambda m: "masks/"}, "two paths, or arrays for both"),
        ({"masks": lambda m: None}, "masks: found None"),
        ({"masks": lambda m: 0 * m}, "every mask .6. is empty.*, labels='background=0"),
    ],
)
def test_wrong_data(data, change, words):
    made = {"images": data[0], "masks": data[1]}
    for name, make in change.items():
        made[name] = make(made[name])
    with pytest.raises(unet_c.Error, match=words):
        unet_c.train(made["images"], made["masks"], steps=1, **small)


def test_what_the_survey_finds_is_said(data):
    images, masks = data[0].copy(), data[1].copy()
    images[1], masks[1] = images[0], masks[0]
    images[4] = 9
    with pytest.warns(unet_c.DataWarning) as said:
        unet_c.train(images, masks, steps=1, **small)
    words = [str(w.message) for w in said]
    assert any(w.startswith("image 4: the image is 9 everywhere") for w in words), words
    assert any("image and mask are the same as those of image" in w for w in words), words
    assert all(w.filename == __file__ for w in said)


def test_wrong_options(data):
    for options, words in (
        ({"classes": "many"}, 'classes: found "many"'),
        ({"epoch": 1}, "epoch: there is no such option; epochs?"),
        ({"learning_rate": "fast"}, 'learning_rate: found "fast", wanted a number'),
        ({"preset": "best"}, 'preset: found "best", wanted auto, auto1, paper2015'),
        ({"class_weights": [1]}, "class_weights: found 1 numbers, wanted 2"),
        ({"init": unet_c.Model(width=4, depth=2), "norm": "batch"}, "norm describes a new network"),
    ):
        with pytest.raises((unet_c.ArgumentError, ValueError), match=words):
            unet_c.train(*data, steps=1, **{**small, "width": None, "depth": None, **options})
    with pytest.raises(unet_c.FileError, match="nowhere"):
        unet_c.train("nowhere", "nowhere", steps=1)


def test_progress(data):
    told = []
    unet_c.train(*data, epochs=2, progress=told.append, **small)
    steps = [p for p in told if p.event == "step"]
    assert [p.step for p in steps] == list(range(1, len(steps) + 1))
    assert told[0].event == "begin" and told[-1].event == "end"
    epochs = [p for p in told if p.event == "epoch"]
    assert len(epochs) == 2 and 0 <= epochs[-1].val_dice <= 1 and len(epochs[-1].class_dice) == 2
    # what it returns does not matter: bars return what they like
    seen = []
    unet_c.train(*data, steps=4, progress=lambda p: seen.append(p.step) or True, **small)
    assert seen[-1] == 4


def test_stops(data, tmp_path):
    def stop(p):
        if p.step == 3:
            raise unet_c.Stopped

    model = unet_c.train(*data, steps=50, validation=0, progress=stop, **small)
    assert bits(model) != bits(unet_c.train(*data, steps=50, validation=0, **small))

    def fail(p):
        if p.step == 3:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        unet_c.train(*data, steps=50, progress=fail, **small)


def test_keyboard_interrupt_keeps_the_weights(data):
    model = unet_c.Model(width=4, depth=2, padding="same", seed=3)
    fresh = bits(model)
    timer = threading.Timer(0.5, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.train(*data, seconds=60, tile=32)
    timer.join()
    assert bits(model) != fresh
    assert model.predict(data[0][0]).shape == data[0][0].shape


def test_goes_on(data, tmp_path):
    """Stopped in the middle and resumed: the bits of a training that was not."""
    options = {**small, "steps": 12, "folder": tmp_path}

    def stop(p):
        if p.step == 5:
            raise unet_c.Stopped

    whole = unet_c.train(*data, steps=12, **small)
    unet_c.train(*data, progress=stop, **options)
    with pytest.raises(unet_c.ArgumentError, match="there is a training; resume=True goes on"):
        unet_c.train(*data, **options)
    assert bits(unet_c.train(*data, resume=True, **options)) == bits(whole)


def test_further(data):
    first = unet_c.train(*data, steps=3, **small)
    before = bits(first)
    second = unet_c.train(*data, init=first, steps=3, tile=32)
    assert bits(first) == before != bits(second)
    assert first.train(*data, steps=3, tile=32) is first
    assert bits(first) == bits(second)
    colours = np.stack([data[0], data[0] // 2, 255 - data[0]], 3)
    with pytest.raises(unet_c.ArgumentError, match="mask value 2"):
        unet_c.train(colours, data[1] * 2, init=first, steps=1, tile=32)
    third = unet_c.train(colours, data[1] * 2, init=first, classes=3, steps=1, tile=32)
    assert third.channels == 3 and len(third.classes) == 3


def test_others_predict_meanwhile(data):
    """train() works on a copy: predictions that began before see one model or the other."""
    model = unet_c.train(*data, steps=2, validation=0, **small)
    image = data[0][0]
    before = model.logits(image)
    seen = []
    model.train(
        *data, steps=5, tile=32, validation=0, progress=lambda p: seen.append(model.logits(image))
    )
    assert all(np.array_equal(logits, before) for logits in seen)
    assert not np.array_equal(model.logits(image), before)
