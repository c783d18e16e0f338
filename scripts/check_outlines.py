#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outlines there and back: what other libraries make of ours, and we of theirs.

Usage: check_outlines.py UNET   needs numpy, pillow, pycocotools, shapely, roifile, jsonschema

Masks with holes, several parts and touching objects are written as COCO, GeoJSON, LabelMe, YOLO,
VIA, CVAT and ImageJ and must give the same pixels in pycocotools, shapely, roifile and by the stated
rule (a pixel belongs to what holds its centre); polygons with random corners, runs and regions that these libraries make
must give the pixels by that rule in ours.
"""
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile

import jsonschema
import numpy as np
import roifile
import shapely
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

UNET = os.path.abspath(sys.argv[1])
H, W = 61, 83
RNG = np.random.default_rng(7)
failed = 0

LABELME = {  # what labelme's own loader wants of a file
    "type": "object",
    "required": ["version", "shapes", "imagePath", "imageData", "flags"],
    "properties": {
        "imageHeight": {"type": "integer"},
        "imageWidth": {"type": "integer"},
        "shapes": {"type": "array", "items": {
            "type": "object",
            "required": ["label", "points", "shape_type", "flags", "group_id"],
            "properties": {
                "label": {"type": "string"},
                "points": {"type": "array", "minItems": 3, "items": {
                    "type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}},
                "group_id": {"type": ["integer", "null"]},
                "shape_type": {"const": "polygon"}}}}}}


def check(name, same):
    global failed
    print("%-52s %s" % (name, "fine" if same else "DIFFERS"))
    failed += not same


def run(*args):
    result = subprocess.run([UNET, *args], capture_output=True, text=True)
    if result.returncode:
        sys.exit("%s\n%s" % (" ".join(args), result.stderr))
    return result.stderr


def by_rule(rings, h=H, w=W):
    """The centres that an odd number of rings is around, left of each by its crossings."""
    x, y = np.arange(w) + 0.5, np.arange(h) + 0.5
    inside = np.zeros((h, w), bool)
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, 0)):
            if ay > by:
                ax, ay, bx, by = bx, by, ax, ay
            if ay == by:
                continue
            rows = (y >= ay) & (y < by)
            cut = ax + (y - ay) * (bx - ax) / (by - ay)
            inside ^= rows[:, None] & (cut[:, None] <= x[None])
    return inside


def objects():
    """Touching blobs, one with a hole, one in two parts that touch by a corner."""
    ids = np.zeros((H, W), np.uint16)
    y, x = np.mgrid[:H, :W]
    for k in range(1, 9):
        cy, cx, r = RNG.uniform(5, H - 5), RNG.uniform(5, W - 5), RNG.uniform(4, 12)
        ids[(y - cy) ** 2 + (x - cx) ** 2 < r * r] = k
    ring = (abs(y - 30) < 9) & (abs(x - 40) < 9)
    ids[ring] = 9
    ids[(abs(y - 30) < 3) & (abs(x - 40) < 3)] = 0
    ids[33, 43] = 0  # the hole touches another hole by a corner
    ids[28:33, 38:43] = 11  # an object in it, with a hole, in which there is one of one pixel
    ids[29:32, 39:42] = 0
    ids[30, 40] = 12
    ids[50:54, 10:14] = 10
    ids[54:58, 14:18] = 10
    ids[2:5, 70:74] = 10
    return ids


def write_masks(folder):
    os.makedirs(folder + "/i")
    os.makedirs(folder + "/m")
    masks = {}
    for i in range(3):
        ids = objects()
        masks["%d.png" % i] = ids
        Image.fromarray(RNG.integers(0, 255, (H, W), np.uint8).astype(np.uint8)).save(
            "%s/i/%d.png" % (folder, i))
        Image.fromarray(ids).save("%s/m/%d.png" % (folder, i))
    return masks


def same_objects(a, b):
    """Equal but for how objects are numbered."""
    pairs = set(zip(a.ravel().tolist(), b.ravel().tolist()))
    return len(pairs) == len({p for p, _ in pairs}) == len({q for _, q in pairs})


def check_coco(path, masks):
    coco = COCO(path)
    for image in coco.loadImgs(coco.getImgIds()):
        ids = np.zeros((H, W), np.uint16)
        for k, one in enumerate(coco.loadAnns(coco.getAnnIds(image["id"]))):
            pixels = coco.annToMask(one) > 0
            ids[pixels] = k + 1
            if one["area"] != pixels.sum() or isinstance(one["segmentation"], dict) and \
                    coco_mask.area(one["segmentation"]) != one["area"]:
                check("COCO: area of annotation %d" % one["id"], False)
        check("COCO: %s in pycocotools" % image["file_name"],
              same_objects(ids, masks[image["file_name"]]))


def check_geojson(folder, masks):
    x, y = np.meshgrid(np.arange(W) + 0.5, np.arange(H) + 0.5)
    for name, mask in masks.items():
        ids, valid = np.zeros((H, W), np.uint16), True
        with open("%s/%s.geojson" % (folder, name[:-4])) as file:
            features = json.load(file)["features"]
        for k, feature in enumerate(features):
            shape = shapely.geometry.shape(feature["geometry"])
            valid &= shape.is_valid
            ids[shapely.contains_xy(shape, x, y)] = k + 1
        check("GeoJSON: %s valid in shapely" % name, valid)
        check("GeoJSON: %s pixels in shapely" % name, same_objects(ids, mask))


def check_labelme(folder, masks):
    for name, mask in masks.items():
        with open("%s/%s.json" % (folder, name[:-4])) as file:
            root = json.load(file)
        jsonschema.validate(root, LABELME)
        ids, groups = np.zeros((H, W), np.uint16), {}
        for k, shape in enumerate(root["shapes"]):
            k = groups.setdefault(shape["group_id"], k) if shape["group_id"] else k
            ids[by_rule([np.array(shape["points"])])] = k + 1
        check("LabelMe: %s by the rule" % name, same_objects(ids, mask))


def check_yolo(folder, masks):
    for name, mask in masks.items():
        found = np.zeros((H, W), bool)
        with open("%s/%s.txt" % (folder, name[:-4])) as file:
            for line in file:
                points = np.array(line.split()[1:], float).reshape(-1, 2) * (W, H)
                found |= by_rule([points])
        check("YOLO: %s pixels of all" % name, (found == (mask > 0)).all())


def check_via(path, masks):
    with open(path) as file:
        root = json.load(file)
    data = root["_via_img_metadata"]
    check("VIA: keys of the images", list(data) == root["_via_image_id_list"] ==
          [d["filename"] + str(d["size"]) for d in data.values()])
    check("VIA: the classes", list(root["_via_attributes"]["region"]["class"]["options"]) ==
          ["object"])
    for one in data.values():
        ids = np.zeros((H, W), np.uint16)
        for k, region in enumerate(one["regions"]):
            shape = region["shape_attributes"]
            ids[by_rule([np.array([shape["all_points_x"], shape["all_points_y"]]).T])] = k + 1
        check("VIA: %s by the rule" % one["filename"], same_objects(ids, masks[one["filename"]]))


def cvat_pixels(shape):
    """What CVAT's own description of a polygon or a mask says."""
    if shape.tag == "polygon":
        return by_rule([np.array([p.split(",") for p in shape.get("points").split(";")], float)])
    left, top, w, h = (int(shape.get(k)) for k in ("left", "top", "width", "height"))
    runs = [int(n) for n in shape.get("rle").split(",")]
    box = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(h, w)
    pixels = np.zeros((H, W), bool)
    pixels[top:top + h, left:left + w] = box
    return pixels


