# SPDX-License-Identifier: Apache-2.0
"""Goes the whole way through the page of `unet studio` in a real browser, as a person would.

Usage: studio_page.py UNET FOLDER [--firefox | --pictures]
FOLDER is for what is made; --pictures leaves screenshots at three widths, light and dark, in it; --firefox
goes the way in Firefox, not in Chromium.
"""
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import browser as chromium
import firefox
from browser import Failed

SIDE = 256


def make_images(folder, count=4):
    """Bright discs on a darker, uneven ground, as PGM; returns each image's discs (x, y, radius)."""
    os.makedirs(folder)
    random.seed(7)
    discs = []
    for i in range(count):
        mine = []
        while len(mine) < 9:
            disc = (random.uniform(24, SIDE - 24), random.uniform(24, SIDE - 24), random.uniform(12, 22))
            if all(math.dist(disc[:2], o[:2]) > disc[2] + o[2] + 8 for o in mine):
                mine.append(disc)
        rows = bytearray()
        for y in range(SIDE):
            for x in range(SIDE):
                ground = 70 + 25 * math.sin((x + 40 * i) / 50) + random.gauss(0, 9)
                inside = any((x - a) ** 2 + (y - b) ** 2 < r * r for a, b, r in mine)
                rows.append(max(0, min(255, int(ground + 75 * inside))))
        with open(f"{folder}/cells_{i}.pgm", "wb") as file:
            file.write(b"P5 %d %d 255\n" % (SIDE, SIDE) + rows)
        discs.append(mine)
    return discs


