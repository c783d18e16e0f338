# SPDX-License-Identifier: Apache-2.0
"""Objects: counted, numbered and measured."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

import numpy as np

from . import _arrays, _core, _values
from ._errors import ArgumentError


class Objects(NamedTuple):
    """What objects() found.

    ids    uint32 [height, width]: the number of the object, 0: none
    table  a row for each, as a structured array: table["area_px"]; pandas.DataFrame(table) takes it.
           Columns are those of the command's CSV file (docs/objects.md)
    """

    ids: np.ndarray
    table: np.ndarray


class Predicted(NamedTuple):
    """A model's mask, with what tells its objects apart unless they are cut at necks.

    model  its handle
    inner  how deep pixels lie in objects, uint8 [height, width, 1]; None: its network does not say
    """

    mask: np.ndarray
    model: object
    inner: Optional[np.ndarray]


def is_split(split=False, split_depth=0.0, **_):
    """Whether objects are cut at necks, whatever a model learnt of them."""
    return bool(split or split_depth > 0)


_columns, _bytes = _core.object_columns()
_rows = np.dtype(
    {
        "names": [name for name, _, _ in _columns],
        "formats": [kind for _, kind, _ in _columns],
        "offsets": [offset for _, _, offset in _columns],
        "itemsize": _bytes,
    }
)
_lengths = ("centroid_y", "centroid_x", "perimeter", "equivalent_diameter", "major_axis", "minor_axis")


def _closed(rows, has_image, unit):
    """The columns that say something, one behind the other; lengths are named after their unit."""
    named = {"area": f"area_{unit}2", **{name: f"{name}_{unit}" for name in _lengths}}
    kept = [
        name
        for name in rows.dtype.names
        if (has_image or not name.startswith("intensity")) and (unit or name not in named)
    ]
    table = np.empty(len(rows), [(named.get(name, name), rows.dtype[name]) for name in kept])
    for name in kept:
        table[named.get(name, name)] = rows[name]
    return table


def objects(
    mask,
    image=None,
    *,
    minimum_area=0,
    keep_holes=False,
    split=False,
    split_depth=0.0,
    channel=0,
    pixel_size=None,
    unit="um",
    memory=0,
    rois=None,
    progress=None,
):
    """Numbers and measures the objects of a mask of classes [height, width].

    An object is a set of pixels of one class, not 0, that hang together.

    image         intensities are measured in its channel `channel`; None: none
    minimum_area  pixels; smaller objects are dropped
    keep_holes    True: holes stay background
    split         True: objects are cut where they are narrow; split_depth: by so many pixels more
    pixel_size    height and width of a pixel in unit, or one number for both
    memory        bytes that it may take besides the results; 0: any
    rois          path of a zip of ImageJ ROIs to write
    progress      called with the share that is done, 0..1

    Returns Objects(ids, table).
    """
    learnt = None
    if isinstance(mask, Predicted):
        mask, *learnt = mask
        learnt = None if is_split(split, split_depth) else tuple(learnt)
    plain = _arrays.labels_of(mask)[..., np.newaxis]
    if image is not None:
        image = np.ascontiguousarray(_arrays.image(image))
        if image.dtype.kind == "b":
            image = image.view(np.uint8)
        if not 0 <= channel < image.shape[2]:
            raise ArgumentError(f"channel {channel}: the image has {image.shape[2]}, from 0 on")
    if plain.max() >= 254:
        raise ArgumentError(
            f"mask: value {plain.max()}, classes 0 to 253 wanted; mask > 0 has one class of objects"
        )
    if len(unit.encode()) > 7:
        raise ArgumentError(f"unit: found {unit!r}, at most 7 bytes fit")
    size = (0.0, 0.0)
    if pixel_size is not None:
        size = _values.pair(pixel_size, "pixel_size", float)
    options = (minimum_area, int(keep_holes), int(is_split(split, split_depth)), float(split_depth))
    options += (channel, *size, unit if pixel_size is not None else "", memory and _values.size(memory))
    classes = max(2, int(plain.max()) + 1)
    handle, count, _ = _core.objects_measure(plain, image, learnt, classes, options, progress)
    ids = np.empty(plain.shape[:2], np.uint32)
    rows = np.empty(count, _rows)
    _core.objects_read(handle, *ids.shape, ids, rows.view(f"V{_bytes}"))
    if rois is not None:
        _core.objects_write_rois(handle, os.fsencode(rois))
    return Objects(ids, _closed(rows, image is not None, unit if pixel_size is not None else ""))
