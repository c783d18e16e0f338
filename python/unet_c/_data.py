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


_APART = 4  # grey values of classes are at least so far apart, docs/labels.md


def _seen(masks):
    """The values that masks have, if they are well apart; [] where they can be class indices alone."""
    seen = np.zeros(256, bool)
    for mask in masks:
        if mask.ndim == 3 and mask.shape[2] != 1:
            return []
        for row in mask.reshape(len(mask), -1):
            if row.max() > 255:
                return []
            seen[row.astype(np.uint8, copy=False)] = True
        values = np.flatnonzero(seen)
        if np.any(np.diff(values) < _APART):
            return []
    return [int(value) for value in values]


def check_indices(masks, what="masks"):
    """255 is no label, but of 0 and 255, or 0, 128 and 255, it may be a class as well."""
    seen = _seen(masks)
    if _core.IGNORE not in seen:
        return
    if set(seen) <= {0, _core.IGNORE}:
        found, labels, indices = "0 or 255", "background=0,object=255", "background=0,object=1,ignore=255"
    else:
        labels = ",".join(str(value) for value in seen)
        found, indices = labels.replace(",", ", "), "indices"
    raise ArgumentError(
        f'{what}: all values are {found}, and as a class index 255 is "no label"; '
        f'labels="{labels}" takes it as a class, labels="{indices}" as no label'
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
        check_indices([mask for _, _, mask in pairs])
    return _core.dataset_from_arrays(pairs, int(reading.prepared), options)