class Studio:
    """The server, started anew as often as one likes."""

    def __init__(self, unet, images, project):
        self.command = [unet, "studio", images, "-o", project, "--no-browser"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/#\S+", line)
            if found:
                self.address = found.group()
                return
        raise Failed(f"unet studio did not say its address (status {self.process.wait()})")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


ASK = """(path => fetch(path, {headers: {'X-Unet-Key': decodeURIComponent(location.hash.slice(1))}})
    .then(r => r.json()))"""


class Page:
    """What a person does with the page."""

    def __init__(self, browser, studio):
        self.browser, self.studio = browser, studio

    def open(self):
        self.browser.open(self.studio.address)
        self.browser.wait("!!(window.studio?.state.image && studio.view.layers.image.tile(0, 0, 0).bitmap)",
                          what="no image on the page")

    def project(self):
        return self.browser.js(f"{ASK}('/api/project')")

    def painted(self, image):
        return self.project()["images"][image]["painted"]

    def screen(self, x, y):
        """Where a point of the image is in the window."""
        return self.browser.js(f"(v => {{ const b = v.canvas.getBoundingClientRect(); return [b.x + ({x} * v.scale"
                               f" + v.left) / v.ratio, b.y + ({y} * v.scale + v.top) / v.ratio] }})(studio.view)")

    def paint(self, class_number, points):
        self.browser.key(str(class_number + 1))
        before = self.browser.js("studio.state.revision")
        self.browser.drag([self.screen(*p) for p in points])
        self.browser.wait(f"studio.state.revision > {before} && !studio.view.strokes.length", what="a stroke did not arrive")

    def color(self, x, y):
        """What the canvas shows there: [r, g, b]."""
        return self.browser.js(
            f"(v => [...v.canvas.getContext('2d').getImageData({x} * v.scale + v.left, {y} * v.scale + v.top, 1, 1)"
            f".data].slice(0, 3))(studio.view)")


def expect(truth, words):
    if not truth:
        raise Failed(words)


def far_from(discs, x, y):
    return all(math.dist((x, y), d[:2]) > d[2] + 6 for d in discs)


def ground_line(discs):
    """A stretch of ground, for a stroke."""
    for y in range(12, SIDE - 12, 4):
        for x in range(12, SIDE - 52, 4):
            if all(far_from(discs, x + k, y) for k in range(0, 41, 4)):
                return [(x + k, y) for k in range(0, 41, 8)]
    raise Failed("the made image has no ground")


def walk(page, discs):
    browser, studio = page.browser, page.studio
    page.open()
    project = page.project()
    expect(len(project["images"]) == 4, f"{len(project['images'])} images, 4 wanted")
    expect(browser.js("document.querySelectorAll('#thumbs button').length") == 4, "not 4 thumbnails")

    # painting, with the mouse
    for x, y, r in discs[0][:4]:
        page.paint(1, [(x - r / 3, y), (x + r / 3, y)])
    painted = page.painted(0)
    expect(painted > 500, f"{painted} pixels painted by four strokes")
    page.paint(0, ground_line(discs[0]))
    more = page.painted(0)
    expect(more > painted, "the stroke of background painted nothing")
    browser.key("z", ctrl=True)
    browser.wait(f"studio.state.image.painted === {painted}", what="undo did not take the stroke back")
    browser.key("z", ctrl=True, shift=True)
    browser.wait(f"studio.state.image.painted === {more}", what="redo did not bring it back")

    # two fingers move and zoom, whatever the tool
    browser.key("f")
    scale = browser.js("studio.view.scale")
    browser.pinch(page.screen(*discs[0][6][:2]), 60)
    browser.wait(f"studio.view.scale > 1.5 * {scale}", what="two fingers did not zoom")
    expect(page.painted(0) == more, "the first of two fingers filled")
    browser.key("0")
    browser.key("b")

    # the keyboard alone
    browser.js("document.getElementById('canvas').focus()")
    browser.key("ArrowRight")
    for key in (" ", "ArrowRight", "ArrowDown", " "):
        browser.key(key)
    browser.wait(f"studio.state.image.painted > {more}", what="Space and arrows painted nothing")
    browser.key("z", ctrl=True)
    browser.wait(f"studio.state.image.painted === {more}")

    # it learns by itself, and shows what it thinks
    began = time.monotonic()
    browser.wait("studio.state.image.predicted", 90, "no prediction came")
    first = time.monotonic() - began
    browser.wait("(t => !!t?.bitmap)(studio.view.layers.prediction.tiles.get('0/0/0'))", what="the prediction is not drawn")

    # it is taken over where nothing is painted, and corrected
    browser.click("#accept")
    browser.wait(f"studio.state.image.painted === {SIDE * SIDE}", 40, "the prediction was not taken over")
    browser.wait("!document.getElementById('undo').disabled")
    page.paint(1, [discs[0][5][:2], (discs[0][5][0] + 2, discs[0][5][1])])

    # the next one
    browser.click("#next")
    browser.wait("studio.state.image.id !== 0", 40, "Next image did not open another")
    other = browser.js("studio.state.image.id")
    browser.wait("!!studio.view.layers.image.tile(0, 0, 0).bitmap")
    page.paint(1, [discs[other][0][:2], (discs[other][0][0] + 3, discs[other][0][1])])
    kept = page.painted(other)

    # killed: nothing that was painted is lost, and what is painted meanwhile arrives later
    studio.kill()
    studio.start()
    page.open()
    images = page.project()["images"]
    expect(images[0]["painted"] == SIDE * SIDE and images[other]["painted"] == kept, "kill -9 lost strokes")
    expect(browser.js("studio.state.image.id") in range(4), "no image is open")

    # all images, as files
    browser.wait("studio.state.images.get(0).predicted || studio.state.image.predicted", 60, "the network was not kept")
    browser.click("#export")
    browser.click("#export-start")
    text = browser.wait("(t => /^Done/.test(t) && t)(document.getElementById('export-text').textContent)", 90,
                        "the export did not end: " + str(browser.js("document.getElementById('export-text').textContent")))
    folder = text.split(": ", 1)[1]
    made = [name for _, _, names in os.walk(folder) for name in names]
    for ending, count in ((".png", 8), (".csv", 1)):
        found = [n for n in made if n.endswith(ending)]
        expect(len(found) >= count, f"{len(found)} {ending} files in {folder}, {count} wanted: {sorted(made)}")
    browser.click("#export-form [value=close]")
    return first


def pose(browser, unet, folder, discs):
    """A project that somebody has worked on for half a minute, at three widths, light and dark."""
    studio = Studio(unet, f"{folder}/images", f"{folder}/pose")
    try:
        page = Page(browser, studio)
        page.open()
        for x, y, r in discs[0][:3]:
            page.paint(1, [(x - r / 2, y), (x, y - r / 3), (x + r / 2, y)])
            page.paint(0, [(x - 1.6 * r, y + 1.6 * r), (x, y + 1.75 * r), (x + 1.6 * r, y + 1.6 * r)])
        page.paint(0, ground_line(discs[0]))
        browser.wait("studio.state.image.predicted", 90, "no prediction came")
        time.sleep(30)
        shoot(browser, folder)
    finally:
        studio.kill()


def shoot(browser, folder):
    for width, height in ((1280, 800), (820, 1180), (390, 844)):
        for dark in (False, True):
            browser.window(width, height, dark)
            time.sleep(1)
            wide = browser.js("document.documentElement.scrollWidth")
            expect(wide <= width, f"the page is {wide} pixels wide in a window of {width}")
            browser.picture(f"{folder}/studio-{width}{'-dark' if dark else ''}.png")


def main():
    unet, folder = sys.argv[1:3]
    fox = "--firefox" in sys.argv
    path = (firefox if fox else chromium).find()
    if not path:
        print("skipped: there is no firefox; Debian's firefox-esr is one" if fox else
              "skipped: there is no chromium; scripts/setup.sh page installs it")
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    discs = make_images(f"{folder}/images")
    studio = Studio(unet, f"{folder}/images", f"{folder}/project")
    try:
        with (firefox.Firefox if fox else chromium.Browser)(path) as browser:
            browser.window(1280, 800)
            page = Page(browser, studio)
            try:
                first = walk(page, discs)
                if "--pictures" in sys.argv:
                    pose(browser, unet, folder, discs)
            except Failed:
                browser.picture(f"{folder}/failed.png")
                raise
            lost = [c for c in browser.complaints if "ERR_CONNECTION" not in c and "ERR_INCOMPLETE" not in c]
            expect(not lost, "the console says: " + "; ".join(lost))
        expect(studio.stop() == 0, "unet studio did not end well by Ctrl+C")
        print(f"the whole way in the page; first prediction {first:.1f} s after the last stroke")
        return 0
    except Failed as failure:
        print(f"studio_page: {failure}")
        return 1
    finally:
        if studio.process.poll() is None:
            studio.kill()


if __name__ == "__main__":
    sys.exit(main())
