# SPDX-License-Identifier: Apache-2.0
"""The model: a network with its weights, and how images become its input."""

import json
import os
import tempfile

import numpy as np

from . import _arrays, _core, _data, _fields, _objects, _scores, _torch, _train, _values
from ._errors import ArgumentError
from ._sessions import Sessions


def _handles(models):
    """The weights of further models."""
    for model in models:
        if not isinstance(model, Model):
            raise ArgumentError(f"others: found {type(model).__name__}, wanted models")
    return tuple(model._handle for model in models)


def _result(out, shape, kind):
    """Where an answer goes: out, if it fits, or a new array."""
    if out is None:
        return np.empty(shape, kind)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != kind:
        raise ArgumentError(f"out: an array of {np.dtype(kind)} of shape {shape} wanted")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ArgumentError("out: a contiguous array that can be written wanted")
    return out


def _numbers(values):
    """A number for each channel, as the library reads them."""
    return None if values is None else ",".join(repr(float(value)) for value in values)


class Model:
    """A U-Net with its weights, and all that prediction needs.

    Model(...) is a new network with random weights; Model.load() reads a file of any format that
    docs/formats.md lists, train() makes one from images and masks.  A model may be used from many
    threads at once; train() in one of them changes what calls that begin later see.
    """

    @_fields.takes(_fields.NETWORK)
    def __init__(self, *, seed=0, **network):
        """A new network with random weights; the same seed gives the same."""
        (fields,) = _fields.texts(network, _fields.NETWORK)
        self._keep(_core.model_create(fields, _values.seed(seed), None), None)

    def _keep(self, handle, origin):
        self._sessions = Sessions(handle)
        self._facts = _core.model_facts(handle)
        self.origin = origin

    @classmethod
    def _of(cls, handle, origin=None):
        model = cls.__new__(cls)
        model._keep(handle, origin)
        return model

    @property
    def _handle(self):
        return self._sessions.handle

    # ---- files and other programs ----

    @classmethod
    @_fields.takes(_fields.KNOWN)
    def load(cls, path, *, decoder=-1, standardize=False, mean=None, std=None, **known):
        """Loads a model from a file of any format: ours, PyTorch, safetensors, ONNX.

        The folder of a training stands for its best model.  What is known of a network goes before
        what its file tells; origin says what was guessed.  mean and std: what (sample - mean) / std
        goes in with for each channel, samples in 0..1.
        """
        (fields,) = _fields.texts(known, _fields.KNOWN)
        if os.path.isdir(path):
            path = os.path.join(os.fsdecode(path), "best.safetensors")
        made = _core.model_load(os.fsencode(path), fields, decoder, int(standardize),
                                _numbers(mean), _numbers(std))
        return cls._of(*made)

    @classmethod
    @_fields.takes(_fields.KNOWN)
    def from_torch(cls, module_or_state_dict, *, decoder=-1, standardize=False, mean=None, std=None,
                   **known):
        """A model of the weights of a PyTorch module or its state_dict (or of a dict of arrays)."""
        (fields,) = _fields.texts(known, _fields.KNOWN)
        tensors = _torch.tensors_of(module_or_state_dict)
        if not tensors:
            raise ArgumentError("no tensors")
        return cls._of(*_core.model_from_tensors(tensors, fields, decoder, int(standardize),
                                                 _numbers(mean), _numbers(std)))

    def to_torch_state_dict(self, torch=None, *, names=None):
        """The weights by name, as arrays, or as tensors of the module torch if it is given.

        names: the layout whose names they have: "unet" (by default), "milesial" or "torch_em".
        """
        return _torch.state_dict(self._handle, torch, names)

    def save(self, path):
        """Writes the model, as .safetensors; temporary file, sync, rename."""
        ending = os.path.splitext(os.fsdecode(path))[1].lower()
        if ending in (".onnx", ".pt", ".pth", ".zip"):
            raise ArgumentError(f"{os.fsdecode(path)}: save() writes safetensors; export() writes {ending}")
        _core.model_save(self._handle, os.fsencode(path))

    def export(self, path, *, names=None, normalize=False, author=None, license=None, about=None):
        """Writes the model for other programs, by the ending: .safetensors, .pth, .pt, .onnx or .zip.

        names: the layout whose names the arrays have, "unet", "milesial" or "torch_em".
        normalize: of .onnx: the graph takes samples as they are in images.
        author, license, about: of .zip, a bioimage.io package: who made the model, the license's
            SPDX identifier (both are wanted), and what it finds in which images.
        """
        _core.model_export(
            self._handle, os.fsencode(path), names, int(normalize), author, license, about
        )

    def __reduce__(self):
        return _from_bytes, (self._bytes(), self.origin)

    def _bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.save(path)
            with open(path, "rb") as file:
                return file.read()

    # ---- what it is ----

    @property
    def network(self):
        """The network as a dict, its fields as text: {"in_channels": "1", "norm": "batch", ...}."""
        return dict(self._facts["spec"])

    @property
    def channels(self):
        """Channels of the images that it takes."""
        return int(self.network["in_channels"])

    @property
    def classes(self):
        """The names of the classes, "" where there is none; masks have their indices."""
        return [name for name, _ in self._facts["classes"]]

    @property
    def colors(self):
        """A colour for each class: uint8 [classes, 3]."""
        return np.array([rgb for _, rgb in self._facts["classes"]], np.uint8)

    @property
    def settings(self):
        """How it was trained, as a dict; empty: never."""
        return json.loads(self._facts["settings"] or "{}")

    def name_class(self, label, name=None, color=None):
        """Gives a class a name, a colour (red, green, blue), or both."""
        red, green, blue = (-1, 0, 0) if color is None else (int(c) & 255 for c in color)
        _core.model_set_class(self._handle, label, name, red, (green, blue))
        self._facts = _core.model_facts(self._handle)

    def __repr__(self):
        network = self.network
        words = ", ".join(f"{key}={network[key]}" for key in list(network)[:6])
        return f"<unet_c.Model {words}{', trained' if self._facts['settings'] else ''}>"

    # ---- prediction ----

    def _session_fields(self, options):
        """Of a session; views are those that the training asked for unless options say."""
        options = dict(options)
        if options.get("tta") is None:
            options["tta"] = self.settings.get("tta")
        if options.get("any_samples") is None:
            options["any_samples"] = True
        return _fields.texts(options, _fields.SESSION)[0]

    def _run(
        self, image, answer, prepared, memory, others, fill, progress, out, options, inner=None
    ):
        """One of three answers: 0 mask, 1 logits, 2 probabilities; of a list a list.  inner: of one
        image [height, width], an array for how deep pixels lie in objects."""
        if isinstance(image, (list, tuple)):
            rest = (prepared, memory, others, fill, progress, None, options)
            return [self._run(one, answer, *rest) for one in image]
        if _arrays.is_path(image):
            image, prepared = _arrays.read(image)
        sessions = self._sessions
        planes, before = _arrays.stack(image, self.channels)
        size = planes.shape[1:3]
        if answer:
            size = (int(self.network["classes"]),) + size
        result = _result(out, before + size, np.float32 if answer else np.uint8)
        flat = result.reshape((len(planes),) + size)
        others, fill = _handles(others), _values.fill(fill)
        fields = self._session_fields(options)
        if memory is not None and len(planes):
            models, limit = (sessions.handle,) + others, _values.size(memory)
            tile = _core.plan_tile(models, fields, planes[0], limit, int(bool(answer)))
            fields = [field for field in fields if field[0] != "tile"] + [("tile", str(tile))]
        with sessions.use(others, fields, fill) as session:
            for i, plane in enumerate(planes):
                slots = [None, None, None]
                slots[answer] = flat[i]
                told = progress and (lambda share, i=i: progress((i + share) / len(planes)))
                _core.predict(session, plane, int(prepared), *slots, inner, told)
        return result

    @_fields.takes(_fields.SESSION)
    def predict(
        self,
        image,
        *,
        prepared=False,
        memory=None,
        others=(),
        fill=None,
        progress=None,
        out=None,
        **options,
    ):
        """The class of each pixel: uint8 [..., height, width].

        image     [..., height, width, channels] of any type and strides; one channel may be left
                  out; a list of images gives a list; a path is read
        prepared  True: values go to the network as they are, those of a .npy file of the training
        memory    bytes ("500M") that it may take besides image and answer; None: any
        others    further models, whose probabilities are averaged with its own
        fill      the sample that is no data
        progress  called with the share that is done, 0..1
        out       the array for the answer
        """
        return self._run(image, 0, prepared, memory, others, fill, progress, out, options)

    @_fields.takes(_fields.SESSION)
    def logits(
        self,
        image,
        *,
        prepared=False,
        memory=None,
        others=(),
        fill=None,
        progress=None,
        out=None,
        **options,
    ):
        """The raw scores: float32 [..., classes, height, width]; arguments as of predict()."""
        return self._run(image, 1, prepared, memory, others, fill, progress, out, options)

    @_fields.takes(_fields.SESSION)
    def probabilities(
        self,
        image,
        *,
        prepared=False,
        memory=None,
        others=(),
        fill=None,
        progress=None,
        out=None,
        **options,
    ):
        """The probabilities: float32 [..., classes, height, width]; arguments as of predict()."""
        return self._run(image, 2, prepared, memory, others, fill, progress, out, options)

    def objects(self, image, *, predict=None, **options):
        """Predicts one image, and numbers and measures its objects: Objects(ids, table).

        predict: arguments for predict(), as a dict; others are those of objects().
        """
        if _arrays.is_path(image):
            image, prepared = _arrays.read(image)
            predict = {"prepared": prepared, **(predict or {})}
        image = _arrays.image(image)
        inner = None
        if self._parts_objects and not _objects.is_split(**options):
            inner = np.empty(image.shape[:2], np.uint8)
        mask = self._mask_and_inner(image, inner, **(predict or {}))
        return _objects.objects(self._predicted(mask, inner), image, **options)

    @property
    def _parts_objects(self):
        """Whether the network says where objects part (docs/objects.md)."""
        return int(self.network.get("rims", 0)) > 0

    def _predicted(self, mask, inner):
        inner = None if inner is None else inner[..., np.newaxis]
        return _objects.Predicted(mask, self._sessions.handle, inner)

    @_fields.takes(_fields.SESSION)
    def _mask_and_inner(
        self,
        image,
        inner,
        *,
        prepared=False,
        memory=None,
        others=(),
        fill=None,
        progress=None,
        out=None,
        **options,
    ):
        """predict() of one image, and into inner how deep its pixels lie in objects."""
        return self._run(image, 0, prepared, memory, others, fill, progress, out, options, inner)

    # ---- training and scores ----

    @_fields.takes(_fields.TRAINING, reading=_data.Reading)
    def train(
        self,
        images,
        masks,
        *,
        validation=None,
        preset="auto",
        class_weights=None,
        progress=None,
        folder=None,
        resume=False,
        checkpoint_seconds=0,
        **options,
    ):
        """Trains this model further, as unet_c.train(init=model) does; returns it.

        After Ctrl-C, or an exception of progress, it has the newest weights.
        """
        reading = _data.Reading.take(options)
        job = _train.Job(
            images, masks, reading, self._handle, validation, preset, class_weights, options
        )
        try:
            job.run(folder, resume, checkpoint_seconds, progress)
        finally:
            self._keep(job.model, self.origin)
        return self

    @_fields.takes(_fields.SESSION, reading=_data.Reading)
    def evaluate(
        self,
        images,
        masks,
        *,
        objects=False,
        split=False,
        minimum_area=0,
        progress=None,
        others=(),
        **options,
    ):
        """Predicts images and scores the answers by their masks; both as train() takes them.

        objects       True: objects are matched, too; they are where masks number them
        split, minimum_area  of predicted objects
        progress      called with the share that is done, 0..1

        Returns what `unet eval --json` prints: mean_dice, mean_iou, accuracy, classes, per_image ...
        """
        reading = _data.Reading.take(options)
        sessions, facts = self._sessions, self._facts
        dataset = _data.open_dataset(images, masks, reading, model=sessions.handle)
        count = _core.dataset_facts(dataset)["count"]
        numbered = _core.dataset_item(dataset, 0)[3]
        kinds = 2 if numbered else facts["labels"] if objects or split or minimum_area else 0
        parts = self._parts_objects and not split
        # objects of a network with rims are those that objects() finds
        how = {"split": split, "minimum_area": minimum_area, "keep_holes": not parts}
        scores, names = [], []
        others = _handles(others)
        with sessions.use(others, self._session_fields(options), _values.fill(reading.fill)) as session:
            for i in range(count):
                name, height, width, _ = _core.dataset_item(dataset, i)
                truth = np.empty((height, width), np.uint8)
                ids = np.empty((height, width), np.uint32) if numbered else None
                _core.dataset_masks(dataset, i, truth, ids)
                predicted = np.empty((height, width), np.uint8)
                inner = np.empty((height, width), np.uint8) if parts else None
                _core.predict_item(session, dataset, i, predicted, inner)

                def find(mask, inner=inner):
                    return _objects.objects(self._predicted(mask, inner), **how).ids

                scores.append(
                    _scores.score_image(predicted, truth, ids, facts["labels"], kinds, find)
                )
                names.append(name)
                if progress:
                    progress((i + 1) / count)
        return _scores.summary(scores, names, self.classes, facts["labels"], kinds)


def _from_bytes(data, origin):
    """A model that was pickled."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        with open(path, "wb") as file:
            file.write(data)
        model = Model.load(path)
    model.origin = origin
    return model
