# SPDX-License-Identifier: Apache-2.0
"""Predictions: the command's bits, any arrays, many calls, many threads."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest

import unet_c
from conftest import write_pgm


def test_same_bits_as_the_command(model, image, command, tmp_path):
    write_pgm(tmp_path / "image.pgm", image)
    model.save(tmp_path / "m.safetensors")
    command(
        *("predict", tmp_path / "m.safetensors", tmp_path / "image.pgm", "-o", tmp_path / "mask.tif"),
        *("--probabilities", tmp_path / "p.npy", "--logits", tmp_path / "l.npy", "--quiet"),
    )
    loaded = unet_c.Model.load(tmp_path / "m.safetensors")
    seen = unet_c.read_image(tmp_path / "mask.tif")  # a palette, as colours
    assert np.array_equal(loaded.colors[loaded.predict(image)], seen)
    assert np.array_equal(loaded.probabilities(image), np.load(tmp_path / "p.npy"))
    assert np.array_equal(loaded.logits(image), np.load(tmp_path / "l.npy"))
    # a path, and the array of it
    assert np.array_equal(loaded.predict(tmp_path / "image.pgm"), loaded.predict(image))
    assert np.array_equal(unet_c.read_image(tmp_path / "image.pgm")[..., 0], image)


def test_prepared_values_of_npy(model, image, command, tmp_path):
    values = (image / 255).astype(np.float32)
    np.save(tmp_path / "image.npy", values)
    model.save(tmp_path / "m.safetensors")
    command(
        *("predict", tmp_path / "m.safetensors", tmp_path / "image.npy", "-o", tmp_path / "mask.tif"),
        *("--logits", tmp_path / "l.npy", "--quiet"),
    )
    wanted = np.load(tmp_path / "l.npy")
    assert np.array_equal(model.logits(values, prepared=True), wanted)
    assert np.array_equal(model.logits(tmp_path / "image.npy"), wanted)


def variants(image):
    """The same samples in other clothes."""
    read_only = image.copy()
    read_only.setflags(write=False)
    padded = np.zeros((image.shape[0], 2 * image.shape[1]), image.dtype)
    padded[:, ::2] = image
    unaligned = np.frombuffer(b"x" + image.tobytes(), image.dtype, offset=1).reshape(image.shape)
    return {
        "read-only": read_only,
        "Fortran": np.asfortranarray(image),
        "every second": padded[:, ::2],
        "upside down twice": image[::-1].copy()[::-1],
        "mirrored twice": np.ascontiguousarray(image[:, ::-1])[:, ::-1],
        "channel": image[..., np.newaxis],
        "unaligned": unaligned,
        "big-endian": image.astype(image.dtype.newbyteorder(">")),
    }


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64, np.int32])
def test_any_strides(model, image, kind):
    image = image.astype(kind) * (257 if kind == np.uint16 else 1)
    wanted = model.logits(image)
    for name, variant in variants(image).items():
        assert np.array_equal(model.logits(variant), wanted), name


def test_any_type(model, image):
    floats = model.logits(image.astype(np.float32))
    for kind in (np.int16, np.int64, np.uint32, np.float16, np.float64):
        assert np.array_equal(model.logits(image.astype(kind)), floats), kind
    dark = image > 99
    assert np.array_equal(model.logits(dark), model.logits(dark.astype(np.uint8)))
    row = np.broadcast_to(image[0], image.shape)
    assert np.array_equal(model.logits(row), model.logits(row.copy()))


def test_batches(model, image):
    stack = np.stack([image, image[::-1], 255 - image])
    masks = model.predict(stack)
    assert masks.shape == stack.shape and masks.dtype == np.uint8
    for mask, one in zip(masks, stack):
        assert np.array_equal(mask, model.predict(one))
    assert np.array_equal(model.predict(stack[..., np.newaxis]), masks)
    assert model.probabilities(stack.reshape(3, 1, *image.shape)).shape == (3, 1, 2, *image.shape)
    several = model.predict([image, image[:50, :40]])
    assert [mask.shape for mask in several] == [(70, 90), (50, 40)]


def test_colours():
    model = unet_c.Model(in_channels=3, classes=4, width=4, depth=1, padding="same")
    assert model.channels == 3 and len(model.classes) == 4
    image = np.random.default_rng(0).random((20, 30, 3))
    assert model.predict(image).shape == (20, 30)
    assert np.allclose(model.probabilities(image).sum(0), 1, atol=1e-6)
    planar = np.ascontiguousarray(image.transpose(2, 0, 1))
    assert np.array_equal(model.predict(planar.transpose(1, 2, 0)), model.predict(image))


@pytest.mark.parametrize(
    "wrong, words",
    [
        (np.zeros((0, 5)), "at least one pixel"),
        (np.zeros((2, 0, 5)), "at least one pixel"),
        (np.zeros(5), "shape"),
        (np.float32(1), "shape"),
        (np.zeros((5, 5), complex), "numbers wanted"),
        (np.array([["a", "b"]]), "numbers wanted"),
        (np.array(None), "numbers wanted"),
        (np.full((9, 9), np.nan), "finite|nan"),
        (np.full((9, 9), 1e300), "finite|inf"),
        (np.zeros((20, 30, 3), np.uint8), r"shape \(20, 30, 3\): channels in the last axis"),
        (np.ma.masked_equal(np.eye(9), 1), "9 masked values"),
    ],
)
def test_wrong_arrays(model, wrong, words):
    with pytest.raises(unet_c.ArgumentError, match=words):
        model.predict(wrong)
    with pytest.raises(unet_c.Error):  # one family
        model.predict(wrong)


def test_arrays_that_only_look_wrong(model):
    narrow = np.zeros((20, 30, 3, 1), np.uint8)  # images three pixels wide
    assert model.predict(narrow).shape == (20, 30, 3)
    assert model.predict(np.ma.masked_array(np.eye(9), False)).shape == (9, 9)


def test_names_of_other_formats_are_not_given_to_models(model, tmp_path):
    for ending in (".onnx", ".pth", ".ZIP"):
        with pytest.raises(unet_c.ArgumentError, match="export"):
            model.save(tmp_path / ("m" + ending))
    assert not list(tmp_path.iterdir())


def test_wrong_channels():
    model = unet_c.Model(in_channels=3, width=2, depth=1, padding="same")
    for shape in [(20, 30), (20, 30, 4), (3, 20, 30)]:
        with pytest.raises(unet_c.ArgumentError, match="takes 3 channels"):
            model.predict(np.zeros(shape))


def test_out(model, image):
    out = np.empty(image.shape, np.uint8)
    assert model.predict(image, out=out) is out
    assert np.array_equal(out, model.predict(image))
    for wrong in (out[:-1], out.astype(int), out.T.copy().T, list(out)):
        with pytest.raises(unet_c.ArgumentError, match="out: "):
            model.predict(image, out=wrong)
    out.setflags(write=False)
    with pytest.raises(unet_c.ArgumentError, match="can be written"):
        model.predict(image, out=out)


def test_tiles_and_memory(model, tmp_path):
    """An array on disk in little memory: the bits of the whole."""
    large = np.memmap(tmp_path / "large", np.uint8, "w+", shape=(300, 500))
    large[:] = np.random.default_rng(2).integers(0, 256, large.shape)
    whole = model.predict(large, exact=True)
    assert np.array_equal(model.predict(large, exact=True, tile=64), whole)
    assert np.array_equal(model.predict(large, exact=True, memory="3M"), whole)
    with pytest.raises(unet_c.OutOfMemoryError, match="needed"):
        model.predict(large, memory=1000)
    shares = []
    model.predict(large, tile=64, progress=shares.append)
    assert len(shares) > 20 and shares == sorted(shares) and shares[-1] == 1


def test_whole_images_in_little_memory():
    model = unet_c.Model(width=8, depth=2, padding="same", norm="instance")
    with pytest.warns(unet_c.DataWarning, match="which are blended"):
        assert model.predict(np.eye(400), memory="8M").shape == (400, 400)


def test_options(model, image):
    assert np.allclose(model.probabilities(image, tta="flips").sum(0), 1, atol=1e-5)
    other = unet_c.Model(width=2, depth=2, padding="same", seed=9)
    both = model.probabilities(image, others=[other])
    mean = (model.probabilities(image) + other.probabilities(image)) / 2
    assert np.allclose(both, mean, atol=1e-5)
    with pytest.raises(unet_c.ArgumentError, match="no such option; threads?"):
        model.predict(image, thread=2)
    with pytest.raises(unet_c.ArgumentError, match='tta: found "flip", wanted none, flips or rot'):
        model.predict(image, tta="flip")
    with pytest.raises(unet_c.ArgumentError, match="threads: found 1.5"):
        model.predict(image, threads=1.5)


def test_threads_give_the_same_bits(model, image):
    images = [np.roll(image, i, 1) for i in range(8)]
    wanted = [model.logits(one) for one in images]
    wrong = []

    def work(i):
        for _ in range(20):
            if not np.array_equal(model.logits(images[i], threads=1 + i % 2), wanted[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_meanwhile(model):
    """While the library works in this thread, another one gets on: the tiles see it count."""
    counted = [0]
    done = threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    seen = []
    try:
        model.predict(np.zeros((256, 256)), tile=16, progress=lambda share: seen.append(counted[0]))
    finally:
        done.set()
        thread.join()
    assert len(set(seen)) > 1


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_thousands_of_calls_leak_nothing(model, tmp_path):
    small = np.zeros((16, 16), np.uint8)
    small[4:9, 4:9] = 1
    model.save(tmp_path / "m.safetensors")

    def round_of(calls):
        for _ in range(calls):
            model.predict(small, threads=1)
            model.probabilities(small.astype(">f8"), threads=1, progress=lambda share: None)
            unet_c.objects(small, small)
            with pytest.raises(unet_c.Error):
                model.predict(small, tta="x")
        for _ in range(calls // 10):
            unet_c.Model.load(tmp_path / "m.safetensors").predict(small)
            unet_c.evaluate(small, small, objects=True)

    round_of(100)
    before = resident()
    round_of(800)
    assert resident() - before < 4e6


def test_progress_may_raise(model, image):
    def fail(share):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        model.predict(image, tile=16, progress=fail)
    assert model.predict(image, tile=16).shape == image.shape


def test_keyboard_interrupt(model):
    """A signal that comes while the library works ends it."""

    def interrupt(share):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        model.predict(np.zeros((100, 100)), tile=16, progress=interrupt)
    timer = threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            model.predict(np.zeros((500, 500)), tile=64)
    timer.join()


def test_samples_of_another_type_are_a_warning(data):
    model = unet_c.train(data[0], data[1], steps=2, width=2, depth=1, tile=32, validation=0)
    wide = data[0][0].astype(np.uint16)
    calls = (lambda: model.predict(wide), lambda: model.evaluate([wide], data[1][:1]))
    for call in calls:
        with pytest.warns(unet_c.DataWarning, match="the model was trained on 8-bit samples") as told:
            call()
        assert told[0].filename == __file__  # the line that called
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(unet_c.DataWarning):
            model.predict(wide)
    with pytest.raises(unet_c.ArgumentError, match="the model was trained on 8-bit samples"):
        model.predict(data[0][0].astype(np.uint16), any_samples=False)