def check_cvat(path, masks):
    root = ElementTree.parse(path).getroot()
    check("CVAT: its version and labels", root.findtext("version") == "1.1" and
          [n.text for n in root.findall("meta/task/labels/label/name")] == ["object"])
    for image in root.iter("image"):
        ids = np.zeros((H, W), np.uint16)
        for k, shape in enumerate(image):
            ids[cvat_pixels(shape)] = k + 1
        check("CVAT: %s by its runs and points" % image.get("name"),
              (int(image.get("width")), int(image.get("height"))) == (W, H) and
              same_objects(ids, masks[image.get("name")]))


def roi_rings(roi):
    rings = roi.coordinates(multi=True) if roi.composite else [roi.coordinates()]
    return [np.asarray(ring, float) for ring in rings]


def check_imagej(folder, masks):
    for name, mask in masks.items():
        ids, boxes = np.zeros((H, W), np.uint16), True
        for k, roi in enumerate(roifile.roiread("%s/%s.zip" % (folder, name[:-4]))):
            pixels = by_rule(roi_rings(roi))
            y, x = np.nonzero(pixels)
            boxes &= (roi.left, roi.top, roi.right, roi.bottom) == (
                x.min(), y.min(), x.max() + 1, y.max() + 1)
            ids[pixels] = k + 1
        check("ImageJ: %s, pixels by roifile" % name, same_objects(ids, mask))
        check("ImageJ: %s, boxes by roifile" % name, boxes)


