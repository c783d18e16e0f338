# SPDX-License-Identifier: Apache-2.0
"""Segments an image in napari: the image, its mask and its numbered objects as layers, and a button to do it again.

Usage: python napari_segment.py MODEL IMAGE   (pip install "napari[all]", and unet_c: docs/python.md)
"""
import sys

import napari
import unet_c
from magicgui import magicgui


def segment(viewer, model, image):
    """Adds or renews the layers of what the model finds in the image layer; the table goes with the objects."""
    ids, table = model.objects(image.data)
    place = {"scale": image.scale[-2:], "translate": image.translate[-2:]}
    for name, data in (("mask", model.predict(image.data)), ("objects", ids)):
        if name in viewer.layers:
            viewer.layers[name].data = data
        else:
            viewer.add_labels(data, name=name, **place)
    # napari shows a column of features beside the object below the cursor
    features = {column: table[column] for column in table.dtype.names}
    viewer.layers["objects"].features = {"index": features["id"], **features}
    return viewer.layers["objects"]


def main(model_path, image_path):
    model = unet_c.Model.load(model_path)
    viewer = napari.Viewer()
    pixels = unet_c.read_image(image_path)
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    viewer.add_image(pixels, name="image", rgb=pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    button = magicgui(lambda: segment(viewer, model, viewer.layers["image"]), call_button="Segment")
    viewer.window.add_dock_widget(button, name="unet")
    segment(viewer, model, viewer.layers["image"])
    napari.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
