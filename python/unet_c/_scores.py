# SPDX-License-Identifier: Apache-2.0
"""Scores, as `unet eval --json` has them; docs/scores.md defines each."""

import numpy as np

from . import _arrays, _core
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
        classes = truth
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


def evaluate(predicted, truth, *, labels=None, objects=False, names=None):
    """Scores masks of classes of any program against the truth: arrays [height, width], or lists.

    labels   how many classes there are, 255 being "no label"; None: as many as the masks have
    objects  True: objects are matched, too
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
    predicted = [_arrays.labels_of(mask, f"predicted {i}") for i, mask in enumerate(predicted)]
    truth = [_arrays.labels_of(mask, f"truth {i}") for i, mask in enumerate(truth)]
    for i, (one, other) in enumerate(zip(predicted, truth)):
        if one.shape != other.shape:
            raise ArgumentError(f"mask {i}: shape {one.shape}, the truth has {other.shape}")
    if labels is None:
        labels = 1 + max(int(m[m != _core.IGNORE].max(initial=1)) for m in predicted + truth)
    if not 2 <= labels < _core.IGNORE:
        raise ArgumentError(f"labels: found {labels}, wanted 2 to {_core.IGNORE - 1}")
    kinds = labels if objects else 0

    def find(mask):
        return find_objects(mask, keep_holes=True).ids

    scores = [score_image(p, t, None, labels, kinds, find) for p, t in zip(predicted, truth)]
    class_names = list(names or []) + [""] * labels
    return summary(scores, [f"image {i}" for i in range(len(scores))], class_names, labels, kinds)
