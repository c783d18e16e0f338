# SPDX-License-Identifier: Apache-2.0
"""Arguments, help and signatures are the library's tables."""

import inspect

import numpy as np
import pytest

import unet_c
from unet_c import _core, _fields


def test_every_field_is_an_argument():
    for kind, function in ((0, unet_c.Model.__init__), (1, unet_c.train), (2, unet_c.Model.predict)):
        arguments = inspect.signature(function).parameters
        for name, *_, words in _core.fields(kind):
            assert name.replace(".", "_") in arguments
            assert words in function.__doc__


def test_names_are_told_apart():
    for tables in ((_fields.NETWORK, _fields.TRAINING), (_fields.SESSION,)):
        names = [name for table in tables for name in table]
        assert len(set(names)) == len(names)
    assert len(_fields.TRAINING) == len(_core.fields(1))


def test_values_of_many_types():
    made = unet_c.Model(width=np.int16(3), depth=np.uint8(1), dropout=np.float32(0.25), up_act=np.True_)
    assert made.network["width"] == "3" and made.network["dropout"] == "0.25"
    assert made.network["up_act"] == "yes"
    assert unet_c.Model(width="3", depth=1, norm=None).network["norm"] == "none"
    assert unet_c.Model(depth=1, width=2, act="leaky-relu", leaky_slope=0.1).network["act"] == "leaky_relu"


@pytest.mark.parametrize(
    "options, words",
    [
        ({"width": 0}, "width: found \"0\", wanted a whole number, 1 to 1024"),
        ({"width": 2.0}, "width: found 2.0, wanted a value of type int"),
        ({"norm": 1}, "norm: found \"1\", wanted none, batch"),
        ({"norm": [1]}, "norm: found"),
        ({"dropout": "much"}, "dropout: found \"much\""),
        ({"norm": "group", "groups": 3, "width": 4}, "group"),
    ],
)
def test_wrong_values(options, words):
    with pytest.raises(unet_c.ArgumentError, match=words):
        unet_c.Model(**options)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda m, i: m.predict(i, memory="lots"), "memory: found 'lots', wanted bytes"),
        (lambda m, i: m.predict(i, memory=-5), "memory: found -5"),
        (lambda m, i: m.predict(i, others=[3]), "others: found int, wanted models"),
        (lambda m, i: unet_c.objects(i // 255 * 255), "mask > 0 has one class"),
        (lambda m, i: unet_c.objects(i * 0, unit="kilometres"), "unit: found 'kilometres'"),
        (lambda m, i: unet_c.objects(i * 0, pixel_size=(1, 2, 3)), "pixel_size: found"),
        (lambda m, i: m.train([i], [i > 99], steps=1, resume=True), "resume: found no folder"),
        (lambda m, i: unet_c.train([i], [i * 0], init=3), "init: found int, wanted a Model"),
        (lambda m, i: unet_c.train([i], [i * 0], pair="ab"), "pair: found 'ab', wanted two"),
        (lambda m, i: unet_c.evaluate(i * 0, i * 0, labels=1), "labels: found 1, wanted 2 to 254"),
        (lambda m, i: unet_c.Model(seed=-1), "seed: found -1"),
    ],
)
def test_other_arguments(model, image, call, words):
    with pytest.raises(unet_c.ArgumentError, match=words):
        call(model, image)


def test_fill_is_a_number_or_text(model, image):
    values = image.astype(np.float32)
    values[3, 4] = -9999
    wanted = model.predict(values, fill="-9999")
    assert np.array_equal(model.predict(values, fill=-9999), wanted)
    values[3, 4] = np.nan
    assert model.predict(values, fill=np.nan).shape == image.shape


def test_hints_name_arguments():
    error = unet_c._errors.made(1, "masks: two readings", 1 | 256)
    assert isinstance(error, unet_c.ArgumentError) and isinstance(error, ValueError)
    assert error.hints == ("labels", "pair")
    assert str(error) == "masks: two readings (labels=, pair=(IMAGE, MASK), or a list of pairs)"


def test_what_there_is():
    assert unet_c.has("png") and unet_c.has("onnx") and not unet_c.has("magic")
    assert unet_c.isa() in ("avx512", "avx2", "baseline", "neon")
    assert unet_c.__version__.count(".") == 2


def test_devices(monkeypatch):
    first = unet_c.devices()[0]
    assert first["number"] == 0 and first["type"] == "cpu" and first["driver"] == unet_c.isa()
    assert first["taken"] and first["units"] > 0
    monkeypatch.setenv("UNET_DEVICE", "abacus")
    with pytest.raises(unet_c.ArgumentError, match="abacus.*unet_c.devices") as raised:
        unet_c.devices()
    assert raised.value.hints == ("device",)
