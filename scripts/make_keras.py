#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/keras: small U-Nets as Keras and tf2onnx save them, and what Keras answers.

Run by hand:  python3 scripts/make_keras.py
(needs tensorflow-cpu, which brings keras; tf-keras, tf2onnx, h5py, safetensors)

What is there is left as it is.  expect.safetensors has NAME.image [H][W][C], of samples as they are
in files, and NAME.logits [h][w][K], which Keras computes before the last activation.  INDEX.tsv has
a line for each file: the name of its expected arrays, or what is refused.
"""
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy
import onnx
import tensorflow
import tf2onnx
import tf_keras
from safetensors.numpy import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "keras"


def unet(api, channels=1, classes=3, width=2, depth=2, norm=None, scale=None, up="transpose",
         padding="same", act="relu", size=(None, None), head="softmax", crop=None, code=False):
    """api: keras or tf_keras."""
    layers = api.layers

    def active(x):
        if act == "leaky":
            return layers.LeakyReLU(0.2)(x)
        return layers.ReLU()(x) if act == "layer" else layers.Activation(act)(x)

    def block(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding=padding, use_bias=norm is None)(x)
            if norm == "batch":
                x = layers.BatchNormalization()(x)
            elif norm == "group":
                x = layers.GroupNormalization(2, epsilon=1e-3)(x)
            x = active(x)
        return x

    image = layers.Input(size + (channels,), name="image")
    x = layers.Lambda(lambda v: v / 255)(image) if code else image
    if scale:
        x = layers.Rescaling(scale[0], offset=scale[1])(x)
    skips = []
    for d in range(depth):
        x = block(x, width << d)
        skips.append(x)
        x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Dropout(0.5)(block(x, width << depth))
    for d in reversed(range(depth)):
        if up == "transpose":
            x = layers.Conv2DTranspose(width << d, 2, strides=2, padding=padding)(x)
        else:
            x = layers.UpSampling2D((2, 2), interpolation=up[0])(x)
            x = layers.Conv2D(width << d, up[1], padding="same", activation=up[2])(x)
        skip = layers.Cropping2D(crop[d])(skips[d]) if crop else skips[d]
        x = block(layers.concatenate([skip, x]), width << d)
    x = layers.Conv2D(classes, 1, activation=head, name="answer")(x)
    return api.Model(image, x)


def fill(model, seed):
    rng = numpy.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for w in layer.weights:
            name = w.name.split("/")[-1].split(":")[0]
            shape = tuple(w.shape)
            if name == "kernel":
                taps = 1 if "transpose" in layer.name else shape[0] * shape[1]
                fan = taps * shape[-1 if "transpose" in layer.name else -2]
                v = rng.normal(0, (2 / fan) ** 0.5, shape)
            elif name in ("gamma", "moving_variance"):
                v = rng.uniform(0.5, 1.5, shape)
            else:
                v = rng.normal(0, 0.2, shape)
            values.append(v.astype(numpy.float32))
        if values:
            layer.set_weights(values)


def answers(model, image):
    """Of a model whose last layer has an activation, what comes before it."""
    last = model.layers[-1]
    kept, last.activation = last.activation, None
    last.activation = lambda x: x
    logits = numpy.asarray(model(image[None].astype(numpy.float32), training=False))[0]
    last.activation = kept
    return logits


def as_onnx(model, path, end=None):
    size = tuple(model.inputs[0].shape)[1:]

    @tensorflow.function(input_signature=[
        tensorflow.TensorSpec((None,) + size, tensorflow.float32, name="image")])
    def run(x):
        y = model(x, training=False)
        if end == "argmax":
            return tensorflow.argmax(y, axis=-1)
        return tensorflow.cast(y > 0.5, tensorflow.float32) if end == "threshold" else y
    made, _ = tf2onnx.convert.from_function(run, input_signature=run.input_signature, opset=13)
    onnx.save(made, path)


UP2 = ("nearest", 2, "relu")
CASES = {  # name: (api, arguments, image sides, files)
    "batch": (keras, dict(norm="batch", scale=(1 / 127.5, -1.0)), (12, 16),
              ["batch.h5", "batch.keras", "batch.onnx", "batch_argmax.onnx"]),
    "sized": (keras, dict(norm="batch", channels=3, size=(12, 16)), (12, 16), ["sized.onnx"]),
    "up2": (keras, dict(up=UP2, classes=1, head="sigmoid"), (16, 12),
            ["up2.h5", "up2.keras", "up2.onnx", "up2_threshold.onnx"]),
    "bilinear": (keras, dict(up=("bilinear", 3, "leaky_relu"), act="leaky", norm="group", depth=1,
                             width=4), (10, 12), ["bilinear.keras"]),
    "valid": (keras, dict(padding="valid", crop=[16, 4], act="layer"), (44, 48), ["valid.h5"]),
    "old": (tf_keras, dict(norm="batch", scale=(1 / 255, 0.0)), (12, 16), ["old.h5", "old.onnx"]),
    "old_up2": (tf_keras, dict(up=UP2, classes=1, head="sigmoid"), (16, 12),
                ["old_up2.h5", "old_up2.onnx"]),
}
REFUSED = {"lambda.h5": "layer lambda (Lambda): a layer of Python code, and none is ever run",
           "lambda.keras": "layer lambda (Lambda): a layer of Python code, and none is ever run",
           "weights.weights.h5": "HDF5 without the network of a Keras model",
           "elu.h5": "the activation elu, wanted relu or leaky_relu",
           "twice.h5": "is used 2 times, wanted once"}


def save(model, path, name):
    if path.suffix == ".onnx":
        as_onnx(model, path, "argmax" if "argmax" in name else
                "threshold" if "threshold" in name else None)
    elif path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)


def refused(name):
    if name.startswith("lambda"):
        return unet(keras, depth=1, code=True)
    if name.startswith("elu"):
        return unet(keras, depth=1, act="elu")
    if name.startswith("twice"):
        image = keras.layers.Input((None, None, 1))
        shared = keras.layers.Conv2D(1, 3, padding="same")
        return keras.Model(image, shared(shared(image)))
    return unet(keras, depth=1)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "expect.safetensors"
    expect = load_file(path) if path.exists() else {}
    rows = []
    for seed, (name, (api, fields, size, files)) in enumerate(CASES.items()):
        rows += [(file, name) for file in files]
        if all((FOLDER / file).exists() for file in files) and f"{name}.image" in expect:
            continue
        api.backend.clear_session()
        model = unet(api, **fields)
        fill(model, seed)
        rng = numpy.random.default_rng(100 + seed)
        image = rng.uniform(0, 255 if fields.get("scale") else 1,
                            size + (fields.get("channels", 1),)).astype(numpy.float32)
        for file in files:
            save(model, FOLDER / file, file)
        expect[f"{name}.image"] = image
        expect[f"{name}.logits"] = numpy.ascontiguousarray(answers(model, image))
    for file, why in REFUSED.items():
        rows.append((file, "! " + why))
        if not (FOLDER / file).exists():
            keras.backend.clear_session()
            save(refused(file), FOLDER / file, file)
    save_file(expect, path)
    (FOLDER / "INDEX.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows))
    for made in FOLDER.iterdir():
        made.chmod(0o644)
    print(f"{len(rows)} files, {sum(p.stat().st_size for p in FOLDER.iterdir())} bytes")


if __name__ == "__main__":
    main()
