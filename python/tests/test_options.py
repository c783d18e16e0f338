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


def test_hints_name_arguments():
    error = unet_c._errors.made(1, "masks: two readings", 1 | 256)
    assert isinstance(error, unet_c.ArgumentError) and isinstance(error, ValueError)
    assert error.hints == ("labels", "pair")
    assert str(error) == "masks: two readings (labels=, pair=(IMAGE, MASK), or a list of pairs)"


def test_what_there_is():
    assert unet_c.has("png") and unet_c.has("onnx") and not unet_c.has("magic")
    assert unet_c.isa() in ("avx512", "avx2", "baseline", "neon")
    assert unet_c.__version__.count(".") == 2
