# SPDX-License-Identifier: Apache-2.0
"""Arrays as the library takes them: where they lie if it can, else a copy."""

import os

import numpy as np

from . import _core
from ._errors import ArgumentError


def _where(array):
    """The array, or a copy of one whose strides the library does not take (0: broadcast)."""
    repeats = any(side > 1 and not stride for side, stride in zip(array.shape, array.strides))
    return np.ascontiguousarray(array) if repeats else array


def _whole(array, what):
    """An array; a masked one whose mask would be lost is refused."""
    if np.ma.is_masked(array):
        raise ArgumentError(
            f"{what}: {np.ma.count_masked(array)} masked values; an array without a mask wanted: "
            "array.filled(value)"
        )
    return np.asarray(array)


def samples(array, what="image"):
    """The samples of an image: uint8, uint16 and float32 as they are, other numbers as float32."""
    array = _whole(array, what)
    if array.dtype.kind not in "buif":
        raise ArgumentError(f"{what}: values of type {array.dtype}; numbers wanted")
    if array.size == 0:
        raise ArgumentError(f"{what}: shape {array.shape}; at least one pixel wanted")
    if array.dtype.kind == "b" or array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return _where(array.astype(array.dtype.newbyteorder("="), copy=False))
    with np.errstate(over="ignore"):  # infinite values are the library's to refuse
        return _where(array.astype(np.float32, copy=False))


def stack(array, channels, what="image"):
    """Images [..., height, width, channels] as [count, height, width, channels], and the shape before."""
    array = samples(array, what)
    if array.ndim >= 3 and array.shape[-1] == channels:
        before = array.shape[:-3]
    elif array.ndim >= 3 and channels == 1 and array.shape[-1] in (2, 3, 4):
        raise ArgumentError(
            f"{what}: shape {array.shape}: channels in the last axis, and the model takes 1? "
            "image[..., 0] is one of them; images that are so narrow: image[..., None]"
        )
    elif array.ndim >= 2 and channels == 1:
        before = array.shape[:-2]
        array = array[..., np.newaxis]
    else:
        axes = "height, width" + (", channels" if channels > 1 else "")
        raise ArgumentError(
            f"{what}: shape {array.shape}; [..., {axes}] wanted, the model takes "
            f"{channels} channel{'s' * (channels > 1)}"
        )
    shape = array.shape[-3:]
    count = int(np.prod(before, dtype=np.int64))
    return (array.reshape((count,) + shape) if before else array[np.newaxis]), before


def image(array, what="image"):
    """One image of any number of channels as [height, width, channels]."""
    array = samples(array, what)
    if array.ndim not in (2, 3):
        raise ArgumentError(f"{what}: shape {array.shape}; [height, width, channels] wanted")
    return array[..., np.newaxis] if array.ndim == 2 else array


def mask(array, what="mask"):
    """A mask of whole numbers as [height, width, 1], or colours [height, width, 3]."""
    array = _whole(array, what)
    if array.size == 0 or array.ndim not in (2, 3) or array.ndim == 3 and array.shape[2] not in (1, 3):
        raise ArgumentError(f"{what}: shape {array.shape}; [height, width] wanted, or 3 colours")
    if array.dtype.kind not in "buif":
        raise ArgumentError(f"{what}: values of type {array.dtype}; whole numbers wanted")
    if array.dtype.kind != "b":
        low, high = array.min(), array.max()
        if not low >= 0 or not high < 1 << 32 or array.dtype.kind == "f" and np.any(array % 1):
            raise ArgumentError(f"{what}: values {low} to {high}; whole numbers from 0 on wanted")
        if array.dtype.kind != "u" or array.dtype.itemsize > 4 or not array.dtype.isnative:
            small = np.uint8 if high <= 255 else np.uint16 if high <= 65535 else np.uint32
            array = array.astype(small)
    return _where(array[..., np.newaxis] if array.ndim == 2 else array)


def labels_of(array, what="mask"):
    """A mask of classes as a contiguous uint8 array [height, width]."""
    array = mask(array, what)
    if array.shape[2] != 1 or array.dtype.itemsize > 1:
        raise ArgumentError(f"{what}: class indices up to 255 wanted, [height, width]")
    return np.ascontiguousarray(array[..., 0]).view(np.uint8)


def read(path):
    """An image of a file as an array [height, width, channels], and whether its values are prepared."""
    handle, shape, kind, prepared = _core.image_read(os.fsencode(path))
    array = np.empty(shape, kind)
    _core.image_copy(handle, array)
    return array, prepared


def read_image(path):
    """Reads an image file of any format that the library knows: [height, width, channels].

    PNG, TIFF, JPEG, BMP, GIF, NIfTI, NRRD, MetaImage, Netpbm or .npy; "scan.tif[3]" is a page of it.
    """
    return read(path)[0]


def is_path(value):
    return isinstance(value, (str, bytes, os.PathLike))
