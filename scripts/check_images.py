#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images that other libraries write, sample by sample.

Usage: check_images.py BUILD PART...   the folder with libunet.so and unet; PART: volumes

volumes   NRRD by pynrrd, NRRD and MetaImage by SimpleITK: every type, byte order, packing and kind of
          axis; places of pixels as SimpleITK has them in NIfTI
"""
import ctypes as C
import os
import subprocess
import sys
import tempfile

import numpy as np

BUILD = os.path.abspath(sys.argv[1])
LIB = C.CDLL(os.path.join(BUILD, "libunet.so"))
RNG = np.random.default_rng(7)
failed = checked = 0


class Error(C.Structure):
    _fields_ = [("code", C.c_int), ("text", C.c_char * 504), ("hints", C.c_uint)]


class Page(C.Structure):
    _fields_ = [("height", C.c_int), ("width", C.c_int), ("channels", C.c_int), ("sample", C.c_int),
                ("prepared", C.c_int), ("pixel_height", C.c_double), ("pixel_width", C.c_double),
                ("unit", C.c_char * 8), ("reading_bytes", C.c_uint64)]


def check(name, same, why=""):
    global failed, checked
    checked += 1
    if not same:
        failed += 1
        print("%s DIFFERS %s" % (name, why))


def read(path):
    """The pages [page][height][width][channels] as the library has them, the first page, the note."""
    source, err, page = C.c_void_p(), Error(), Page()

    def must(code):
        if code:
            raise ValueError(err.text.decode())
    must(LIB.unet_source_open(path.encode(), C.byref(source), C.byref(err)))
    try:
        LIB.unet_source_note.restype = C.c_char_p
        pages, note = [], LIB.unet_source_note(source).decode()
        for i in range(LIB.unet_source_pages(source)):
            must(LIB.unet_source_page(source, i, C.byref(page), C.byref(err)))
            array = np.empty((page.height, page.width, page.channels),
                             [np.uint8, np.uint16, np.float32][page.sample])
            half = page.height // 2  # in two bands, the lower one first
            for top, rows in ((half, page.height - half), (0, half)):
                if rows:
                    band = array[top:top + rows]
                    must(LIB.unet_source_read_part(
                        source, i, top, 0, rows, page.width,
                        band.ctypes.data_as(C.c_void_p), C.byref(err)))
            pages.append(array)
        return np.stack(pages), page, note
    finally:
        LIB.unet_source_close(source)


def same(name, path, want):
    """want: [page][height][width][channels]"""
    try:
        got = read(path)[0]
    except ValueError as error:
        return check(name, False, str(error))
    fits = got.shape == want.shape and np.array_equal(got.astype(np.float32), want.astype(np.float32))
    check(name, fits, "%s, wanted %s" % (got.shape, want.shape))


def refused(name, path, words):
    try:
        read(path)
        check(name, False, "is read")
    except ValueError as error:
        check(name, words in str(error), str(error))


TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


def samples(shape, dtype):
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return RNG.normal(size=shape).astype(kind)
    info = np.iinfo(kind)
    return RNG.integers(info.min, info.max, size=shape, dtype=kind.newbyteorder("="),
                        endpoint=True).astype(kind)


def check_nrrd(folder):
    import nrrd
    path = os.path.join(folder, "a.nrrd")
    for dtype in TYPES:
        for order in "<>":
            for encoding in ("raw", "gzip"):
                a = samples((4, 9, 7), order + dtype)  # z, y, x
                header = {"encoding": encoding}
                nrrd.write(path, a, header, index_order="C")
                same("nrrd %s%s %s" % (order, dtype, encoding), path, a[..., None])
    a = samples((9, 7), "u2")
    nrrd.write(path, a, {"spacings": [0.5, 0.25], "units": ["mm", "mm"]}, index_order="C")
    same("nrrd 2D", path, a[None, ..., None])
    page = read(path)[1]
    check("nrrd spacings", (page.pixel_width, page.pixel_height, page.unit) == (0.5, 0.25, b"mm"),
          "%s x %s %s" % (page.pixel_width, page.pixel_height, page.unit))
    for encoding in ("raw", "gzip"):
        a = samples((5, 9, 7, 3), "u1")
        nrrd.write(path, a, {"encoding": encoding, "kinds": ["RGB-color", "domain", "domain", "domain"]},
                   index_order="C")
        same("nrrd RGB first " + encoding, path, a)
        b = np.ascontiguousarray(np.moveaxis(a, 3, 0))
        nrrd.write(path, b, {"encoding": encoding, "kinds": ["domain", "domain", "domain", "vector"]},
                   index_order="C")
        same("nrrd vector last " + encoding, path, a)
        b = np.ascontiguousarray(np.moveaxis(a, 3, 1))
        nrrd.write(path, b, {"encoding": encoding, "kinds": ["domain", "domain", "vector", "domain"]},
                   index_order="C")
        same("nrrd vector between " + encoding, path, a)
        nrrd.write(os.path.join(folder, "b.nhdr"), a[..., 0].copy(), {"encoding": encoding},
                   index_order="C", detached_header=True)
        same("nhdr " + encoding, os.path.join(folder, "b.nhdr"), a[..., :1])
    a = samples((40, 30, 3), "u1")
    nrrd.write(path, a, index_order="C")
    same("nrrd colours by their looks", path, a[None])
    check("nrrd note", "3 channels" in read(path)[2])
    for encoding in ("ascii", "bzip2"):
        nrrd.write(path, a, {"encoding": encoding}, index_order="C")
        refused("nrrd " + encoding, path, "raw or gzip wanted")


def check_itk(folder):
    import SimpleITK as sitk
    for ending in ("mha", "mhd", "nrrd", "nhdr"):
        for packed in (False, True):
            path = os.path.join(folder, "i." + ending)
            for dtype in TYPES:
                a = samples((4, 9, 7), dtype)
                sitk.WriteImage(sitk.GetImageFromArray(a), path, packed)
                same("%s %s %s" % (ending, dtype, packed), path, a[..., None])
            a = samples((9, 7, 3), "u1")
            sitk.WriteImage(sitk.GetImageFromArray(a, isVector=True), path, packed)
            same("%s RGB %s" % (ending, packed), path, a[None])
            a = samples((4, 9, 7, 2), "f4")
            sitk.WriteImage(sitk.GetImageFromArray(a, isVector=True), path, packed)
            same("%s vectors %s" % (ending, packed), path, a)
            check_place(sitk, folder, path, packed)


def check_place(sitk, folder, path, packed):
    """Where the pixels lie, and NIfTI of the same image: unet has to find that they fit."""
    image = sitk.GetImageFromArray(samples((6, 24, 20), "u1"))
    image.SetSpacing((0.5, 0.75, 2))
    image.SetOrigin((10, -20, 30))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, path, packed)
    page = read(path)[1]
    check("sizes of " + path, (page.pixel_width, page.pixel_height, page.unit) == (0.5, 0.75, b"mm"),
          "%s x %s %s" % (page.pixel_width, page.pixel_height, page.unit))
    for turned in (False, True):
        images, masks = (os.path.join(folder, name) for name in ("images", "masks"))
        for name in (images, masks):
            os.makedirs(name, exist_ok=True)
            for file in os.listdir(name):
                os.unlink(os.path.join(name, file))
        sitk.WriteImage(image, os.path.join(images, "a" + os.path.splitext(path)[1]), packed)
        mask = sitk.Cast(image > 100, sitk.sitkUInt8)
        if turned:
            mask = sitk.DICOMOrient(mask, "RAS")
        sitk.WriteImage(mask, os.path.join(masks, "a.nii.gz"))
        result = subprocess.run([os.path.join(BUILD, "unet"), "check", "--images", images, "--masks",
                                masks],
                                capture_output=True, text=True)
        text = result.stdout + result.stderr
        check("place of %s, turned %s" % (path, turned),
              "by its header" not in text if not turned else "other directions" in text, text)


def volumes(folder):
    check_nrrd(folder)
    check_itk(folder)


PARTS = {"volumes": volumes}
for part in sys.argv[2:]:
    with tempfile.TemporaryDirectory() as scratch:
        PARTS[part](scratch)
    print("%s: %d checks, %d differ" % (part, checked, failed))
sys.exit(failed > 0)
