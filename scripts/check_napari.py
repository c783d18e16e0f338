# SPDX-License-Identifier: Apache-2.0
"""What unet predict writes, opened as napari and Fiji open it: docs/napari-fiji.md says what is checked here.

Usage: check_napari.py UNET FOLDER EXAMPLE   needs numpy, roifile, tifffile, pandas; napari and unet_c where they are
"""
import os
import runpy
import subprocess
import sys
import zipfile

import numpy as np
import pandas
import roifile
import tifffile

UNET, FOLDER, EXAMPLE = (os.path.abspath(a) for a in sys.argv[1:4])
failed = 0


def check(what, right):
    global failed
    if not right:
        print("check_napari:", what)
        failed += 1


def filled(roi, shape):
    """The pixels whose centres lie inside rings [n][x, y] of ImageJ, whose 0, 0 is a corner, by even and odd."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for ring in roi.coordinates(multi=True):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, 0)):
            if y0 != y1:
                inside ^= ((y0 <= y) != (y1 <= y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def outlines(path):
    """(number, region) of each: in the zip a region has the name of its file, as ImageJ takes it."""
    with zipfile.ZipFile(path) as file:
        return [(int(name[:-4]), roifile.ImagejRoi.frombytes(file.read(name))) for name in file.namelist()]


def unet(*arguments):
    subprocess.run([UNET, *arguments], check=True, stdout=subprocess.DEVNULL)


def make():
    """Discs and rings, some of which touch the edge, learnt in seconds."""
    os.makedirs("images", exist_ok=True)
    os.makedirs("masks", exist_ok=True)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :120]
    for i in range(6):
        mask = np.zeros(y.shape, np.uint8)
        for _ in range(7):
            row, column, radius = rng.integers(0, 96), rng.integers(0, 120), rng.integers(5, 11)
            distance = (y - row) ** 2 + (x - column) ** 2
            mask |= (distance < radius**2) & (distance >= 9 * (radius > 8))
        image = (150 * mask + rng.integers(0, 60, mask.shape)).astype(np.uint8)
        resolution = {"resolution": (2e4, 2e4), "resolutionunit": 3}  # half a micrometre
        tifffile.imwrite(f"images/{i}.tif", image, **resolution)
        tifffile.imwrite(f"masks/{i}.tif", mask * 255)
    unet("train", "--images", "images", "--masks", "masks", "-o", "cells", "--width", "4", "--depth", "2",
         "--steps", "60", "--quiet", "--overwrite")
    unet("predict", "cells", "images/0.tif", "-o", "mask.tif", "--instances", "objects.tif",
         "--measure", "objects.csv", "--rois", "objects.zip", "--min-area", "20", "--keep-holes", "--quiet")


def check_files():
    ids, mask = tifffile.imread("objects.tif"), tifffile.imread("mask.tif")
    table, rois = pandas.read_csv("objects.csv"), outlines("objects.zip")
    check(f"the mask is {mask.dtype} {mask.shape}", mask.dtype == np.uint8 and mask.shape == (96, 120))
    check(f"objects are {ids.dtype}", ids.dtype == np.uint16 and ids.max() > 2)
    numbers = np.unique(ids[ids > 0]).tolist()
    check("numbers in the table are others than in the image", table["id"].tolist() == numbers)
    check("names of outlines are others", [number for number, roi in rois] == numbers)
    areas = np.bincount(ids.ravel())[1:]
    check("areas are others", (table["area_px"] == areas).all())
    check("areas in um2 are none or others", np.allclose(table["area_um2"], areas * 0.25))
    check("no object has a hole", any(len(roi.coordinates(multi=True)) > 1 for number, roi in rois))
    for number, roi in rois:
        same = filled(roi, ids.shape) == (ids == number)
        check(f"the outline {number} has other pixels: {np.sum(~same)}", same.all())
    for number, row, column in zip(table["id"], table["centroid_y_px"], table["centroid_x_px"]):
        where = np.argwhere(ids == number).mean(0)
        check(f"the centroid of {number}", np.allclose(where, (row, column), atol=1e-6))
    for name in ("objects.tif", "mask.tif"):
        with tifffile.TiffFile(name) as file:
            up, down = file.pages[0].tags["XResolution"].value
            check(f"{name} does not keep the pixels' size", np.isclose(up / down, 2e4, rtol=1e-3))


def check_napari():
    """With napari's viewer without its window, which would want OpenGL."""
    try:
        import napari
        import npe2
        from napari.components import ViewerModel
    except ImportError:
        print("check_napari: no napari here: its part was not tried")
        return
    npe2.PluginManager.instance().discover()  # napari's own readers
    viewer = ViewerModel()
    for name in ("mask", "objects"):
        (layer,) = viewer.open(f"{name}.tif", layer_type="labels", plugin="napari")
        check(f"{name} is {type(layer).__name__}", type(layer).__name__ == "Labels")
    table = pandas.read_csv("objects.csv")
    layer.features = table.rename(columns={"id": "index"})
    y, x = np.argwhere(layer.data == 2)[0]
    status = str(layer.get_status((y, x)))
    check(f"the object's row is not shown: {status}", f"area_px: {table['area_px'][1]}" in status)
    whole = [roi for number, roi in outlines("objects.zip") if len(roi.coordinates(multi=True)) == 1]
    shapes = viewer.add_shapes([roi.coordinates()[:, ::-1] - 0.5 for roi in whole], shape_type="polygon")
    painted = shapes.to_labels(layer.data.shape) > 0
    wanted = np.any([filled(roi, painted.shape) for roi in whole], 0)
    check("outlines as shapes are others", np.mean(painted != wanted) < 0.02)  # napari paints the edge, too

    try:
        import unet_c
    except ImportError:
        print("check_napari: no unet_c here: the example was not tried")
        return
    napari.Viewer, napari.run = lambda: viewer, lambda: None
    viewer.layers.clear()
    runpy.run_path(EXAMPLE)["main"]("cells/best.safetensors", "images/0.tif")
    layers = viewer.layers
    check("the example's layers", [layer.name for layer in layers] == ["image", "mask", "objects"])
    mask = layers["mask"].data.copy()
    check("the example's mask is not the command's", (mask == tifffile.imread("mask.tif")).all())
    layers["mask"].data = mask * 0
    (key,) = viewer.keymap.values()
    key(viewer)
    check("the example's key does not make the mask again", (layers["mask"].data == mask).all())
    check("the example's table", len(layers["objects"].features) == layers["objects"].data.max())


os.makedirs(FOLDER, exist_ok=True)
os.chdir(FOLDER)
make()
check_files()
check_napari()
print("check_napari:", "failed" if failed else "all as docs/napari-fiji.md says")
sys.exit(bool(failed))
