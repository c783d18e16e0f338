#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a network with an instance norm, which takes its statistics from what it sees, makes of a large
image: seen at once, in tiles, and in the blocks of `unet studio`.

Usage: studio_seams.py UNET ISBI2012 FOLDER     (wants NumPy and Pillow; FOLDER is for what it makes)

A network with an instance norm is trained for a while on slices of 512 x 512.  Of these slices a picture
of 2048 x 2048 is made, once as they are and once with brightness and contrast that change over it.  It is
predicted at once, in tiles of several sides, as `unet predict` does by itself, and in blocks of 512 x 512
with 64 pixels around them, as the studio does (cli/studio/live/live_view.c).  A seam is where two meet.
"""
import os
import subprocess
import sys

import numpy as np
from PIL import Image

SIDE, BLOCK, AROUND = 2048, 512, 64


def load(path):
    with Image.open(path) as image:
        return np.array(image)


def picture(data, shaded):
    names = sorted(os.listdir(os.path.join(data, "image")))
    image = np.zeros((5 * BLOCK, 5 * BLOCK), np.uint8)
    truth = np.zeros(image.shape, bool)
    for i in range(25):
        y, x = divmod(i, 5)
        part = load(os.path.join(data, "image", names[i % len(names)])).astype(float)
        if shaded:
            part = np.clip(part * (0.6 + 0.2 * x) + 12 * (y - 2), 0, 255)
        place = np.s_[y * BLOCK:(y + 1) * BLOCK, x * BLOCK:(x + 1) * BLOCK]
        image[place] = part
        truth[place] = load(os.path.join(data, "label", names[i % len(names)])) > 0
    middle = np.s_[BLOCK // 2:BLOCK // 2 + SIDE, BLOCK // 2:BLOCK // 2 + SIDE]
    return image[middle], truth[middle]


def predict(unet, image, *options):
    np.save("part.npy", image)
    subprocess.run([unet, "predict", "run", "part.npy", "-o", "part.png", "--quiet", *options], check=True,
                   stderr=subprocess.DEVNULL)
    return load("part.png") > 0


def in_blocks(unet, image):
    out = np.zeros(image.shape, bool)
    for y in range(0, SIDE, BLOCK):
        for x in range(0, SIDE, BLOCK):
            top, left = max(0, y - AROUND), max(0, x - AROUND)
            part = predict(unet, image[top:y + BLOCK + AROUND, left:x + BLOCK + AROUND])
            out[y:y + BLOCK, x:x + BLOCK] = part[y - top:y - top + BLOCK, x - left:x - left + BLOCK]
    return out


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def changes(mask, rows):
    """The share of neighbours that differ between rows (and columns) r - 1 and r."""
    return np.mean([[(m[r - 1] != m[r]).mean() for r in rows] for m in (mask, mask.T)])


def main():
    unet, data, folder = (os.path.abspath(a) for a in sys.argv[1:4])
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    subprocess.run([unet, "train", "--images", data + "/image", "--masks", data + "/label", "-o", "run",
                    "--overwrite", "--steps", "300", "--time", "1h", "--val-share", "0.3", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    pictures = [picture(data, shaded) for shaded in (False, True)]
    ways = {f"--tile {t}": ["--tile", str(t)] for t in (SIDE, 1024, 512, 192)}
    print("| | membrane Dice | with shading | seconds of a processor |")
    print("| --- | --- | --- | --- |")
    for name, options in {"unet predict": [], **ways, "blocks of the studio": None}.items():
        before = os.times().children_user
        masks = [in_blocks(unet, image) if options is None else predict(unet, image, *options)
                 for image, _ in pictures]
        scores = [f"{dice(~m, ~truth):.3f}" for m, (_, truth) in zip(masks, pictures)]
        print(f"| {name} | {scores[0]} | {scores[1]} | {(os.times().children_user - before) / 2:.1f} |")
        if not options:
            seams = range(BLOCK, SIDE, BLOCK)
            print(f"{name}: neighbours that differ, anywhere and where blocks meet: " +
                  "; ".join(f"{100 * changes(m, range(1, SIDE)):.1f} %, {100 * changes(m, seams):.1f} %"
                            for m in masks), file=sys.stderr)


if __name__ == "__main__":
    main()
