#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how well a network learns from strokes (bench/annotator), and draws it.

    plot_studio.py BUILD/annotator DATA -o docs/studio-measured      runs it, then as below
    plot_studio.py FILE.csv -o docs/studio-measured                  draws studio-measured.svg and
                                                                     prints the table

DATA has isbi2012, dsb2018, wbc1 and sarpol_tents.  Python's own library is enough.
"""
import argparse
import csv
import io
import os
import subprocess
import sys

COLUMNS = "set mode seconds strokes opened painted painted_opened steps dice dice_mean first".split()
SETS = {  # images, masks, most to paint, most to test
    "wbc1": ("", "", 20, 12),
    "dsb2018": ("image", "mask", 30, 16),
    "sarpol_tents": ("image", "label", 20, 4),
    "isbi2012": ("image", "label", 20, 4),
}
COLORS = ["#4c78a8", "#f58518", "#54a24b", "#b279a2"]


def run(program, data, seconds, rate):
    lines = []
    for name, (images, masks, train, test) in SETS.items():
        for full in ([], ["--full"]):
            command = [program, "--name", name, "--images", os.path.join(data, name, images),
                       "--masks", os.path.join(data, name, masks), "--train", str(train),
                       "--test", str(test), "--seconds", str(seconds), "--rate", str(rate)] + full
            lines.append(subprocess.run(command, check=True, text=True,
                                        stdout=subprocess.PIPE).stdout)
    return "".join(lines)


def read(text):
    rows = []
    for row in csv.reader(io.StringIO(text)):
        values = dict(zip(COLUMNS, row))
        rows.append({k: v if k in ("set", "mode") else float(v) for k, v in values.items()})
    return rows


def of(rows, name, mode):
    return [r for r in rows if r["set"] == name and r["mode"] == mode]


def table(rows):
    print("| images | strokes | seconds | painted | Dice | first class | full masks: Dice | first class | share |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in SETS:
        strokes, full = of(rows, name, "strokes"), of(rows, name, "full")
        for r in [strokes[0], strokes[-1]] if len(strokes) > 1 else strokes:
            beside = [f for f in full if f["seconds"] <= r["seconds"] + 5][-1:]
            cells = ["%.3f | %.3f | %.0f %%" % (f["dice"], f["first"], 100 * r["dice"] / f["dice"])
                     if f["dice"] > 0 else "%.3f | %.3f | " % (f["dice"], f["first"]) for f in beside]
            print("| %s | %.0f | %.0f | %.1f %% | %.3f | %.3f | %s |" %
                  (name, r["strokes"], r["seconds"], 100 * r["painted"], r["dice"], r["first"],
                   "".join(cells) or " | | "))


def draw(rows, path):
    width, height, left, top, right, bottom = 720, 380, 50, 20, 130, 45
    most = max(r["seconds"] for r in rows)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="12">' % (width, height),
           '<rect width="100%" height="100%" fill="#fff"/>']

    def x(seconds):
        return left + (width - left - right) * seconds / most

    def y(dice):
        return top + (height - top - bottom) * (1 - dice)

    for k in range(0, 11, 2):
        out.append('<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">'
                   '%.1f</text>' % (left, y(k / 10), width - right, left - 6, y(k / 10) + 4, k / 10))
    for k in range(0, int(most) + 1, 30):
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%d</text>' % (x(k), height - 26, k))
    out.append('<text x="%d" y="%d" text-anchor="middle">seconds of painting</text>' %
               ((left + width - right) // 2, height - 8))
    for color, name in zip(COLORS, SETS):
        for mode, dash in (("strokes", ""), ("full", ' stroke-dasharray="5 4"')):
            points = of(rows, name, mode)
            if not points:
                continue
            line = " ".join("%.1f,%.1f" % (x(r["seconds"]), y(r["dice"])) for r in points)
            out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>' %
                       (line, color, dash))
        k = list(SETS).index(name)
        out.append('<text x="%d" y="%d" fill="%s">%s</text>' %
                   (width - right + 8, top + 20 + 18 * k, color, name))
    out.append('<text x="%d" y="%d">dashed: full masks</text></svg>' %
               (width - right + 8, top + 20 + 18 * len(SETS)))
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", help="the annotator, or a CSV file that it wrote")
    parser.add_argument("data", nargs="?", help="the folder of the sets")
    parser.add_argument("-o", "--output", default="studio-measured", help="path without ending")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rate", type=float, default=12, help="steps of training in a second")
    wishes = parser.parse_args()
    if wishes.data:
        text = run(wishes.source, wishes.data, wishes.seconds, wishes.rate)
        with open(wishes.output + ".csv", "w") as file:
            file.write(text)
    else:
        with open(wishes.source) as file:
            text = file.read()
    rows = read(text)
    if not rows:
        sys.exit("%s: no measurements" % wishes.source)
    draw(rows, wishes.output + ".svg")
    table(rows)


if __name__ == "__main__":
    main()
