# SPDX-License-Identifier: Apache-2.0
"""How quick `unet studio` is for a person while the network learns, measured in a real browser.

Usage: time_studio.py UNET FOLDER [SIDE]
Paints into made-up images of SIDE x SIDE (1024), and prints: seconds from the first stroke to the first
prediction; milliseconds from a movement of the mouse to the frame that shows it, and for a tile of an
image that was never asked for, both while all cores train.
"""
import shutil
import statistics
import sys
import time

from browser import Browser, Failed, find
import studio_page

WATCH = """(() => { const v = studio.view, frame = v.frame.bind(v); window.shown = []; let moved = 0;
    v.canvas.addEventListener('pointermove', e => moved ||= e.timeStamp, true);
    v.frame = () => { frame(); if (moved) shown.push(performance.now() - moved); moved = 0; }; })()"""
TILES = """(async () => { const key = decodeURIComponent(location.hash.slice(1)), took = [];
    for (let i = 0; i < 60; i++) { const image = i % studio.state.order.length, at = i * 7919 % 4, from = performance.now();
        const r = await fetch(`/api/images/${image}/tile?level=0&x=${at}&y=${(at + i) % 4}&low=${i}&high=255`,
            {headers: {'X-Unet-Key': key}, cache: 'no-store'});
        await createImageBitmap(await r.blob()); took.push(performance.now() - from); } return took; })()"""


def line(what, values):
    values = sorted(values)
    print(f"{what:44} median {statistics.median(values):6.1f}  95 % {values[int(.95 * (len(values) - 1))]:6.1f}"
          f"  longest {values[-1]:6.1f}  of {len(values)}")


def main():
    unet, folder = sys.argv[1:3]
    studio_page.SIDE = int(sys.argv[3]) if len(sys.argv) > 3 else 1024
    path = find()
    if not path:
        print("skipped: there is no chromium; scripts/setup.sh page installs it")
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    discs = studio_page.make_images(f"{folder}/images")
    studio = studio_page.Studio(unet, f"{folder}/images", f"{folder}/project")
    try:
        with Browser(path) as browser:
            browser.window(1280, 800)
            page = studio_page.Page(browser, studio)
            page.open()
            browser.js(WATCH)
            began = time.monotonic()
            for x, y, r in discs[0][:4]:
                page.paint(1, [(x - r / 3, y), (x + r / 3, y)])
                page.paint(0, [(x - r, y + 1.8 * r), (x + r, y + 1.8 * r)])
            browser.wait("studio.state.image.predicted", 180, "no prediction came")
            print(f"{'first prediction after the first stroke, s':44} {time.monotonic() - began:.1f}")
            browser.js("shown.length = 0")
            for k in range(12):  # a stroke of 20 movements each
                x, y, r = discs[0][4 + k % 5]
                page.paint(k % 2, [(x - r / 2 + r * i / 20, y + (k % 3) * 3 + (0 if k % 2 else 2 * r)) for i in range(21)])
            line("movement of the mouse to its frame, ms", browser.js("shown"))
            line("tile of an image, ms", browser.js(TILES))
            print(f"{'steps of training meanwhile, per second':44} {browser.js(STEPS):.1f}")
        return 0
    except Failed as failure:
        print(f"time_studio: {failure}")
        return 1
    finally:
        studio.kill()


STEPS = """(async () => { const ask = () => fetch('/api/project', {headers: {'X-Unet-Key':
    decodeURIComponent(location.hash.slice(1))}}).then(r => r.json()).then(p => p.training);
    const a = await ask(); await new Promise(r => setTimeout(r, 5000)); const b = await ask();
    return (b.step - a.step) / (b.seconds - a.seconds || 5); })()"""

if __name__ == "__main__":
    sys.exit(main())
