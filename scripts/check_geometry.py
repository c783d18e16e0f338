#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What masks keep of their images, as other libraries see it.

Usage: check_geometry.py UNET   needs numpy, nibabel, rasterio, tifffile, ome-types, xmlschema

Images that these libraries write (OME-TIFF, NIfTI with sform, qform or both, GeoTIFF) are
predicted; place, sizes and types of the results must be those of the images, levels of pyramids
what the stated rule makes, and OME-XML valid by its schema.
"""
import os
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import ome_types
import rasterio
import tifffile
from rasterio.transform import Affine

UNET = os.path.abspath(sys.argv[1])
RNG = np.random.default_rng(1)
failed = 0


def check(name, same):
    global failed
    print("%-58s %s" % (name, "fine" if same else "DIFFERS"))
    failed += not same


def predict(*args):
    result = subprocess.run([UNET, "predict", "m.safetensors", *args], capture_output=True, text=True)
    if result.returncode:
        sys.exit("%s\n%s" % (" ".join(args), result.stderr))


def halved(array, mean):
    rest = ((0, array.shape[0] % 2), (0, array.shape[1] % 2)) + ((0, 0),) * (array.ndim - 2)
    a = np.pad(array, rest, mode="edge")
    four = np.stack([a[0::2, 0::2], a[0::2, 1::2], a[1::2, 0::2], a[1::2, 1::2]])
    if mean and array.dtype == np.uint8:
        return (four.astype(int).sum(0) + 2) // 4
    if mean:
        return four.astype(np.float64).mean(0)
    count = (four[:, None] == four[None]).sum(1)
    return np.take_along_axis(four, count.argmax(0)[None], 0)[0]


def pyramids():
    image = RNG.integers(0, 255, (1301, 1775), dtype=np.uint8)
    sizes = {"PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite("a.ome.tif", image, photometric="minisblack", metadata={"axes": "YX", **sizes}, ome=True)
    files = {"m.ome.tif": False, "o.ome.tif": True, "ids.tif": False, "p.ome.tif": True}
    predict("a.ome.tif", "-o", "m.ome.tif", "--overlay", "o.ome.tif", "--instances", "ids.tif",
            "--probabilities", "p.ome.tif", "--pyramid", "yes")
    for name, mean in files.items():
        with tifffile.TiffFile(name) as file:
            levels = [level.asarray() for level in file.series[0].levels]
            text = file.ome_metadata
        check(name + ": levels", [a.shape[:2] for a in levels] == [(1301, 1775), (651, 888), (326, 444)])
        check(name + ": their rule", all(np.allclose(halved(a, mean), b, atol=1e-6)
                                         for a, b in zip(levels, levels[1:])))
        if ".ome." in name:
            pixels = ome_types.from_xml(text, validate=True).images[0].pixels
            check(name + ": OME-XML", (pixels.physical_size_x, pixels.physical_size_y) == (0.325, 0.25)
                  and pixels.physical_size_x_unit.value == "µm")
    stack = RNG.integers(0, 255, (3, 700, 600), dtype=np.uint8)
    tifffile.imwrite("s.tif", stack, photometric="minisblack")
    predict("s.tif", "-o", "sm.ome.tif", "--pyramid", "yes")
    with tifffile.TiffFile("sm.ome.tif") as file:
        check("a stack", file.series[0].axes == "ZYX" and len(file.series[0].levels) == 2)


def times():
    """A hyperstack's planes of z and t, in another OME-TIFF and in a NIfTI."""
    stack = RNG.integers(0, 255, (2, 3, 40, 50), dtype=np.uint8)
    tifffile.imwrite("t.ome.tif", stack, photometric="minisblack", metadata={"axes": "TZYX"}, ome=True)
    tifffile.imwrite("j.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    for name in ("t.ome.tif", "j.tif"):
        predict(name, "-o", "tm.ome.tif")
        predict(name, "-o", "tm.nii.gz")
        with tifffile.TiffFile("tm.ome.tif") as file:
            series = file.series[0]
            planes = series.asarray()
            check(name + ": axes", series.axes == "TZYX" and series.shape == stack.shape)
        volume = np.asarray(nibabel.load("tm.nii.gz").dataobj)
        check(name + ": NIfTI", volume.shape == (50, 40, 3, 2) and np.array_equal(volume.T, planes))


def nifti():
    volume = RNG.integers(0, 255, (64, 72, 5), dtype=np.uint8)
    straight, sheared = np.diag([-0.5, 0.7, 2, 1]), np.eye(4)
    straight[:3, 3] = 12, -30.5, 7
    sheared[:3] = [-0.5, 0.1, 0, 12], [0.1, 0.7, 0, -30.5], [0, 0, 2, 7]
    for name, affine in (("qform", straight), ("sform", sheared), ("both", straight)):
        image = nibabel.Nifti1Image(volume, affine)
        image.header.set_xyzt_units("mm")
        image.set_qform(affine if name != "sform" else None, 1 if name != "sform" else 0)
        image.set_sform(affine if name != "qform" else None, 2 if name != "qform" else 0)
        nibabel.save(image, "v.nii.gz")
        predict("v.nii.gz", "-o", "w.nii.gz")
        mask = nibabel.load("w.nii.gz")
        code = 1 if name == "qform" else 2
        check("NIfTI, " + name, np.array_equal(mask.affine, nibabel.load("v.nii.gz").affine)
              and mask.shape == volume.shape and mask.get_data_dtype() == np.uint8
              and int(mask.header["sform_code"]) == code and mask.header.get_xyzt_units()[0] == "mm")


def geotiff():
    for name, place in (("north up", Affine(10, 0, 500000, 0, -10, 5200000)),
                        ("turned", Affine(8, 6, 500000, 6, -8, 5200000))):
        samples = RNG.integers(0, 3000, (1, 600, 800)).astype(np.int16)
        samples[:, :50] = -9999
        with rasterio.open("g.tif", "w", driver="GTiff", height=600, width=800, count=1, dtype="int16",
                           crs="EPSG:32633", transform=place, nodata=-9999) as file:
            file.write(samples)
        predict("g.tif", "-o", "gm.tif", "--pyramid", "yes")
        with rasterio.open("g.tif") as image, rasterio.open("gm.tif") as mask:
            check("GeoTIFF, " + name, image.crs == mask.crs and image.transform == mask.transform
                  and mask.nodata is None and mask.dtypes == ("uint8",) and mask.overviews(1) == [2])


os.chdir(tempfile.mkdtemp())
subprocess.run([UNET, "init", "-o", "m.safetensors", "--width", "4", "--depth", "2", "--padding", "same",
                "--seed", "1", "--quiet"], check=True)
pyramids()
times()
nifti()
geotiff()
sys.exit(failed != 0)
