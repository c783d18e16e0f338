#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/scores_cases.txt: random label images and their scores.

Run by hand: python3 scripts/make_score_fixtures.py   (needs numpy, scikit-image, scikit-learn)

Values of scikit-learn (confusion matrix, F1, Jaccard, precision, recall) and scikit-image (Rand and
information scores, connected parts); matches of objects and the boundary scores written out from
their formulas, by loops that are as plain as can be.  Each case is a line of its kind, height and
width, lines of label images, and a line "name value ..." for each score; "end" ends it.
"""
import math
import pathlib

import numpy as np
from skimage.measure import label
from skimage.metrics import adapted_rand_error, variation_of_information
from sklearn import metrics

PATH = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "scores_cases.txt"


def blobs(rng, height, width, parts):
    """A partition into the pixels nearest to random points, some of them background."""
    y, x = np.mgrid[:height, :width]
    points = rng.random((parts, 2)) * (height, width)
    near = np.argmin((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2, -1)
    ids = np.where(rng.random(parts) < 0.35, 0, rng.permutation(parts) + 1)
    return ids[near]


def disturb(rng, ids, share):
    moved = np.roll(ids, rng.integers(-1, 2, 2), (0, 1))
    other = blobs(rng, *ids.shape, max(2, int(ids.max())))
    return np.where(rng.random(ids.shape) < share, other, moved)


def image(lines, name, array):
    lines.append(name + " " + " ".join(str(int(v)) for v in array.ravel()))


def score(lines, name, *values):
    lines.append(name + " " + " ".join(repr(float(v)) for v in values))


def classes_case(lines, rng, height, width, labels):
    truth = np.minimum(blobs(rng, height, width, 9), labels - 1)
    predicted = np.minimum(disturb(rng, truth, 0.2), labels - 1)
    ignored = rng.random(truth.shape) < 0.1
    lines.append(f"classes {height} {width} {labels}")
    image(lines, "truth", np.where(ignored, 255, truth))
    image(lines, "predicted", predicted)
    t, p, names = truth[~ignored], predicted[~ignored], list(range(labels))
    score(lines, "confusion", *metrics.confusion_matrix(t, p, labels=names).ravel())
    options = {"labels": names, "average": None, "zero_division": np.nan}
    score(lines, "dice", *metrics.f1_score(t, p, **options))
    score(lines, "precision", *metrics.precision_score(t, p, **options))
    score(lines, "recall", *metrics.recall_score(t, p, **options))
    present = [((t == k) | (p == k)).any() for k in names]
    iou = metrics.jaccard_score(t, p, labels=names, average=None, zero_division=0)
    score(lines, "iou", *[v if here else math.nan for v, here in zip(iou, present)])
    score(lines, "accuracy", metrics.accuracy_score(t, p))
    lines.append("end")


def divide(a, b):
    return a / b if b else math.nan


def objects_case(lines, rng, height, width, parts, share):
    truth = blobs(rng, height, width, parts)
    predicted = disturb(rng, truth, share)
    lines.append(f"objects {height} {width} 0")
    image(lines, "truth", truth)
    image(lines, "predicted", predicted)
    T = [truth == i for i in np.unique(truth) if i]
    P = [predicted == i for i in np.unique(predicted) if i]
    iou = np.array([[(a & b).sum() / (a | b).sum() for b in P] for a in T]).reshape(len(T), len(P))
    f1, ap = [], []
    for step in range(10):
        # + 1e-12: fractions that equal the threshold are no match, however both are rounded
        tp = int((iou > 0.5 + 0.05 * step + 1e-12).sum())
        f1.append(divide(2 * tp, len(T) + len(P)))
        ap.append(divide(tp, len(T) + len(P) - tp))
    pairs = iou[iou > 0.5]
    score(lines, "count", len(T), len(P))
    score(lines, "f1", *f1)
    score(lines, "ap", *ap)
    score(lines, "mean_ap", np.mean(ap))
    score(lines, "sq", divide(pairs.sum(), len(pairs)))
    score(lines, "pq", divide(pairs.sum(), len(pairs) + (len(T) - len(pairs)) / 2
                              + (len(P) - len(pairs)) / 2))
    seg = [sum(iou[i, j] for j, b in enumerate(P) if (a & b).sum() > a.sum() / 2)
           for i, a in enumerate(T)]
    score(lines, "seg", divide(sum(seg), len(T)))
    lines.append("end")


def partition_case(lines, rng, height, width, parts, share):
    truth = blobs(rng, height, width, parts)
    truth[0, 0] = parts + 1
    predicted = disturb(rng, truth, share)
    lines.append(f"partition {height} {width} 0")
    image(lines, "truth", truth)
    image(lines, "predicted", predicted)
    inside = truth > 0
    singled = predicted.copy()
    singled[predicted == 0] = predicted.max() + 1 + np.arange((predicted == 0).sum())
    n = inside.sum()
    for name, p in (("plain", predicted), ("singles", singled)):
        # skimage counts pairs of different pixels, n (n - 1); the formula of 2015 has n^2
        table = np.zeros((truth.max() + 1, p.max() + 1))
        np.add.at(table, (truth[inside], p[inside]), 1)
        both, s, t = (table ** 2).sum(), (table.sum(0) ** 2).sum(), (table.sum(1) ** 2).sum()
        error, precision, recall = adapted_rand_error(truth, p, ignore_labels=(0,))
        # precision and recall of skimage, from our sums
        ours = sorted([(both - n) / (s - n), (both - n) / (t - n)])
        assert np.allclose(ours, sorted([precision, recall]), equal_nan=True), (ours, precision, recall)
        assert np.isclose(error, 1 - 2 * (both - n) / (s + t - 2 * n))
        score(lines, f"rand_{name}", both / t, both / s, 2 * both / (s + t))
        # H(truth | predicted), H(predicted | truth)
        merge, split = variation_of_information(p[inside], truth[inside])
        joint = table[table > 0] / n
        H = -(joint * np.log2(joint)).sum()
        HS = -sum(v * np.log2(v) for v in table.sum(0) / n if v)
        HT = -sum(v * np.log2(v) for v in table.sum(1) / n if v)
        assert np.allclose(sorted([H - HS, H - HT]), sorted([merge, split]))
        score(lines, f"info_{name}", (HS + HT - H) / HS, (HS + HT - H) / HT,
              2 * (HS + HT - H) / (HS + HT), H - HT, H - HS)
    binary = (truth > 0).astype(int)
    image(lines, "four", label(binary, connectivity=1))
    image(lines, "eight", label(binary, connectivity=2))
    lines.append("end")


def main():
    rng = np.random.default_rng(6)
    lines = []
    for height, width, labels in ((7, 11, 2), (13, 9, 3), (16, 17, 5), (1, 23, 4)):
        classes_case(lines, rng, height, width, labels)
    for height, width, parts, share in ((9, 9, 5, 0), (17, 13, 12, 0.05), (23, 29, 30, 0.15),
                                        (31, 5, 8, 0.4)):
        objects_case(lines, rng, height, width, parts, share)
        partition_case(lines, rng, height, width, parts, share)
    PATH.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
