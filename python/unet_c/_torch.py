# SPDX-License-Identifier: Apache-2.0
"""Weights to and from PyTorch, which is never imported here: its tensors turn themselves into arrays."""

import json
import os
import tempfile

import numpy as np

from . import _core
from ._errors import ArgumentError


def _array(name, value):
    """A tensor or array as contiguous float32; None: no weights (a count of batches)."""
    for method in ("detach", "cpu", "float"):
        if hasattr(value, method):
            value = getattr(value, method)()
    array = np.asarray(value)
    if array.ndim == 0 or name.endswith("num_batches_tracked"):
        return None
    if array.dtype.kind not in "fiu":
        raise ArgumentError(f"{name}: values of type {array.dtype}; numbers wanted")
    if array.ndim > 4:
        raise ArgumentError(f"{name}: shape {array.shape}; at most 4 axes wanted")
    return np.ascontiguousarray(array, np.float32)


def tensors_of(source):
    """The tensors of a module or a state_dict, in its order: [(name, array)]."""
    if hasattr(source, "state_dict"):
        source = source.state_dict()
    if not hasattr(source, "items"):
        raise ArgumentError(f"found {type(source).__name__}, wanted a module or a state_dict")
    made = [(str(name), _array(str(name), value)) for name, value in source.items()]
    return [(name, array) for name, array in made if array is not None]


def state_dict(handle, torch, names):
    """The tensors of a model by the names of a layout: arrays, or tensors of the torch that is given."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        _core.model_export(handle, os.fsencode(path), names, 0, None, None, None)
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
    header.pop("__metadata__", None)
    made = {}
    for name, row in header.items():
        begin, end = row["data_offsets"]
        array = np.frombuffer(data[begin:end], "<f4").astype(np.float32).reshape(row["shape"])
        made[name] = array if torch is None else torch.from_numpy(array)
    return made
