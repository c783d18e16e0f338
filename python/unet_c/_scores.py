# SPDX-License-Identifier: Apache-2.0
"""Scores, as `unet eval --json` has them; docs/scores.md defines each."""

import numpy as np

from . import _arrays, _core, _data
from ._errors import ArgumentError
from ._objects import objects as find_objects


class Sum:
    """Scores of one image, or of several that are added up."""

    def __init__(self, labels, object_labels):
        self.pixels = _core.scores_create(labels)
        self.objects = [_core.matches_create() for _ in range(object_labels)]

    def add(self, more):
        _core.scores_merge(self.pixels, more.pixels)
        for mine, theirs in zip(self.objects, more.objects):
            _core.matches_merge(mine, theirs)

    def read(self, names):
        """A dict, in which a class has the scores of its objects."""
        scores = _core.scores_read(self.pixels)
        for row, name in zip(scores["classes"], names):
            row["name"] = name
        for label in range(1, len(self.objects)):
            scores["classes"][label]["objects"] = _core.matches_read(self.objects[label])
        return scores

    def read_objects(self):
        """The scores of the objects of all classes."""
        every = _core.matches_create()
        for matches in self.objects[1:]:
            _core.matches_merge(every, matches)
        return _core.matches_read(every)


def _score_objects(score, predicted, ids, truth, true_ids):
    """Matches class after class; numbered masks have one kind of object."""
    known = truth != _core.IGNORE
    if true_ids is None:
        true_ids = find_objects(np.where(known, truth, 0), keep_holes=True).ids
        classes = truth if len(score.objects) > 2 else None
    else:
        classes = None
    for label in range(1, len(score.objects)):
        mine = np.where(predicted == label, ids, 0).astype(np.uint32)
        theirs = true_ids
        if classes is not None:
            theirs = np.where(classes == label, true_ids, 0).astype(np.uint32)
        _core.matches_add(score.objects[label], mine, np.ascontiguousarray(theirs), truth)


def score_image(predicted, truth, true_ids, labels, object_labels, find):
    """find(predicted) numbers its objects."""
    score = Sum(labels, object_labels)
    _core.scores_add(score.pixels, predicted, truth)
    if object_labels:
        _score_objects(score, predicted, find(predicted), truth, true_ids)
    return score


def summary(scores, image_names, class_names, labels, object_labels):
    """The dict of evaluate(): over all images, and of each."""
    every = Sum(labels, object_labels)
    for score in scores:
        every.add(score)
    result = every.read(class_names)
    if object_labels:
        result["objects"] = every.read_objects()
    result["images"] = len(scores)
    result["per_image"] = [
        {"image": name, **score.read(class_names)} for name, score in zip(image_names, scores)
    ]
    return result


def _take_classes(predicted, truth, labels):
    """Masks of class indices, as (classes, None) of each, and how many classes there are."""
    for what, masks in (("predicted", predicted), ("truth", truth)):
        for i, mask in enumerate(masks):
            if mask.shape[2] != 1 or mask.dtype.itemsize > 1:
                raise ArgumentError(f"{what} {i}: class indices up to 255 wanted, [height, width]")
        _data.check_indices(masks, what)
    every = [np.ascontiguousarray(mask[..., 0]).view(np.uint8) for mask in predicted + truth]
    most = max(int(mask[mask != _core.IGNORE].max(initial=1)) for mask in every)
    true_most = max(int(m[m != _core.IGNORE].max(initial=0)) for m in every[len(predicted) :])
    labels = 1 + most if labels is None else labels
    if not 2 <= labels < _core.IGNORE:
        raise ArgumentError(f"labels: found {labels}, wanted 2 to {_core.IGNORE - 1}")
    if true_most >= labels:
        raise ArgumentError(f"truth: has class {true_most}, but labels={labels}; {true_most + 1} wanted")
    every = [(mask, None) for mask in every]
    return every[: len(predicted)], every[len(predicted) :], labels


