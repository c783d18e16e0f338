# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that a test drives: Chrome's DevTools protocol over two pipes, nothing else.

Only the standard library, and a browser (Debian: chromium).  See studio_page.py for its use.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find():
    """The browser's path, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Failed(Exception):
    """What was expected of the page did not come."""


class Window:
    """What every browser does in the same way, by js() and drag()."""

    def __enter__(self):
        return self

    def wait(self, expression, seconds=20, what=None):
        """Waits until it is true, and gives its value."""
        until = time.monotonic() + seconds
        while True:
            try:
                value = self.js(expression)
            except Failed:  # the page is being loaded
                value = None
            if value:
                return value
            if time.monotonic() > until:
                raise Failed(f"after {seconds} s: {what or expression}")
            time.sleep(.05)

    def click(self, selector):
        """Presses a button, with the mouse where it is."""
        box = self.js(f"(e => {{ e.scrollIntoView({{block: 'nearest'}}); const b = e.getBoundingClientRect();"
                      f" return [b.x + b.width / 2, b.y + b.height / 2] }})(document.querySelector({selector!r}))")
        self.drag([box])


class Browser(Window):
    """One window.  Use it in a `with`."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="unet-browser-")
        ours, theirs = os.pipe(), os.pipe()  # we write into ours, and read from theirs

        def place():
            # the browser reads at 3 and writes at 4; neither may be lost when the other is put there
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            spare = [os.dup(read), os.dup(write)]
            while min(spare) < 5:
                spare = [os.dup(spare[0]), os.dup(spare[1])]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        flags = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                 f"--user-data-dir={self.profile}", "about:blank"]
        if os.geteuid() == 0:
            flags.insert(0, "--no-sandbox")
        self.process = subprocess.Popen([path, *flags], preexec_fn=place, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = ours[1], theirs[0]
        self.text, self.number, self.session = b"", 0, None
        self.complaints = []  # what the page's console says of errors
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for fd in (self.write, self.read):
            os.close(fd)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.text:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise Failed("the browser does not answer")
            part = os.read(self.read, 1 << 20)
            if not part:
                raise Failed("the browser ended")
            self.text += part
        message, self.text = self.text.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        """One command of the protocol; its result."""
        self.number += 1
        what = {"id": self.number, "method": method, "params": params}
        if self.session:
            what["sessionId"] = self.session
        data = json.dumps(what).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        until = time.monotonic() + 60
        while True:
            answer = self._message(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event):
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def open(self, address):
        self.call("Page.navigate", url="about:blank")  # another fragment alone would not load it anew
        self.call("Page.navigate", url=address)

    def js(self, expression):
        """The value of an expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failed(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def mouse(self, kind, x, y, button="left", **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1, **more)

    def drag(self, points, **more):
        """Presses at the first point, moves through all, and releases."""
        self.mouse("mouseMoved", *points[0], button="none")
        self.mouse("mousePressed", *points[0], buttons=1, **more)
        for point in points[1:]:
            self.mouse("mouseMoved", *point, buttons=1, **more)
        self.mouse("mouseReleased", *points[-1], **more)

    def pinch(self, place, by):
        """Two fingers, one after the other, that part to the left and right by so many pixels each."""
        def touch(kind, *points):
            self.call("Input.dispatchTouchEvent", type=kind,
                      touchPoints=[{"x": x, "y": place[1], "id": i} for i, x in enumerate(points)])
        left, right = place[0] - 20, place[0] + 20
        touch("touchStart", left)
        touch("touchStart", left, right)
        for k in range(1, 6):
            touch("touchMove", left - by * k / 5, right + by * k / 5)
        touch("touchEnd")

    def key(self, key, ctrl=False, shift=False):
        code = {"code": f"Key{key.upper()}"} if len(key) == 1 and key.isalpha() else {}
        modifiers = 2 * ctrl + 8 * shift
        text = {} if ctrl or len(key) > 1 else {"text": key}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, **code)

    def window(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
