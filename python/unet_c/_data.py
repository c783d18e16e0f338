# SPDX-License-Identifier: Apache-2.0
"""Data sets: of arrays, or of folders and lists of pairs as `unet train` takes them."""

import os
from typing import NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _arrays, _core, _values
from ._errors import ArgumentError


class Reading(NamedTuple):
    """How images and masks are read; docs/labels.md and unet_dataset_options say each exactly."""

    labels: Optional[str] = None
    ignore: int = -1
    only_pairs: bool = False
    channels: Optional[str] = None
    fill: Union[None, float, str] = None
    as_stored: bool = False
    keep_masks: bool = False
    pair: Optional[Tuple[str, str]] = None
    prepared: bool = False

    @classmethod
    def take(cls, options):
        """Takes its own out of a dict of arguments."""
        given = {name: options.pop(name) for name in cls._fields if name in options}
        return cls(**{name: value for name, value in given.items() if value is not None})

    @classmethod
    def rows(cls):
        """(name, type, default, help) of each."""
        return [
            (name, _words[name][0], cls._field_defaults[name], _words[name][1])
            for name in cls._fields
        ]

    def options(self, classes=0, model=None, like=None):
        image, mask = (None, None) if self.pair is None else _values.pair(self.pair, "pair", str)
        own = (self.ignore, classes, model, like, self.labels, int(self.only_pairs))
        return own + (self.channels, _values.fill(self.fill), int(self.as_stored), int(self.keep_masks), image, mask)


_words = {
    "labels": (
        "Optional[str]",
        'what the masks\' values mean: "background=0,cell=255", "instances"; None: class indices '
        "of arrays, found of files",
    ),
    "ignore": ("int", "value of the masks that is no label; -1: 255 alone"),
    "only_pairs": ("bool", "leave out images without a mask"),
    "channels": ("Optional[str]", 'of the images: "0,2", "pages", "files:ch00,ch01"'),
    "fill": ("Union[None, float, str]", "the sample that is no data"),
    "as_stored": ("bool", "pixels as they lie in the files"),
    "keep_masks": ("bool", "of NIfTI files: images are put into the masks' axes"),
    "pair": ("Optional[Tuple[str, str]]", "patterns of paths of images and masks"),
    "prepared": ("bool", "values of arrays go to the network as they are"),
}


def _pairs(images, masks):
    for what, value in (("images", images), ("masks", masks)):
        if not hasattr(value, "__len__"):
            raise ArgumentError(f"{what}: found {value!r}, wanted a path, or arrays")
    if len(images) != len(masks):
        raise ArgumentError(f"{len(images)} images and {len(masks)} masks; one mask an image wanted")
    pairs = []
    for i, (image, mask) in enumerate(zip(images, masks)):
        image = _arrays.image(image, f"image {i}")
        pairs.append((f"image {i}", image, _arrays.mask(mask, f"mask {i}")))
    return pairs


def _check_indices(pairs):
    """0 and 255 alone are no class indices: every pixel would be background or without a label."""
    seen = set()
    for _, _, mask in pairs:
        if mask.dtype.kind == "b" or mask.shape[2] != 1:
            return
        low, high = int(mask.min()), int(mask.max())
        if high not in (0, 255) or not np.all((mask == low) | (mask == high)):
            return
        seen |= {low, high}
    if 255 in seen:
        raise ArgumentError(
            'masks: all values are 0 or 255, and as a class index 255 is "no label"; '
            'labels="background=0,object=255" takes it as a class'
        )


def open_dataset(images, masks, reading, classes=0, model=None, like=None):
    """A data set.  images and masks are both paths, or both sequences of arrays."""
    options = reading.options(classes, model, like)
    if _arrays.is_path(images) != _arrays.is_path(masks):
        raise ArgumentError("images and masks: two paths, or arrays for both, wanted")
    if _arrays.is_path(images):
        return _core.dataset_open(os.fsencode(images), os.fsencode(masks), options)
    pairs = _pairs(images, masks)
    if not pairs:
        raise ArgumentError("no images")
    if reading.labels is None and model is None and like is None and reading.ignore < 0:
        _check_indices(pairs)
    return _core.dataset_from_arrays(pairs, int(reading.prepared), options)
