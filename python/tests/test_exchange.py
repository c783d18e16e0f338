# SPDX-License-Identifier: Apache-2.0
"""Models of other programs: PyTorch's weights without PyTorch, files of any format."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import unet_c


class Tensor:
    """What a tensor of PyTorch looks like from outside."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = float = detach

    def __array__(self, dtype=None, copy=None):
        return self.array


class Module:
    def __init__(self, weights):
        self.weights = weights

    def state_dict(self):
        return self.weights


@pytest.fixture(scope="module")
def weighty():
    kind = {"padding": "same", "norm": "batch", "concat": "skip_up"}
    return unet_c.Model(width=2, depth=4, seed=4, **kind)


@pytest.mark.parametrize("names", ["unet", "milesial"])
def test_there_and_back(weighty, image, names):
    weights = weighty.to_torch_state_dict(names=names)
    as_module = {"module." + name: Tensor(array) for name, array in weights.items()}
    as_module["module.count.num_batches_tracked"] = Tensor(np.array(3))
    again = unet_c.Model.from_torch(Module(as_module), padding="same", concat="skip_up")
    assert again.origin["layout"] == names
    assert np.array_equal(again.logits(image), weighty.logits(image))
    half = {name: array.astype(np.float64) for name, array in weights.items()}
    assert np.array_equal(
        unet_c.Model.from_torch(half, padding="same", concat="skip_up").logits(image),
        weighty.logits(image),
    )


def test_tensors_are_made_by_the_torch_that_is_given(weighty):
    class Torch:
        @staticmethod
        def from_numpy(array):
            assert array.flags.writeable
            return Tensor(array)

    weights = weighty.to_torch_state_dict(Torch)
    assert all(isinstance(tensor, Tensor) for tensor in weights.values())


def test_real_torch(weighty, image):
    torch = pytest.importorskip("torch")
    weights = weighty.to_torch_state_dict(torch)
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    again = unet_c.Model.from_torch(weights, padding="same", concat="skip_up")
    assert np.array_equal(again.logits(image), weighty.logits(image))


def test_torch_is_not_imported():
    code = (
        "import sys, unet_c; m = unet_c.Model(width=2, depth=1, padding='same');"
        "unet_c.Model.from_torch(m.to_torch_state_dict(), padding='same');"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "source, words",
    [
        ({}, "no tensors"),
        ([1, 2], "found list, wanted a module or a state_dict"),
        ({"a": np.array(["x"])}, "a: values of type"),
        ({"a": np.zeros((1,) * 5)}, "a: shape"),
        ({"a.weight": np.zeros((2, 3), np.float32)}, "the tensors: "),
    ],
)
def test_wrong_weights(source, words):
    with pytest.raises(unet_c.Error, match=words):
        unet_c.Model.from_torch(source)


@pytest.mark.parametrize("ending", [".safetensors", ".pth", ".onnx"])
def test_convert(weighty, image, tmp_path, ending):
    weighty.save(tmp_path / "m.safetensors")
    unet_c.convert(tmp_path / "m.safetensors", tmp_path / f"n{ending}")
    assert np.array_equal(unet_c.Model.load(tmp_path / f"n{ending}").logits(image), weighty.logits(image))


def test_files_that_are_none(tmp_path, weighty):
    (tmp_path / "broken.pth").write_bytes(b"PK\3\4 and no more")
    for path, kind in ((tmp_path / "broken.pth", unet_c.FormatError), ("not/there", unet_c.FileError)):
        with pytest.raises(kind):
            unet_c.Model.load(path)
    with pytest.raises(OSError):
        weighty.save(tmp_path / "no" / "folder.safetensors")
    with pytest.raises(unet_c.ArgumentError, match="norm: found"):
        unet_c.Model.load("not/there", norm="btch")
    with pytest.raises(unet_c.ArgumentError, match="width: there is no such option"):
        unet_c.Model.load("not/there", width=3)


def test_pickle_and_copy(weighty, image):
    for again in (pickle.loads(pickle.dumps(weighty)), copy.deepcopy(weighty)):
        assert np.array_equal(again.logits(image), weighty.logits(image))
        assert again.network == weighty.network


def test_names_and_colours(weighty, tmp_path):
    model = unet_c.Model(width=2, depth=1)
    model.name_class(1, "cell", (1, 2, 3))
    model.save(tmp_path / "m.safetensors")
    again = unet_c.Model.load(tmp_path / "m.safetensors")
    assert again.classes[1] == "cell" and again.colors[1].tolist() == [1, 2, 3]
    with pytest.raises(unet_c.ArgumentError, match="class 2, the model has 0..1"):
        model.name_class(2, "x")
    assert model.network["width"] == "2" and model.settings == {}