def _read(masks, what, reading, like=None, classes=0):
    """Masks as train() reads them: (classes, object numbers or None) of each, and the data set."""
    blank = [np.zeros(mask.shape[:2] + (1,), np.uint8) for mask in masks]
    pairs = [(f"{what} {i}", image, mask) for i, (image, mask) in enumerate(zip(blank, masks))]
    dataset = _core.dataset_from_arrays(pairs, 0, reading.options(classes, None, like))
    read = []
    for i in range(len(masks)):
        _, height, width, numbered = _core.dataset_item(dataset, i)
        classes = np.empty((height, width), np.uint8)
        ids = np.empty((height, width), np.uint32) if numbered else None
        _core.dataset_masks(dataset, i, classes, ids)
        read.append((classes, ids))
    return read, dataset


def _take_coded(predicted, truth, labels, predicted_labels):
    """The same of masks whose values were said."""
    truth, dataset = _read(truth, "truth", _data.Reading(labels=labels))
    count = _core.dataset_facts(dataset)["labels"]
    if predicted_labels is not None:
        reading = _data.Reading(labels=predicted_labels)
        predicted, other = _read(predicted, "predicted", reading, classes=count)
        found = _core.dataset_facts(other)["labels"]
        if found > count:
            raise ArgumentError(f"predicted: masks of {found} classes; the truth has {count}")
        return predicted, truth, count
    try:
        return _read(predicted, "predicted", _data.Reading(), like=dataset)[0], truth, count
    except ArgumentError as error:
        raise ArgumentError(f"{error} (predicted_labels= says what predicted values mean)") from None


def evaluate(predicted, truth, *, labels=None, predicted_labels=None, objects=False, names=None):
    """Scores masks of classes of any program against the truth: arrays [height, width], or lists.

    labels   what the values of both mean, as train() takes it: "background=0,cell=255",
             "instances"; or how many classes there are. Without words they are class indices, 255
             being "no label"
    predicted_labels  the same of the predicted masks, where they have other values
    objects  True: objects are matched, too; they are where masks number them
    names    of the classes

    Returns what `unet eval --json` prints: mean_dice, mean_iou, accuracy, classes, per_image ...
    """
    for what, value in (("predicted", predicted), ("truth", truth)):
        if not hasattr(value, "__len__"):
            raise ArgumentError(f"{what}: found {value!r}, wanted masks")
    if not isinstance(predicted, (list, tuple)) and np.ndim(predicted) == 2:
        predicted, truth = [predicted], [truth]
    if len(predicted) != len(truth) or not len(predicted):
        raise ArgumentError(f"{len(predicted)} predicted masks, {len(truth)} true ones")
    predicted = [_arrays.mask(mask, f"predicted {i}") for i, mask in enumerate(predicted)]
    truth = [_arrays.mask(mask, f"truth {i}") for i, mask in enumerate(truth)]
    for i, (one, other) in enumerate(zip(predicted, truth)):
        if one.shape[:2] != other.shape[:2]:
            raise ArgumentError(f"mask {i}: shape {one.shape[:2]}, the truth has {other.shape[:2]}")
    if isinstance(labels, str):
        predicted, truth, labels = _take_coded(predicted, truth, labels, predicted_labels)
    elif predicted_labels is not None:
        raise ArgumentError("predicted_labels: without labels= in words, which says what the true values mean")
    else:
        predicted, truth, labels = _take_classes(predicted, truth, labels)
    numbered = any(ids is not None for _, ids in predicted + truth)
    kinds = 2 if numbered else labels if objects else 0
    scores = []
    for (mine, my_ids), (theirs, true_ids) in zip(predicted, truth):

        def find(mask, ids=my_ids):
            plain = np.where(mask == _core.IGNORE, 0, mask)
            return find_objects(plain, keep_holes=True).ids if ids is None else ids

        scores.append(score_image(mine, theirs, true_ids, labels, kinds, find))
    class_names = list(names or []) + [""] * labels
    return summary(scores, [f"image {i}" for i in range(len(scores))], class_names, labels, kinds)
