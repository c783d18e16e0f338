#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains other programs' recipes on the arena's tasks, in the same processor time, for the same table.

    peers.py UNET FOLDER [--peers A,B] [--tasks A,B] [--seeds 0] [--minutes 1]

Runs in a Python environment that has what the peer needs: build/bench-venv (scripts/bench_venv.sh) for
milesial, with nnunetv2 for nnunet; "cellpose<4"; stardist and tensorflow-cpu.  As in arena.py
the budget is minutes of two quiet cores, as processor time; only steps of training count, so reading,
planning and preprocessing are the peer's for nothing.  Scores come from `unet eval --predicted`, and a
line of FOLDER/results.jsonl is what `arena.py table` shows beside ours.

  nnunet     nnU-Net 2's own planner, preprocessor, 2D network, trainer, augmentation, loss, deep
             supervision and prediction (mirrored views, overlapping tiles); its learning rate falls
             with the share of the budget that is used, as it else falls with the epochs
  nnunet-2   the same with batches of 2, as somebody without a graphics card would set it
  milesial   the network and what train.py of Pytorch-UNet does by itself: width 64, batch norm, images
             at half their size, RMSprop 1e-5, cross-entropy and Dice, no augmentation
  cellpose   cellpose 3's network from random weights, its trainer, augmentation, rescaling and decoding;
             an epoch is one batch of 8, so that its warm-up is 10 steps (objects alone)
  stardist   StarDist's 2D network (32 rays), trainer, loss and decoding as in its examples: patches of
             256, batches of 4, flips, quarter turns and changes of intensity; its two thresholds chosen
             by its own search on ten of the images it learnt from (objects alone)
