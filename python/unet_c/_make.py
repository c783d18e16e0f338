# SPDX-License-Identifier: Apache-2.0
"""What makes a model: training, and the files of other programs."""

from . import _arrays, _data, _fields, _train
from ._errors import ArgumentError
from ._model import Model


@_fields.takes(_fields.NETWORK, _fields.TRAINING, reading=_data.Reading)
def train(
    images,
    masks,
    *,
    init=None,
    validation=None,
    preset="auto",
    class_weights=None,
    progress=None,
    folder=None,
    resume=False,
    checkpoint_seconds=0,
    **options,
):
    """Trains a network on images and masks, and returns it as a Model.

    images, masks  arrays [count, height, width(, channels)] or lists of arrays, or two paths of
                   folders as `unet train` takes them.  Masks of arrays have class indices, 255
                   where there is no label; labels says otherwise: "background=0,cell=255",
                   "instances" (docs/labels.md)
    init           a Model to begin with, which stays as it is, or the path of one
    validation     the share of the images that is held out (0.2 from five images on), or
                   (images, masks).  The best model by these is returned, without them the newest
    preset         the recipe: "auto", "paper2015", ... (docs/training.md); options change it.
                   Without epochs, steps or seconds it takes ten minutes
    class_weights  each pixel's weight by its class
    progress       called with a Progress after each step and epoch.  unet_c.Stopped raised in it ends
                   the training in good order; other exceptions, and Ctrl-C, go on to the caller
    folder         where best.safetensors, last.safetensors and a checkpoint are kept, with which
                   resume=True goes on bit for bit; None: nowhere
    """
    reading = _data.Reading.take(options)
    if _arrays.is_path(init):
        init = Model.load(init)
    if not isinstance(init, (Model, type(None))):
        raise ArgumentError(f"init: found {type(init).__name__}, wanted a Model")
    handle = None if init is None else init._handle
    job = _train.Job(images, masks, reading, handle, validation, preset, class_weights, options)
    job.run(folder, resume, checkpoint_seconds, progress)
    return Model._of(job.model)


@_fields.takes(_fields.KNOWN)
def convert(source, target, *, names=None, normalize=False, decoder=-1, standardize=False,
            mean=None, std=None, **known):
    """Reads a model of any format and writes it in another, by the ending of target; returns it."""
    model = Model.load(source, decoder=decoder, standardize=standardize, mean=mean, std=std, **known)
    model.export(target, names=names, normalize=normalize)
    return model
