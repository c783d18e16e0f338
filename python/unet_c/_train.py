# SPDX-License-Identifier: Apache-2.0
"""Training, by the recipes of `unet train`."""

from __future__ import annotations

import os
import tempfile
from typing import List, NamedTuple, Optional

import numpy as np

from . import _core, _data, _errors, _fields, _values
from ._errors import ArgumentError, Stopped

_presets = _core.preset_names()
_lengths = ("epochs", "steps", "seconds")


class Progress(NamedTuple):
    """What a training tells; None: not known.  The values from val_loss on are of the last epoch.

    event: "begin", "step", "epoch", "checkpoint" or "end"
    """

    event: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: Optional[float]
    step_loss: Optional[float]
    rate: Optional[float]
    seconds: float
    seconds_left: Optional[float]
    val_loss: Optional[float]
    val_dice: Optional[float]
    val_iou: Optional[float]
    class_dice: Optional[List[Optional[float]]]
    improved: bool
    best_epoch: int
    one_class: int


def _hold_out(dataset, survey, validation, reading, seed):
    """What the training checks itself by; None: nothing."""
    if isinstance(validation, (tuple, list)):
        images, masks = validation
        return _data.open_dataset(images, masks, reading._replace(channels=None), like=dataset)
    count = _core.dataset_facts(dataset)["count"]
    share = (0.2 if count >= 5 else 0.0) if validation is None else float(validation)
    return _core.split(survey, dataset, share, seed) if share and count > 1 else None


def _network(init, dataset, network, recipe, seed):
    """A new network, or a copy of init for the channels and classes of the data."""
    if init is None:
        return _core.model_create([], seed, recipe)
    described = [name for name, _ in network if name not in ("in_channels", "classes")]
    if described:
        raise ArgumentError(f"{described[0]} describes a new network, but init brings its own")
    given = {name: int(text) for name, text in network}
    facts = _core.dataset_facts(dataset)
    own = _core.model_facts(init)
    spec = {name: text for name, text in own["spec"]}
    channels = max(int(spec["in_channels"]), facts["channels"])
    classes = facts["labels"] if facts["labels"] > own["labels"] else int(spec["classes"])
    return _core.model_copy(
        init, given.get("in_channels", channels), given.get("classes", classes), seed
    )


def _length(options, training):
    """Limits that are given replace those of the recipe; without any it is ten minutes."""
    if all(options.get(name) is None for name in _lengths):
        return [("seconds", "600")] + training
    return [(name, "0") for name in _lengths] + training


class Job:
    """A training: what it is of, and the model that it makes."""

    def __init__(self, images, masks, reading, init, validation, preset, class_weights, options):
        if preset not in _presets:
            raise ArgumentError(f'preset: found "{preset}", wanted {", ".join(_presets)}')
        network, training = _fields.texts(options, _fields.NETWORK, _fields.TRAINING)
        if options.get("loss_pos_weight") is not None and options.get("classes") is None:
            network.append(("classes", "1"))
        seed = options.get("seed")
        seed = _values.seed(int(_fields.TRAINING["seed"].default) if seed is None else seed)
        wanted = dict(network).get("classes")
        if wanted is not None and not wanted.isdecimal():
            raise ArgumentError(f'classes: found "{wanted}", wanted a whole number')
        trained = init is not None and _core.model_facts(init)["settings"] and wanted is None
        self.dataset = _data.open_dataset(
            images, masks, reading, max(2, int(wanted)) if wanted else 0, init if trained else None
        )
        self.survey = _core.survey(self.dataset)
        _errors.heed(_core.findings(self.survey))
        self.held_out = _hold_out(self.dataset, self.survey, validation, reading, seed)
        seconds = float(options.get("seconds") or 600)
        self.recipe = _core.recipe(
            self.dataset, self.survey, _presets.index(preset), network, seconds, init
        )
        self.fields = _length(options, training)
        self.weights = None if class_weights is None else np.ravel(class_weights).tolist()
        self.model = _network(init, self.dataset, network, self.recipe, seed)

    def run(self, folder, resume, checkpoint_seconds, progress):
        """Trains; self.model is then the best one where images were held out, else the newest."""
        if resume and folder is None:
            raise ArgumentError("resume: found no folder; it goes on from the checkpoint in one")
        with tempfile.TemporaryDirectory() as own:
            place = own if folder is None else os.fsdecode(folder)
            os.makedirs(place, exist_ok=True)
            names = ("best.safetensors", "last.safetensors", "checkpoint")
            files = tuple(os.path.join(place, name) for name in names)
            best = files[0]
            if not resume and any(map(os.path.exists, files)):
                raise ArgumentError(
                    f"{place}: there is a training; resume=True goes on with it, another folder "
                    "begins anew"
                )
            if folder is None:
                files = (best if self.held_out else None, None, None)

            def tell(told):
                progress(Progress(**told))

            try:
                _core.train(
                    self.model,
                    self.dataset,
                    self.held_out,
                    self.recipe,
                    self.fields,
                    self.weights,
                    files,
                    float(checkpoint_seconds),
                    int(resume),
                    tell if progress else None,
                )
            except Stopped:
                pass
            if self.held_out and os.path.exists(best):
                self.model, _ = _core.model_load(os.fsencode(best), [], -1, -1)
