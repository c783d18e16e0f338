# SPDX-License-Identifier: Apache-2.0
"""A headless Firefox that a test drives: its own protocol (Marionette) over a socket, nothing else.

Only the standard library, and a browser (Debian: firefox-esr).  It is used as browser.py's Chromium is.
"""
import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from browser import Failed, Window

NAMES = ("firefox-esr", "firefox")
KEYS = {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015",
        "Enter": "\ue007", "Escape": "\ue00c"}
CONTROL, SHIFT = "\ue009", "\ue008"
PREFERENCES = {
    "marionette.port": 0,  # any that is free; it stands in the profile then
    "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0, "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False, "app.update.enabled": False, "extensions.update.enabled": False,
    "app.normandy.enabled": False, "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
}


def find():
    """The browser's path, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Firefox(Window):
    """One window.  Use it in a `with`."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="unet-browser-")
        self.complaints = []  # what the page says of errors, see open()
        with open(f"{self.profile}/user.js", "w") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.process = subprocess.Popen([path, "--headless", "--marionette", "--no-remote", "--profile", self.profile],
                                        env={**os.environ, "HOME": self.profile},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket, self.text, self.number = None, b"", 0
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise

    def _connect(self):
        until = time.monotonic() + 90
        while not self.socket:
            try:
                with open(f"{self.profile}/MarionetteActivePort") as file:
                    self.socket = socket.create_connection(("127.0.0.1", int(file.read())), 60)
            except (OSError, ValueError):
                if time.monotonic() > until or self.process.poll() is not None:
                    raise Failed("the browser does not start") from None
                time.sleep(.1)
        self._message()
        self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {}})

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self):
        """A message is its length, a colon, and JSON."""
        while True:
            size, colon, rest = self.text.partition(b":")
            if colon and len(rest) >= int(size):
                self.text = rest[int(size):]
                return json.loads(rest[:int(size)])
            part = self.socket.recv(1 << 20)
            if not part:
                raise Failed("the browser ended")
            self.text += part

    def call(self, method, **params):
        """One command of the protocol; its result."""
        self.number += 1
        data = json.dumps([0, self.number, method, params]).encode()
        self.socket.sendall(b"%d:" % len(data) + data)
        _, _, error, result = self._message()
        if error:
            raise Failed(f"{method}: {error['message']}")
        return result

    def open(self, address):
        self.call("WebDriver:Navigate", url="about:blank")  # another fragment alone would not load it anew
        self.call("WebDriver:Navigate", url=address)
        self.js("(window.complaints = [], ['error', 'unhandledrejection'].forEach(name => addEventListener(name,"
                " e => complaints.push(String(e.reason ?? e.message)))))")

    def js(self, expression):
        # the page's own rules forbid eval, so the expression stands in the script itself
        script = ("const done = arguments[arguments.length - 1], {studio} = window;"
                  "(async () => (%s))().then(value => done({value, complaints: window.complaints?.splice(0)}),"
                  " error => done({error: String(error)}));" % expression)
        value = self.call("WebDriver:ExecuteAsyncScript", script=script, args=[], sandbox=None,
                          newSandbox=False)["value"]
        if "error" in value:
            raise Failed(f"{expression}: {value['error']}")
        self.complaints += value.get("complaints") or []
        return value.get("value")

    def _perform(self, kind, actions, **more):
        self.call("WebDriver:PerformActions", actions=[{"type": kind, "id": kind, "actions": actions, **more}])

    def drag(self, points):
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0} for x, y in points]
        self._perform("pointer", [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:],
                                  {"type": "pointerUp", "button": 0}], parameters={"pointerType": "mouse"})

    def pinch(self, place, by):
        x, y = map(round, place)

        def finger(name, side, wait):
            return {"type": "pointer", "id": name, "parameters": {"pointerType": "touch"}, "actions": [
                {"type": "pointerMove", "x": x + 20 * side, "y": y, "duration": 0}, *[{"type": "pause"}] * wait,
                {"type": "pointerDown", "button": 0}, *[{"type": "pause"}] * (1 - wait),
                {"type": "pointerMove", "x": x + (20 + by) * side, "y": y, "duration": 200},
                {"type": "pointerUp", "button": 0}]}
        self.call("WebDriver:PerformActions", actions=[finger("one", -1, 0), finger("two", 1, 1)])

    def key(self, key, ctrl=False, shift=False):
        held = [CONTROL] * ctrl + [SHIFT] * shift
        value = KEYS.get(key, key)
        self._perform("key", [*({"type": "keyDown", "value": k} for k in held), {"type": "keyDown", "value": value},
                              {"type": "keyUp", "value": value}, *({"type": "keyUp", "value": k} for k in held[::-1])])

    def window(self, width, height, dark=False):
        """The window with its frame: the page is a little smaller."""
        self.call("WebDriver:SetWindowRect", width=width, height=height)

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("WebDriver:TakeScreenshot", full=False)["value"]))