"""
import argparse
import functools
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
from PIL import Image

import arena

ROOT = arena.HERE.parents[1]
os.environ["OMP_WAIT_POLICY"] = "passive"  # a thread that spins while another works pays for both
sys.path.append(str(ROOT / "bench"))


def read_image(path):
    """[height][width][channels], without alpha."""
    image = Image.open(path)
    if image.mode in ("RGBA", "P", "LA"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def read_mask(path):
    mask = np.asarray(Image.open(path)).astype(np.int64)
    if path.suffix == ".jpg":  # blurred by its compression
        mask = ((mask[..., 0] if mask.ndim == 3 else mask) >= 128).astype(np.int64)
    return mask


def number_classes(masks, ignore):
    """Class numbers, and the values that they stand for; what is ignored is the number after the last."""
    values = sorted(set(np.unique(np.concatenate([mask.ravel() for mask in masks]))) - {ignore})
    if len(values) == 2 and values[0] == 0:
        masks, values = [mask > 0 for mask in masks], [0, 255]
        return [mask.astype(np.int64) for mask in masks], values
    numbers = {value: i for i, value in enumerate(values)} | {ignore: len(values)}
    return [np.vectorize(numbers.get)(mask) for mask in masks], [int(v) for v in values]


class Data:
    """What a peer gets: images and class numbers to learn from, images to segment.

    objects: the masks as they are, where they number objects, else None.
    """

    def __init__(self, place, task, unet):
        def paths(which, kind):
            return sorted((place / which / kind).iterdir())
        self.unet = unet
        options = task.get("train_options", "").split()
        self.ignore = int(options[options.index("--ignore") + 1]) if "--ignore" in options else None
        self.images = [read_image(path) for path in paths("train", "images")]
        masks = [read_mask(path) for path in paths("train", "masks")]
        self.objects = masks if max(len(np.unique(mask)) for mask in masks) > 15 else None
        if self.objects:
            masks = [mask > 0 for mask in masks]
        self.masks, self.values = number_classes(masks, self.ignore)
        self.tests = [read_image(path) for path in paths("test", "images")]
        self.names = [path.stem for path in paths("test", "images")]
        if any(image.shape[2] == 3 for image in self.images + self.tests):
            self.images, self.tests = ([np.repeat(i, 3, 2) if i.shape[2] == 1 else i for i in images]
                                       for images in (self.images, self.tests))


class Clock:
    """Processor time of this process since the first step."""

    def __init__(self, seconds):
        self.seconds, self.start, self.steps = seconds, time.process_time(), 0

    def share(self):
        return (time.process_time() - self.start) / self.seconds

    def step(self):
        """Counts a step that was made; True: there is time for another."""
        self.steps += 1
        return self.share() < 1


def nnunet(data, folder, seconds, batch=None):
    raw, done = folder / "raw", folder / "preprocessed"
    os.environ.update(nnUNet_raw=str(raw), nnUNet_preprocessed=str(done), nnUNet_compile="false",
                      nnUNet_results=str(folder / "results"), nnUNet_n_proc_DA="1")
    import torch
    from nnunetv2.experiment_planning import plan_and_preprocess_api as plan
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    here = raw / "Dataset001_task"
    for kind in ("imagesTr", "labelsTr", "imagesTs"):
        (here / kind).mkdir(parents=True)
    def write(image, kind, name):
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(here / kind / name)
    for i, (image, mask) in enumerate(zip(data.images, data.masks)):
        write(image, "imagesTr", f"{i:03}_0000.png")
        write(mask.astype(np.uint8)[..., None], "labelsTr", f"{i:03}.png")
    for i, image in enumerate(data.tests):
        write(image, "imagesTs", f"{i:03}_0000.png")
    labels = {"background": 0} | {f"class {i}": i for i in range(1, len(data.values))}
    if data.ignore is not None:
        labels["ignore"] = len(data.values)
    about = {"channel_names": {str(c): "natural" for c in range(data.images[0].shape[2])},
             "labels": labels, "numTraining": len(data.images), "file_ending": ".png",
             "overwrite_image_reader_writer": "NaturalImage2DIO"}
    (here / "dataset.json").write_text(json.dumps(about))
    plan.extract_fingerprints([1], num_processes=1, verbose=False, show_progress_bar=False)
    plan.plan_experiments([1])
    plans = json.loads((done / "Dataset001_task/nnUNetPlans.json").read_text())
    if batch:
        plans["configurations"]["2d"]["batch_size"] = batch
        (done / "Dataset001_task/nnUNetPlans.json").write_text(json.dumps(plans))
    plan.preprocess([1], configurations=("2d",), num_processes=(1,), show_progress_bar=False)

    os.environ["nnUNet_n_proc_DA"] = "0"  # what augmentation takes is this process's time
    torch.set_num_threads(2)
    device = torch.device("cpu")
    trainer = nnUNetTrainer(plans | {"continue_training": False}, "2d", "all", about, device=device)
    trainer.print_to_log_file = lambda *words, **options: None
    trainer.initialize()
    trainer.on_train_start()
    trainer.network.train()
    clock = Clock(seconds)
    more = True
    while more:
        for group in trainer.optimizer.param_groups:
            group["lr"] = trainer.initial_lr * (1 - clock.share()) ** 0.9
        trainer.train_step(next(trainer.dataloader_train))
        more = clock.step()
    predictor = nnUNetPredictor(device=device, perform_everything_on_device=False, allow_tqdm=False)
    trainer.set_deep_supervision_enabled(False)
    predictor.manual_initialization(
        trainer.network, trainer.plans_manager, trainer.configuration_manager,
        [trainer.network.state_dict()], about, "nnUNetTrainer", trainer.inference_allowed_mirroring_axes)
    answers = []
    for i in range(len(data.tests)):
        image, properties = NaturalImage2DIO().read_images([str(here / f"imagesTs/{i:03}_0000.png")])
        answers.append(np.squeeze(predictor.predict_single_npy_array(image, properties)))
    return answers, clock.steps


def milesial(data, folder, seconds):
    import torch
    from torch.nn import functional as F
    import unet_torch

    classes, channels = len(data.values), data.images[0].shape[2]
    arena.call([data.unet, "init", "-o", folder / "model", "--in-channels", channels, "--classes", classes,
                "--width", 64, "--padding", "same", "--norm", "batch"])
    net = unet_torch.load(folder / "model")
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()

    def half(image):
        size = (image.shape[1] // 2, image.shape[0] // 2)
        pixels = np.stack([np.asarray(Image.fromarray(image[..., c]).resize(size, Image.BICUBIC))
                           for c in range(channels)])
        return torch.from_numpy(pixels / 255.0).float()[None]

    def half_mask(mask):
        return torch.from_numpy(mask[::2, ::2][:mask.shape[0] // 2, :mask.shape[1] // 2].copy())[None]

    def loss_of(logits, mask):
        known = mask < classes
        target = F.one_hot(mask.clamp(max=classes - 1), classes).permute(0, 3, 1, 2) * known[:, None]
        share = F.softmax(logits, 1) * known[:, None]
        both = 2 * (share * target).sum((0, 2, 3)) + 1e-6
        dice = both / (share.sum((0, 2, 3)) + target.sum((0, 2, 3)) + 1e-6)
        return F.cross_entropy(logits, torch.where(known, mask, -100)) + 1 - dice.mean()

    pairs = [(half(image), half_mask(mask)) for image, mask in zip(data.images, data.masks)]
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-5, weight_decay=1e-8, momentum=0.999)
    net.train().to(memory_format=torch.channels_last)
    clock, order, more = Clock(seconds), [], True
    while more:
        order = order or list(torch.randperm(len(pairs)))
        image, mask = pairs[order.pop()]
        optimizer.zero_grad()
        loss_of(net(image.contiguous(memory_format=torch.channels_last)), mask).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        more = clock.step()
    net.eval()
    with torch.no_grad():
        return [F.interpolate(net(half(image)), image.shape[:2], mode="bilinear")[0].argmax(0).numpy()
                for image in data.tests], clock.steps


def grey(image):
    return image.mean(axis=2).astype(np.float32)


def cellpose(data, folder, seconds):
    from cellpose import models, train

    images = [grey(image) for image in data.images]

    def trained(steps):
        """The network and the processor time it took."""
        net = models.CPnet([2, 32, 64, 128, 256], nout=3, sz=3, mkldnn=False, diam_mean=30.0)
        start = time.process_time()
        path = train.train_seg(net, images, data.objects, channels=[0, 0], n_epochs=steps,
                               nimg_per_epoch=8, save_path=folder)[0]
        return path, time.process_time() - start

    cost = (trained(7)[1] - trained(2)[1]) / 5
    steps = max(int(seconds / cost), 1)
    model = models.CellposeModel(gpu=False, pretrained_model=str(trained(steps)[0]))
    return [model.eval(grey(image), channels=[0, 0], diameter=model.diam_labels)[0]
            for image in data.tests], steps


def stardist(data, folder, seconds):
    import tensorflow as tf
    from csbdeep.utils import normalize
    from stardist import fill_label_holes
    from stardist.models import Config2D, StarDist2D

    chance = np.random.default_rng(0)

    def augment(image, mask):
        turns, flip = chance.integers(4), chance.integers(2)
        image, mask = np.rot90(image, turns), np.rot90(mask, turns)
        if flip:
            image, mask = image[::-1], mask[::-1]
        return image * chance.uniform(0.6, 2) + chance.uniform(-0.2, 0.2), mask

    class Stop(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = not clock.step()

    images = [normalize(grey(image), 1, 99.8) for image in data.images]
    masks = [fill_label_holes(mask) for mask in data.objects]
    config = Config2D(n_rays=32, grid=(1, 1), n_channel_in=1, train_epochs=100000,
                      train_steps_per_epoch=100, train_checkpoint=None, train_tensorboard=False)
    model = StarDist2D(config, name="model", basedir=str(folder))
    model.prepare_for_training()
    model.callbacks.append(Stop())
    clock = Clock(seconds)
    model.train(images, masks, validation_data=(images[:1], masks[:1]), augmenter=augment)
    model.optimize_thresholds(images[::8], masks[::8])
    return [model.predict_instances(normalize(grey(image), 1, 99.8))[0] for image in data.tests], clock.steps


OF_CLASSES = {"nnunet": nnunet, "nnunet-2": functools.partial(nnunet, batch=2), "milesial": milesial}
OF_OBJECTS = {"cellpose": cellpose, "stardist": stardist}


def seed_all(peer, seed):
    np.random.seed(seed)
    if peer == "stardist":
        import tensorflow as tf
        tf.keras.utils.set_random_seed(seed)
        tf.config.threading.set_intra_op_parallelism_threads(2)
        tf.config.threading.set_inter_op_parallelism_threads(2)
    else:
        import torch
        torch.manual_seed(seed)
        torch.set_num_threads(2)


def segment(data, peer, folder, seconds):
    """Masks of the test images, in the values of the task, and the steps that were made."""
    if peer in OF_OBJECTS:
        answers, steps = OF_OBJECTS[peer](data, folder, seconds)
        return [answer.astype(np.uint16) for answer in answers], steps
    answers, steps = OF_CLASSES[peer](data, folder, seconds)
    values = np.array(data.values, np.uint8)
    return [values[answer] for answer in answers], steps


def one_run(arguments, results, name, task, peer, seed):
    said, minutes = arena.PEER + peer, arguments.minutes
    if results.find(kind="run", task=name, options=said, minutes=minutes, seed=seed):
        return
    seed_all(peer, seed)
    place = arena.prepare(arguments.folder, name, task)
    data = Data(place, task, arguments.unet)
    if peer in OF_OBJECTS and not data.objects:
        print(f"{name} {peer}: left out, the masks do not number objects", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="peer-", dir=arguments.folder) as own:
        own = pathlib.Path(own)
        answers, steps = segment(data, peer, own, 120 * minutes)
        (own / "masks").mkdir()
        for mask, stem in zip(answers, data.names):
            Image.fromarray(mask).save(own / "masks" / f"{stem}.png")
        what = ["--predicted", own / "masks"]
        if peer in OF_OBJECTS:
            what += ["--predicted-labels", "instances"]
        scores = arena.scores(arguments.unet, place, what, task, peer not in OF_OBJECTS)
    results.add(kind="run", task=name, options=said, minutes=minutes, seed=seed, steps=steps, scores=scores)
    print(f"{name} {peer} seed {seed}: {steps} steps, Dice {scores['dice']:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unet", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("folder", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--peers", default="nnunet,nnunet-2,milesial")
    parser.add_argument("--tasks", default="dsb2018,isbi2012,wbc1")
    parser.add_argument("--seeds", default="0", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--minutes", type=float, default=1)
    arguments = parser.parse_args()
    peers = arena.chosen(OF_CLASSES | OF_OBJECTS, arguments.peers, [])
    tasks = arena.chosen(arena.read_tasks(), arguments.tasks, [])
    if not arena.DATA.is_dir():
        print("skipped: the real images are not beside the project")
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = arena.Results(arguments.folder)
    for seed in arguments.seeds:
        for name, task in tasks.items():
            for peer in peers:
                one_run(arguments, results, name, task, peer, seed)


if __name__ == "__main__":
    main()
