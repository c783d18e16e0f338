# SPDX-License-Identifier: Apache-2.0
"""U-Nets that are trained on your own images and segment new ones: NumPy in, NumPy out.

    import unet_c

    model = unet_c.train(images, masks, seconds=60)
    mask = model.predict(image)
"""

from . import _core
from ._arrays import read_image
from ._errors import (
    ArgumentError,
    DataWarning,
    DeviceError,
    Error,
    FileError,
    FormatError,
    OutOfMemoryError,
    Stopped,
)
from ._make import convert, train
from ._model import Model
from ._objects import Objects, objects
from ._scores import evaluate
from ._train import Progress

__version__ = _core.version
IGNORE = _core.IGNORE
has = _core.has
isa = _core.isa
devices = _core.devices

__all__ = [
    "ArgumentError",
    "DataWarning",
    "DeviceError",
    "Error",
    "FileError",
    "FormatError",
    "IGNORE",
    "Model",
    "Objects",
    "OutOfMemoryError",
    "Progress",
    "Stopped",
    "convert",
    "devices",
    "evaluate",
    "has",
    "isa",
    "objects",
    "read_image",
    "train",
]
