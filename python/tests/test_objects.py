# SPDX-License-Identifier: Apache-2.0
"""Objects and scores: those of the command."""

import csv
import json
import zipfile

import numpy as np
import pytest

import unet_c
from conftest import learns, write_pgm


@pytest.fixture(scope="module")
def trained(data):
    return unet_c.train(*data, **learns)


def test_same_as_the_command(trained, data, command, tmp_path):
    write_pgm(tmp_path / "image.pgm", data[0][0])
    trained.save(tmp_path / "m.safetensors")
    command(
        *("predict", tmp_path / "m.safetensors", tmp_path / "image.pgm", "-o", tmp_path / "mask.png"),
        *("--instances", tmp_path / "ids.tif", "--measure", tmp_path / "table.csv"),
        *("--rois", tmp_path / "rois.zip", "--min-area", 4, "--split", "--quiet"),
    )
    found = trained.objects(data[0][0], minimum_area=4, split=True, rois=tmp_path / "ours.zip")
    assert len(found.table) > 0
    assert np.array_equal(found.ids, unet_c.read_image(tmp_path / "ids.tif")[..., 0])
    with open(tmp_path / "table.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.table)
    for name in found.table.dtype.names:
        wanted = [float(row[name]) for row in rows]
        assert np.allclose(found.table[name], wanted, rtol=1e-8), name
    ours, theirs = (zipfile.ZipFile(tmp_path / name) for name in ("ours.zip", "rois.zip"))
    assert {n: ours.read(n) for n in ours.namelist()} == {n: theirs.read(n) for n in theirs.namelist()}


def test_measurements():
    mask = np.zeros((20, 30), int)
    mask[2:6, 3:8] = 1
    mask[10:15, 20:30] = 2
    image = np.full(mask.shape, 7, np.uint16)
    ids, table = unet_c.objects(mask, image, pixel_size=0.5)
    assert table["area_px"].tolist() == [20, 50] and table["class"].tolist() == [1, 2]
    assert table["area_um2"].tolist() == [5, 12.5] and table["touches_edge"].tolist() == [0, 1]
    assert table["intensity_mean"].tolist() == [7, 7]
    assert ids.dtype == np.uint32 and (ids == 2).sum() == 50
    assert "intensity_mean" not in unet_c.objects(mask).table.dtype.names
    assert len(unet_c.objects(mask * 0).table) == 0
    assert unet_c.objects(mask, minimum_area=30).table["area_px"].tolist() == [50]
    assert len(unet_c.objects(np.asfortranarray(mask == 1)).table) == 1


def test_pandas_takes_the_table():
    pandas = pytest.importorskip("pandas")
    mask = np.zeros((20, 30), bool)
    mask[2:6, 3:8] = True
    frame = pandas.DataFrame(unet_c.objects(mask).table)
    assert frame["area_px"].tolist() == [20]


@pytest.mark.parametrize(
    "mask, words",
    [
        (np.zeros((3, 4, 5)), "mask: shape"),
        (np.zeros((0, 4)), "mask: shape"),
        (np.full((3, 4), -1), "mask: values -1"),
        (np.full((3, 4), 300), "class indices up to 255"),
        (np.full((3, 4), 255), "classes 0 to 253"),
    ],
)
def test_wrong_masks(mask, words):
    with pytest.raises(unet_c.Error, match=words):
        unet_c.objects(mask)


def test_wrong_images():
    mask = np.ones((4, 5), np.uint8)
    with pytest.raises(ValueError, match="an image of 3 x 5 pixels, the mask has 4 x 5"):
        unet_c.objects(mask, np.ones((3, 5)))
    with pytest.raises(unet_c.ArgumentError, match="channel 1"):
        unet_c.objects(mask, np.ones((4, 5)), channel=1)


def flat(scores, path=""):
    """Numbers of a tree of dicts and lists, by their paths."""
    if isinstance(scores, dict):
        return {k: v for key, of in scores.items() for k, v in flat(of, f"{path}/{key}").items()}
    if isinstance(scores, list):
        return {k: v for i, of in enumerate(scores) for k, v in flat(of, f"{path}/{i}").items()}
    return {path: scores}


def test_scores_are_those_of_the_command(folders, command, tmp_path):
    trained = unet_c.train(*folders, **learns)
    trained.save(tmp_path / "m.safetensors")
    said = json.loads(
        command(
            *("eval", tmp_path / "m.safetensors", "--images", folders[0], "--masks", folders[1]),
            *("--objects", "--json", "--quiet"),
        )
    )
    ours = flat(trained.evaluate(*folders, objects=True))
    assert ours["/mean_dice"] > 0.3
    theirs = flat(said)
    for path, value in ours.items():
        if isinstance(value, (int, float)):
            assert value == pytest.approx(theirs[path], rel=1e-5), path
        elif not path.endswith("/image"):
            assert value == theirs[path], path
    missing = {path for path in theirs if path not in ours and "interval" not in path}
    assert missing <= {"/left_out"}


def test_scores_of_masks():
    truth = np.zeros((10, 10), int)
    truth[2:6, 2:6] = 1
    predicted = np.roll(truth, 1, 0)
    scores = unet_c.evaluate(predicted, truth, objects=True, names=["ground", "cell"])
    assert scores["classes"][1]["dice"] == 0.75 and scores["classes"][1]["name"] == "cell"
    assert scores["objects"]["matched"] == 1 and scores["objects"]["f1"][0] == 1
    truth[0] = unet_c.IGNORE
    assert unet_c.evaluate([predicted], [truth])["confusion"] == [[70, 4], [4, 12]]
    with pytest.raises(unet_c.ArgumentError, match="mask 0: shape"):
        unet_c.evaluate([predicted], [truth[1:]])
    with pytest.raises(unet_c.ArgumentError, match="1 predicted masks, 2 true ones"):
        unet_c.evaluate([predicted], [truth, truth])
    with pytest.raises(unet_c.ArgumentError, match="truth: has class 3, but labels=2"):
        unet_c.evaluate([truth * 0], [np.where(truth == 1, 3, 0)], labels=2)


def test_255_is_no_class_in_silence():
    """Masks of 0 and 255 are read as train() reads them."""
    truth, wrong = np.zeros((2, 40, 40), np.uint8)
    truth[5:20, 5:20] = 255
    wrong[25:38, 25:38] = 255
    for pair in ((wrong, truth), (truth * 0, truth), (wrong, truth // 255), (wrong // 255, truth)):
        for labels in (None, 2):
            with pytest.raises(unet_c.ArgumentError, match="0 or 255.*background=0,object=255"):
                unet_c.evaluate(*pair, labels=labels)
    grey = np.maximum(truth, wrong // 2)
    with pytest.raises(unet_c.ArgumentError, match='0, 127, 255.*labels="0,127,255"'):
        unet_c.evaluate(grey, grey)
    assert unet_c.evaluate(grey, grey, labels="0,127,255")["classes"][2]["pixels"] == 225
    labels = "background=0,cell=255"
    assert unet_c.evaluate(wrong, truth, labels=labels)["confusion"] == [[1206, 169], [225, 0]]
    assert unet_c.evaluate(truth * 0, truth, labels=labels)["mean_dice"] == 0
    with pytest.raises(unet_c.ArgumentError, match="predicted 0: mask value 1.*predicted_labels="):
        unet_c.evaluate(truth // 255, truth, labels=labels)
    scores = unet_c.evaluate(truth > 0, truth, labels=labels, predicted_labels="a=0,b=1")
    assert scores["mean_dice"] == 1
    with pytest.raises(unet_c.ArgumentError, match="predicted_labels: without labels"):
        unet_c.evaluate(truth, truth, predicted_labels=labels)
    scores = unet_c.evaluate(truth, truth + wrong // 2, labels="instances")
    assert scores["objects"]["matched"] == 1 and scores["objects"]["predicted"] == 1


def test_learnt_objects_are_those_of_the_command(command, tmp_path):
    """Of masks that number objects a network learns what parts them, here as there."""
    rng = np.random.default_rng(5)
    (tmp_path / "images").mkdir(), (tmp_path / "masks").mkdir()
    for i in range(4):
        ids = np.zeros((64, 64), np.uint8)
        for k in range(12):
            y, x = 16 * (k // 4), 16 * (k % 4)
            ids[y + 1 : y + 15, x : x + 16] = k + 1  # rows of blocks that touch
        write_pgm(tmp_path / "images" / f"{i}.pgm", 150 * (ids > 0) + rng.integers(0, 60, ids.shape))
        write_pgm(tmp_path / "masks" / f"{i}.pgm", ids)
    folders = tmp_path / "images", tmp_path / "masks"
    command(
        *("train", "--images", folders[0], "--masks", folders[1], "--labels", "instances", "-o"),
        *(tmp_path / "run", "--width", 4, "--depth", 2, "--tile", 32, "--seed", 3, "--steps", 150),
        *("--lr", 0.01, "--val-share", 0, "--quiet"),
    )
    model = unet_c.train(
        *folders, labels="instances", width=4, depth=2, tile=32, seed=3, steps=150, validation=0,
        learning_rate=0.01, folder=tmp_path / "ours",
    )
    assert model.network["rims"] == "3"
    last = tmp_path / "run" / "last.safetensors"
    assert (tmp_path / "ours" / "last.safetensors").read_bytes() == last.read_bytes()
    image = folders[0] / "0.pgm"
    command("predict", last, image, "--instances", tmp_path / "ids.tif", "--quiet")
    wanted = unet_c.read_image(tmp_path / "ids.tif")[..., 0]
    assert np.array_equal(model.objects(image).ids, wanted)
    told = json.loads(
        command("eval", last, "--images", folders[0], "--masks", folders[1], "--json",
                "--labels", "instances")
    )
    scores = model.evaluate(*folders, labels="instances")
    assert scores["objects"]["predicted"] == told["objects"]["predicted"]
    assert scores["objects"]["f1"] == pytest.approx(told["objects"]["f1"])
