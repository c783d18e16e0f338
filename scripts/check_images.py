#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images that other libraries write, sample by sample.

Usage: check_images.py BUILD PART...   the folder with libunet.so and unet; PART: volumes, zarr, slides

volumes   NRRD by pynrrd, NRRD and MetaImage by SimpleITK: every type, byte order, packing and kind of
          axis; places of pixels as SimpleITK has them in NIfTI
zarr      arrays by zarr (2 and 3, every packer, shards, holes), images by ome-zarr (every order of axes)
slides    levels of a slide that tifffile writes, by OpenSlide, which must be installed
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


def check_arrays(folder):
    """Arrays alone: what packs them, and how they are stored."""
    import numcodecs
    import zarr
    from zarr import codecs as z

    def make(name, a, chunks, hole=False, **more):
        path = os.path.join(folder, "a%d.zarr" % checked)
        array = zarr.create_array(path, shape=a.shape, chunks=chunks, dtype=a.dtype, **more)
        if hole:
            array[..., :16, :] = a[..., :16, :]
            a = np.full_like(a, array.fill_value)
            a[..., :16, :] = array[..., :16, :]
        else:
            array[:] = a
        same(name, path, a.reshape(-1, *a.shape[-2:])[..., None])

    for dtype in ["b1", "f2"] + TYPES:
        a = samples((3, 41, 53), dtype if dtype != "b1" else "u1")
        a = a > 100 if dtype == "b1" else a
        if dtype == "b1":
            continue  # one bit is 255 in an image, 1 in a mask
        for order in "<>":
            make("zarr 2 %s%s" % (order, dtype), a.astype(order + dtype), (1, 16, 16), zarr_format=2)
            make("zarr 3 %s%s" % (order, dtype), a, (2, 16, 16), zarr_format=3,
                 serializer=z.BytesCodec(endian="little" if order == "<" else "big"))
    a = samples((3, 41, 53), "u2")
    smooth = (np.arange(3 * 41 * 53) // 7).astype("u2").reshape(3, 41, 53)
    packers = [None, numcodecs.Zlib(), numcodecs.GZip(), numcodecs.Zstd()]
    packers += [numcodecs.Blosc(cname=c, shuffle=s) for c in ("lz4", "lz4hc", "zstd", "zlib", "blosclz")
                for s in (0, 1, 2)]
    for packer in packers:
        for what in (a, smooth):
            for order in "CF":
                make("zarr 2 %s %s" % (packer, order), what, (2, 16, 16), zarr_format=2,
                     compressors=packer, order=order)
    make("zarr 2 /", a, (1, 16, 16), zarr_format=2,
         chunk_key_encoding={"name": "v2", "separator": "/"})
    make("zarr 2 hole", a, (1, 16, 16), hole=True, zarr_format=2, fill_value=7)
    packers = [None, z.GzipCodec(), z.ZstdCodec(), z.ZstdCodec(checksum=True), z.Crc32cCodec()]
    packers += [z.BloscCodec(cname=c, shuffle=s) for c in ("lz4", "lz4hc", "zstd", "zlib", "blosclz")
                for s in ("noshuffle", "shuffle", "bitshuffle")]
    packers.append((z.ZstdCodec(), z.Crc32cCodec()))
    for packer in packers:
        for what in (a, smooth):
            make("zarr 3 %s" % (packer,), what, (2, 16, 16), zarr_format=3, compressors=packer)
            make("zarr 3 shards %s" % (packer,), what, (1, 8, 16), shards=(2, 32, 32), zarr_format=3,
                 compressors=packer)
    make("zarr 3 hole", a.astype("f4"), (1, 16, 16), hole=True, zarr_format=3, fill_value=-1.5)
    make("zarr 3 shards, hole", a, (1, 8, 8), shards=(1, 32, 32), hole=True, zarr_format=3, fill_value=9)
    make("zarr 3 .", a, (1, 16, 16), zarr_format=3,
         chunk_key_encoding={"name": "v2", "separator": "."})
    make("zarr 3 transpose", a, (1, 16, 8), zarr_format=3, filters=z.TransposeCodec(order=(2, 0, 1)))
    path = os.path.join(folder, "start.zarr")
    array = zarr.create_array(path, shape=a.shape, dtype=a.dtype, chunks=(3, 32, 32), zarr_format=3,
                              compressors=None, serializer=z.ShardingCodec(
                                  chunk_shape=(1, 16, 16), index_location="start"))
    array[:] = a
    same("zarr 3 index first", path, a[..., None])
    path = os.path.join(folder, "filters.zarr")
    zarr.create_array(path, shape=a.shape, dtype=a.dtype, chunks=(1, 16, 16), zarr_format=2,
                      filters=numcodecs.Delta(dtype="u2"))[:] = a
    refused("zarr filters", path, "filters")
    path = os.path.join(folder, "lzma.zarr")
    zarr.create_array(path, shape=a.shape, dtype=a.dtype, chunks=(1, 16, 16), zarr_format=2,
                      compressors=numcodecs.LZMA())[:] = a
    refused("zarr lzma", path, "packed by \"lzma\"")


def check_ome(folder):
    """Images of OME-Zarr: axes, levels, sizes of pixels."""
    from ome_zarr.format import FormatV04, FormatV05
    from ome_zarr.writer import write_image, write_labels
    shapes = {"yx": (70, 50), "cyx": (3, 70, 50), "zyx": (4, 70, 50), "czyx": (2, 4, 70, 50),
              "tczyx": (3, 2, 4, 70, 50), "tyx": (3, 70, 50)}
    for form in (FormatV04(), FormatV05()):
        for axes, shape in shapes.items():
            path = os.path.join(folder, "%s%s.ome.zarr" % (axes, form.version))
            kinds = {"t": "time", "c": "channel"}
            full = [{"name": k, "type": kinds.get(k, "space")} for k in axes]
            a = samples(shape, "u2")
            write_image(a, path, axes=full, fmt=form, scale_factors=(2, 4),
                        scale={k: {"y": 0.5, "x": 0.25}.get(k, 1.0) for k in axes},
                        axes_units={k: "micrometer" for k in axes if k not in kinds})
            order = [axes.index(k) for k in "tzyxc" if k in axes]
            want = a.transpose(order)
            want = want if "c" in axes else want[..., None]
            name = "ome-zarr %s %s" % (form.version, axes)
            same(name, path, want.reshape(-1, *want.shape[-3:]))
            page = read(path)[1]
            check(name + " size",
                  (page.pixel_height, page.pixel_width, page.unit) == (0.5, 0.25, b"um"),
                  "%s x %s %s" % (page.pixel_height, page.pixel_width, page.unit))
            level = next(p for p in ("1", "s1") if os.path.isdir(os.path.join(path, p)))
            page = read(os.path.join(path, level))[1]
            check(name + " level", (page.height, page.width, page.pixel_width) == (35, 25, 0.5),
                  "%d x %d" % (page.height, page.width))
        labels = samples((70, 50), "u2") % 7
        path = os.path.join(folder, "yx%s.ome.zarr" % form.version)
        write_labels(labels, path, name="cells", axes="yx", fmt=form)
        same("labels " + form.version, os.path.join(path, "labels", "cells"),
             labels[None, ..., None])


def zarr_part(folder):
    check_arrays(folder)
    check_ome(folder)


def slides(folder):
    import tifffile
    path = os.path.join(folder, "a.svs")
    big = np.kron(samples((32, 40, 3), "u1"), np.ones((32, 32, 1), "u1"))
    text = "Aperio Image Library v12.0.15\r\n1280x1024 [0,0 1280x1024] (256x256) |AppMag = 20|MPP = 0.5"
    with tifffile.TiffWriter(path) as tif:
        common = {"photometric": "rgb", "metadata": None, "compression": "deflate"}
        tif.write(big, tile=(256, 256), description=text, **common)
        tif.write(big[::8, ::8], description="Aperio Image Library\r\n-> 160x128 - ", **common)
        tif.write(big[::2, ::2], tile=(256, 256), description=text + " -> 640x512", **common)
        tif.write(big[::4, ::4], tile=(128, 128), description=text + " -> 320x256", **common)
    same("slide as a TIFF", path, big[None])
    for level, step in enumerate((1, 2, 4)):
        same("slide, level %d" % level, "%s/%d" % (path, level), big[None, ::step, ::step])
        page = read("%s/%d" % (path, level))[1]
        check("size of level %d" % level, (page.pixel_width, page.unit) == (0.5 * step, b"um"))
    refused("slide, level 3", path + "/3", "levels 0 to 2")


PARTS = {"volumes": volumes, "zarr": zarr_part, "slides": slides}
for part in sys.argv[2:]:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # where `unet check` writes its page
        PARTS[part](scratch)
        os.chdir("/")
    print("%s: %d checks, %d differ" % (part, checked, failed))
sys.exit(failed > 0)
