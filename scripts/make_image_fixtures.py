#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fixtures/{nrrd,metaimage,zarr}: small images by the tools that people have.

Needs numpy, pynrrd, SimpleITK, zarr and ome-zarr; tests/image/test_volumes.c and test_zarr.c know
the values.
"""
import os
import shutil

import nrrd
import numcodecs
import numpy as np
import SimpleITK as sitk
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures"))
for folder in ("nrrd", "metaimage", "zarr"):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)

z, y, x, c = np.meshgrid(np.arange(2), np.arange(5), np.arange(7), np.arange(3), indexing="ij")
colours = (x + 10 * y + 50 * z + 100 * c).astype("u1")
grey = (300 * x + 2000 * y + 10000 * z).astype("u2")[..., 0]
nrrd.write("nrrd/rgb.nrrd", colours, {"encoding": "gzip", "kinds": ["RGB-color"] + 3 * ["domain"]},
           index_order="C")
nrrd.write("nrrd/big.nrrd", grey.astype(">u2"),
           {"encoding": "raw", "spacings": [0.5, 0.25, 2], "units": 3 * ["um"]}, index_order="C")
image = sitk.GetImageFromArray(grey)
image.SetSpacing((0.5, 0.25, 2))
image.SetOrigin((1, 2, 3))
sitk.WriteImage(image, "nrrd/itk.nrrd", True)
sitk.WriteImage(image, "metaimage/plain.mha", False)
sitk.WriteImage(image, "metaimage/detached.mhd", True)
sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), "metaimage/rgb.mha", True)

t, c, z, y, x = np.meshgrid(np.arange(2), np.arange(3), np.arange(2), np.arange(20), np.arange(30),
                            indexing="ij")
stack = (1000 * t + 300 * c + 100 * z + 3 * y + x).astype("u2")
kinds = {"t": "time", "c": "channel"}
for name, form, options in (
        ("two", FormatV04(), {"chunks": (1, 1, 2, 16, 16),
                              "compressor": numcodecs.Blosc(cname="lz4", shuffle=1)}),
        ("three", FormatV05(), {"chunks": (1, 3, 1, 8, 16), "shards": (2, 3, 2, 16, 32),
                                "compressors": zarr.codecs.ZstdCodec()})):
    write_image(stack, "zarr/%s.ome.zarr" % name, fmt=form, scale_factors=(2,),
                axes=[{"name": k, "type": kinds.get(k, "space")} for k in "tczyx"],
                scale={"t": 1, "c": 1, "z": 2, "y": 0.5, "x": 0.25},
                axes_units={k: "micrometer" for k in "zyx"}, storage_options=options)
