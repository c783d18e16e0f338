# SPDX-License-Identifier: Apache-2.0
"""Segments an image in napari: mask and numbered objects as layers; the key S does it again.

Usage: python napari_segment.py MODEL IMAGE   (pip install "napari[all]"; unet_c: docs/python.md)
"""
import sys

import napari
import unet_c


def segment(viewer, model):
    """Adds or renews the layers of what the model finds in the layer image; the table goes with objects."""
    image = viewer.layers["image"]
    ids, table = model.objects(image.data)
    for name, data in (("mask", model.predict(image.data)), ("objects", ids)):
        if name in viewer.layers:
            viewer.layers[name].data = data
        else:
            viewer.add_labels(data, name=name)
    # napari shows the row of features whose index is the number below the cursor
    viewer.layers["objects"].features = {"index": table["id"], **{c: table[c] for c in table.dtype.names}}


def main(model_path, image_path):
    model = unet_c.Model.load(model_path)
    viewer = napari.Viewer()
    pixels = unet_c.read_image(image_path).squeeze()  # of one channel: [height, width]
    viewer.add_image(pixels, name="image", rgb=pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    viewer.bind_key("s", lambda viewer: segment(viewer, model))  # again: the key S
    segment(viewer, model)
    napari.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
