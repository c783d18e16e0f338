# SPDX-License-Identifier: Apache-2.0
"""The exceptions: one family, whose sentences are the library's."""

import re
import sys
import warnings


class Error(Exception):
    """What the library refused or could not do; the text is one line.

    hints: the arguments that would help, as words: ("labels",).
    """

    hints = ()


class ArgumentError(Error, ValueError):
    """An argument, or data that does not go together."""


class OutOfMemoryError(Error, MemoryError):
    """Not enough memory, or not enough allowed."""


class FileError(Error, OSError):
    """The operating system refused to open, read or write a file."""


class FormatError(Error, ValueError):
    """A file is not what it should be."""


class DeviceError(Error, RuntimeError):
    """The processor lacks something."""


class Stopped(Error):
    """Raise it in a progress function of train() to end the training in good order."""


class DataWarning(UserWarning):
    """Worth knowing, but no failure: how a file was read, samples of another type than the training's,
    what looks wrong with images and masks that are trained on."""


# in the order of unet_code, from 1
_kinds = [ArgumentError, OutOfMemoryError, FileError, FormatError, DeviceError, Stopped]

# the command's options in sentences of findings
_option = re.compile(r"--(labels|ignore|channels|fill|pair) |--(only-pairs|as-stored|keep-masks)\b")


def _argument(match):
    return match[1] + "=" if match[1] else match[2].replace("-", "_") + "=True"


# bits of unet_hints.h: the argument, and how it is said
_hints = {
    1: ("labels", "labels="),
    2: ("ignore", "ignore=255"),
    4: ("only_pairs", "only_pairs=True goes without them"),
    8: ("clip", "clip=1"),
    16: ("channels", 'channels="pages" if they are channels'),
    32: ("norm", 'norm="none" or norm="instance" says which'),
    64: ("fill", 'fill="nan" takes it as no data'),
    128: ("as_stored", "as_stored=True takes pixels as they lie in the files"),
    256: ("pair", "pair=(IMAGE, MASK), or a list of pairs"),
    4096: ("device", 'UNET_DEVICE in os.environ; unet_c.devices() lists what is there'),
    8192: ("tile", "tile=, and in training batch= and width=, make it smaller"),
}


def _hinted(text, hints):
    rows = [row for bit, row in _hints.items() if hints & bit]
    if rows:
        text += " (" + ", ".join(words for _, words in rows) + ")"
    return text, tuple(name for name, _ in rows)


def made(code, text, hints):
    """The exception for an error of the library; _core calls it."""
    text, names = _hinted(text, hints)
    error = _kinds[code - 1](text)
    error.hints = names
    return error


def heed(findings):
    """What a survey found: its first error is raised, warnings are warned of, three of a kind."""
    count = {}
    for error, kind, text, file, hints in findings:
        text = _option.sub(_argument, text)
        text, names = _hinted(f"{file}: {text}" if file else text, hints)
        if error:
            raised = ArgumentError(text)
            raised.hints = names
            raise raised
        count[kind] = count.get(kind, 0) + 1
        if count[kind] <= 3:
            note(text)
    more = sum(max(0, n - 3) for n in count.values())
    if more:
        note(f"and {more} more like these")


def note(text):
    """Warns of what the library noted, at the line that called the package; _core calls it."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].split(".")[0] in ("unet_c", "contextlib"):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, DataWarning, stacklevel=level)
