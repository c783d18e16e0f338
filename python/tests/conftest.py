# SPDX-License-Identifier: Apache-2.0
"""What the tests share: a small model, generated images, the command."""

import os
import signal
import subprocess

import numpy as np
import pytest

import unet_c


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """A shell lets what it runs in the background ignore SIGINT, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def model():
    return unet_c.Model(width=4, depth=2, padding="same", seed=3)


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(0, 256, (70, 90), dtype=np.uint8)


def discs(count, side=64, seed=5):
    """Bright discs on noise: images uint8 [count, side, side] and masks of class 0 and 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    images, masks = [], []
    for _ in range(count):
        row, column = rng.integers(17, side - 17, 2)
        inside = (y - row) ** 2 + (x - column) ** 2 < 250
        masks.append(inside.astype(np.uint8))
        images.append((120 * inside + rng.integers(0, 60, (side, side))).astype(np.uint8))
    return np.array(images), np.array(masks)


@pytest.fixture(scope="session")
def data():
    return discs(6)


# what learns the discs whatever the seed, in a second
learns = {
    **{"width": 4, "depth": 1, "tile": 64, "norm": "batch", "batch": 4},
    **{"learning_rate": 0.005, "steps": 60, "validation": 0},
}


def write_pgm(path, array):
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (array.shape[1], array.shape[0]))
        file.write(np.ascontiguousarray(array, np.uint8).tobytes())


@pytest.fixture(scope="session")
def folders(tmp_path_factory, data):
    """The same data as folders of files; masks are 0 and 255."""
    base = tmp_path_factory.mktemp("data")
    for name, arrays in zip(("images", "masks"), (data[0], 255 * data[1])):
        (base / name).mkdir()
        for i, array in enumerate(arrays):
            write_pgm(base / name / f"{i}.pgm", array)
    return base / "images", base / "masks"


@pytest.fixture(scope="session")
def command():
    """Runs the command unet; its stdout."""
    path = os.environ.get("UNET_COMMAND", "")
    if not os.path.exists(path):
        pytest.skip("UNET_COMMAND does not say where the command is")

    def run(*arguments):
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