def check_groups(folder):
    """Classes as groups, and what carries no label by its name, there and back."""
    classes = np.array([0, 1, 2, 255], np.uint8)[
        RNG.integers(0, 4, (H // 4 + 1, W // 4 + 1)).repeat(4, 0).repeat(4, 1)[:H, :W]]
    os.makedirs(folder + "/k")
    Image.fromarray(classes).save(folder + "/k/0.png")
    run("masks", "--images", folder + "/i/0.png", "--masks", folder + "/k/0.png", "--labels",
        "background=0,cell=1,nucleus=2", "--ignore", "255", "--as", "imagej", "-o", folder + "/g")
    found = np.zeros((H, W), np.uint8)
    for roi in roifile.roiread(folder + "/g/0.zip"):
        pixels = by_rule(roi_rings(roi))
        found[pixels] = roi.group or 255
    check("ImageJ: classes as groups by roifile", (found == classes).all())
    with zipfile.ZipFile(folder + "/g/0.zip") as file:
        named = [n for n in file.namelist() if n.startswith("ignore-")]
    check("ImageJ: names of what carries no label", len(named) > 0)
    run("masks", "--images", folder + "/i/0.png", "--masks", folder + "/g/0.zip", "--labels",
        "background,cell,nucleus", "-o", folder + "/back-g")
    check("ImageJ: classes read again",
          (np.array(Image.open(folder + "/back-g/0.png")) == classes).all())


def check_written(folder):
    masks = write_masks(folder)
    base = ["masks", "--images", folder + "/i", "--masks", folder + "/m", "--labels", "instances"]
    for kind, to, look in (("coco", "coco.json", check_coco), ("via", "via.json", check_via),
                           ("cvat", "cvat.xml", check_cvat), ("geojson", "geojson", check_geojson),
                           ("labelme", "labelme", check_labelme), ("yolo", "yolo", check_yolo),
                           ("imagej", "imagej", check_imagej)):
        run(*base, "--as", kind, "-o", folder + "/" + to)
        look(folder + "/" + to, masks)
    check_groups(folder)
    for kind in ("coco.json", "via.json", "cvat.xml", "geojson", "labelme", "imagej"):
        back = "%s/back-%s" % (folder, kind)
        run("masks", "--images", folder + "/i", "--masks", folder + "/" + kind, "-o", back)
        same = all(same_objects(np.array(Image.open("%s/%s" % (back, name))), mask)
                   for name, mask in masks.items())
        check("%s: read again" % kind, same)


def random_rings(count=6):
    """Polygons that cross themselves, beyond the image and between pixels."""
    return [RNG.uniform(-8, [W + 8, H + 8], (RNG.integers(3, 9), 2)).round(3)
            for _ in range(count)]


def painted(rings_of):
    ids = np.zeros((H, W), np.uint16)
    for k, rings in enumerate(rings_of):
        ids[by_rule(rings)] = k + 1
    return ids


def read(folder, masks, name):
    out = "%s/out" % folder
    shutil.rmtree(out, ignore_errors=True)
    run("masks", "--images", folder + "/i", "--masks", masks, "--labels", "instances", "-o", out,
        "--only-pairs")
    return np.array(Image.open("%s/%s" % (out, name)))


def check_read(folder):
    rings = random_rings()
    want = painted([[r] for r in rings])
    coco = {"images": [{"id": 1, "file_name": "0.png", "height": H, "width": W}],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [{"id": k, "image_id": 1, "category_id": 1, "iscrowd": 0,
                             "segmentation": [r.ravel().tolist()]} for k, r in enumerate(rings)]}
    with open(folder + "/r.json", "w") as file:
        json.dump(coco, file)
    check("COCO: polygons by the rule", (read(folder, folder + "/r.json", "0.png") == want).all())
    for packed in (True, False):
        for k, one in enumerate(coco["annotations"]):
            pixels = np.asfortranarray(by_rule([rings[k]]).astype(np.uint8))
            runs = coco_mask.encode(pixels)
            counts = runs["counts"].decode()
            if not packed:
                flat = pixels.ravel(order="F").astype(int)
                edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [2]])))
                counts = np.diff(np.concatenate([[0], edges])).tolist()
            one["segmentation"] = {"size": [H, W], "counts": counts}
        with open(folder + "/r.json", "w") as file:
            json.dump(coco, file)
        check("COCO: runs of pycocotools, %s" % ("packed" if packed else "plain"),
              (read(folder, folder + "/r.json", "0.png") == want).all())
    roi = [roifile.ImagejRoi.frompoints(r.astype(np.float32)) for r in rings]
    os.makedirs(folder + "/rois")
    roifile.roiwrite(folder + "/rois/0.zip", roi, mode="w")
    want = painted([[np.asarray(r.coordinates(), float)] for r in roi])
    check("ImageJ: sub-pixel regions of roifile",
          (read(folder, folder + "/rois", "0.png") == want).all())
    whole = [r.round() for r in random_rings()]
    whole = [np.clip(r, 0, [W, H]).astype(np.int16) for r in whole]
    roifile.roiwrite(folder + "/rois/0.zip", [roifile.ImagejRoi.frompoints(r) for r in whole],
                     mode="w")
    check("ImageJ: whole regions of roifile",
          (read(folder, folder + "/rois", "0.png") == painted([[r] for r in whole])).all())
    pixels = by_rule([rings[0]])
    box = Image.fromarray(pixels).getbbox()
    png = io.BytesIO()
    Image.fromarray(pixels[box[1]:box[3], box[0]:box[2]]).save(png, "PNG")
    os.makedirs(folder + "/lm")
    with open(folder + "/lm/0.json", "w") as file:
        json.dump({"imagePath": "0.png", "shapes": [
            {"label": "cell", "shape_type": "mask", "points": [[box[0], box[1]],
                                                              [box[2] - 1, box[3] - 1]],
             "mask": base64.b64encode(png.getvalue()).decode()}]}, file)
    check("LabelMe: a mask of one bit", ((read(folder, folder + "/lm", "0.png") > 0) == pixels).all())


with tempfile.TemporaryDirectory() as place:
    check_written(place)
    check_read(place)
sys.exit("%d differ" % failed if failed else 0)
