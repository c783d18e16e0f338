#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the table in src/model/palette.c: 254 colours that are easy to tell apart.

The first eight are black and the palette of Okabe and Ito (2008), chosen for people with any kind
of colour vision. Every further colour is the one, of a grid over RGB, that is farthest from all
before it. Distance is measured in CIELAB, as seen by normal eyes and by dichromats without red or
green cones (Vienot, Brettel, Mollon 1999), and the smallest of the three counts.

    python3 scripts/make_palette.py
"""

FIRST = [0x000000, 0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7]
COUNT = 254
STEPS = [0, 32, 64, 96, 128, 160, 192, 224, 255]

# linear RGB as it appears to a protanope and a deuteranope
EYES = [
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
]


def linear(value):
    value /= 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def lab(rgb):
    r, g, b = rgb
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(color):
    rgb = [linear(color >> shift & 255) for shift in (16, 8, 0)]
    return [lab([sum(w * v for w, v in zip(row, rgb)) for row in eye]) for eye in EYES]


def distance(a, b):
    return min(sum((p - q) ** 2 for p, q in zip(x, y)) for x, y in zip(a, b))


def main():
    colors = list(FIRST)
    grid = [r << 16 | g << 8 | b for r in STEPS for g in STEPS for b in STEPS]
    grid = [(color, seen(color)) for color in grid]
    nearest = [min(distance(s, seen(color)) for color in colors) for _, s in grid]
    while len(colors) < COUNT:
        best = max(range(len(grid)), key=nearest.__getitem__)
        colors.append(grid[best][0])
        nearest = [min(n, distance(s, grid[best][1])) for n, (_, s) in zip(nearest, grid)]
    for i in range(0, COUNT, 9):
        print("    " + " ".join(f"0x{color:06x}," for color in colors[i : i + 9]))


main()
