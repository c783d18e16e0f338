#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a 3x3 convolution by Winograd's F(m x m, 3 x 3) loses to rounding, for several m, points and types.

Usage: winograd_error.py [--channels 64,256,1024] [--side 48] [--seed 0] [--search]    needs NumPy alone

For each kind of tile: how many products it takes of those of the direct sum, and the root mean square
error of a layer (input after a ReLU, He's weights), relative to the result's, against the sum in
double.  Rows of B' are scaled by powers of two to be about as large, where the CPU engine scales two
pairs of rows of G by 2/3 and 9/4, which changes its error little.  fp32: all in float,
products summed in runs of 128, as the CPU engine does; bf16: the factors of products are rounded to
bfloat16, as AVX512-BF16 and AMX take them, sums and transforms are in float.  --search: the best pairs
and triples of small fractions, each with its negative, as points beside 0 and infinity.
"""
import argparse
import itertools
from fractions import Fraction as F

import numpy as np

RUN = 128  # products that are summed before they go to the others
KINDS = [
    ("direct", 0, []),
    ("F(2x2) points 0 1 -1", 2, [0, 1, -1]),
    ("F(4x4) points 0 1 -1 2 -2, the usual", 4, [0, 1, -1, 2, -2]),
    ("F(4x4) points 0 1 -1 1/2 -2", 4, [0, 1, -1, F(1, 2), -2]),
    ("F(4x4) points 0 2/3 -2/3 3/2 -3/2 (ours)", 4, [0, F(2, 3), F(-2, 3), F(3, 2), F(-3, 2)]),
    ("F(6x6) points 0 1 -1 2 -2 1/2 -1/2", 6, [0, 1, -1, 2, -2, F(1, 2), F(-1, 2)]),
    ("F(6x6) points 0 1 -1 3/2 -3/2 1/2 -1/2", 6, [0, 1, -1, F(3, 2), F(-3, 2), F(1, 2), F(-1, 2)]),
]


def polynomial(roots):
    """Coefficients, the constant first."""
    made = [F(1)]
    for root in roots:
        made = [a - root * b for a, b in zip([F(0), *made], [*made, F(0)])]
    return made


def matrices(m, points):
    """A' [m][n], G [n][3], B' [n][n] of Toom and Cook's method by these points and infinity."""
    points = [F(p) for p in points]
    n = m + 2
    a, g, b = [], [], []
    for i, p in enumerate(points):
        others = points[:i] + points[i + 1:]
        norm = F(1)
        for q in others:
            norm *= p - q
        row = polynomial(others) + [F(0)]
        # as large as the others, by a power of two, which costs no accuracy
        scale = F(2) ** -int(np.round(np.log2(max(float(sum(abs(x) for x in row)), 1e-9) / 4)))
        b.append([x * scale for x in row])
        g.append([p ** k / norm / scale for k in range(3)])
        a.append([p ** k for k in range(m)])
    b.append(polynomial(points))
    g.append([F(0), F(0), F(1)])
    a.append([F(k == m - 1) for k in range(m)])
    return (np.array(x, dtype=np.float64) for x in (np.array(a, dtype=object).T.tolist(), g, b))


def to_bf16(x):
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def product(v, u):
    """[k][tiles][in] [k][in][out], in float, in runs."""
    total = np.zeros((v.shape[0], v.shape[1], u.shape[2]), np.float32)
    for at in range(0, v.shape[2], RUN):
        total += v[:, :, at:at + RUN] @ u[:, at:at + RUN]
    return total


def layer(x, w, m, points, half):
    """x [in][side][side], w [out][in][3][3]; the result's [out][side - 2][side - 2]."""
    channels, out = w.shape[1], w.shape[0]
    side = x.shape[1] - 2
    if not m:
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
        v = windows.transpose(1, 2, 0, 3, 4).reshape(1, side * side, channels * 9)
        u = w.transpose(1, 2, 3, 0).reshape(1, channels * 9, out)
        v, u = (to_bf16(v), to_bf16(u)) if half else (v, u)
        return product(v, u)[0].T.reshape(out, side, side)
    a, g, b = (t.astype(np.float32) for t in matrices(m, points))
    n, rows = m + 2, side // m
    windows = np.lib.stride_tricks.sliding_window_view(x, (n, n), (1, 2))[:, ::m, ::m][:, :rows, :rows]
    v = (b @ windows @ b.T).transpose(3, 4, 1, 2, 0).reshape(n * n, rows * rows, channels)
    u = (g @ w @ g.T).transpose(2, 3, 1, 0).reshape(n * n, channels, out)
    v, u = (to_bf16(v), to_bf16(u)) if half else (v, u)
    made = product(v, u).reshape(n, n, rows, rows, out).transpose(4, 2, 3, 0, 1)
    y = a @ made @ a.T
    return y.transpose(0, 1, 3, 2, 4).reshape(out, rows * m, rows * m)


def case(channels, out, side, rng):
    """A layer's input and weights, and its result in double."""
    x = np.maximum(rng.standard_normal((channels, side + 2, side + 2)), 0).astype(np.float32)
    w = (rng.standard_normal((out, channels, 3, 3)) * np.sqrt(2 / (9 * channels))).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (3, 3), (1, 2))
    return x, w, np.einsum("cyxij,ocij->oyx", windows, w.astype(np.float64), optimize=True)


def error(data, m, points, half=False):
    x, w, exact = data
    y = layer(x, w, m, points, half)
    off = y - exact[:, :y.shape[1], :y.shape[2]]
    return np.sqrt(np.mean(off ** 2)) / np.sqrt(np.mean(exact ** 2))


def search(rng):
    data = case(64, 32, 24, rng)
    fractions = sorted({F(a, b) for a in range(1, 9) for b in range(1, 9) if F(1, 4) <= F(a, b) <= F(5, 2)})
    for m, count in ((4, 2), (6, 3)):
        found = sorted((error(data, m, [0, *(sign * p for p in s for sign in (1, -1))]), s)
                       for s in itertools.combinations(fractions, count))
        for value, points in found[:5]:
            print("F(%dx%d) %.2e  0, +-%s" % (m, m, value, ", +-".join(map(str, points))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--channels", default="64,256,1024")
    parser.add_argument("--side", type=int, default=48, help="of the result, a multiple of 12")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--search", action="store_true", help="the best points")
    args = parser.parse_args()
    if args.search:
        search(np.random.default_rng(args.seed))
        return
    counts = [int(c) for c in args.channels.split(",")]
    print("%-42s %8s  %s" % ("", "products", "  ".join("%4d channels, fp32, bf16" % c for c in counts)))
    rng = np.random.default_rng(args.seed)
    data = [case(c, 64, args.side, rng) for c in counts]
    for name, m, points in KINDS:
        cells = []
        for one in data:
            for half in (False, True):
                cells.append("%.1e" % error(one, m, points, half))
        share = (m + 2) ** 2 / (9 * m * m) if m else 1
        print("%-42s %7.0f %%  %s" % (name, 100 * share, "  ".join(
            "%13s, %s" % (cells[2 * i], cells[2 * i + 1]) for i in range(len(data)))), flush=True)


if __name__ == "__main__":
    main()
