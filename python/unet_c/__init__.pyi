# SPDX-License-Identifier: Apache-2.0
# Made by scripts/make_stubs.py from the library's tables of fields.
import os
from typing import Any, Callable, Dict, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike

Path = Union[str, bytes, "os.PathLike[str]"]
Image = Union[ArrayLike, Sequence[ArrayLike], Path]

__version__: str
IGNORE: int

class ArgumentError(Error, ValueError):
    ...

class DataWarning(UserWarning):
    ...

class DeviceError(Error, RuntimeError):
    ...

class Error(Exception):
    hints: Tuple[str, ...]

class FileError(Error, OSError):
    ...

class FormatError(Error, ValueError):
    ...

class Objects(NamedTuple):
    ids: np.ndarray
    table: np.ndarray

class OutOfMemoryError(Error, MemoryError):
    ...

class Progress(NamedTuple):
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

class Stopped(Error):
    ...

class Model:
    origin: Optional[Dict[str, Any]]
    def __init__(
        self,
        *,
        seed: int = 0,
        in_channels: Optional[int] = None,
        classes: Optional[int] = None,
        width: Optional[int] = None,
        depth: Optional[int] = None,
        padding: Optional[Literal["valid", "same"]] = None,
        norm: Optional[Literal["none", "batch", "instance", "group"]] = None,
        up: Optional[Literal["transpose", "bilinear", "nearest"]] = None,
        act: Optional[Literal["relu", "leaky_relu", "prelu"]] = None,
        leaky_slope: Optional[float] = None,
        dropout: Optional[float] = None,
        convs: Optional[int] = None,
        single_act: Optional[bool] = None,
        groups: Optional[int] = None,
        norm_order: Optional[Literal["norm_first", "act_first", "before_conv"]] = None,
        bias: Optional[Literal["unless_norm", "always", "never"]] = None,
        concat: Optional[Literal["up_skip", "skip_up"]] = None,
        align_corners: Optional[bool] = None,
        up_conv: Optional[Literal["conv1x1", "conv3x3", "none"]] = None,
        up_norm: Optional[bool] = None,
        up_act: Optional[bool] = None,
        norm_epsilon: Optional[float] = None,
        rims: Optional[int] = None,
        down: Optional[Literal["pool", "conv"]] = None,
        widest: Optional[int] = None,
        norm_plain: Optional[bool] = None,
        residual: Optional[Literal["none", "nnunet", "resnet", "resnet_bottleneck"]] = None,
        family: Optional[Literal["plain", "monai"]] = None,
        units: Optional[int] = None,
    ) -> None: ...
    @classmethod
    def load(
        cls,
        path: Path,
        *,
        decoder: int = -1,
        standardize: bool = False,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        padding: Optional[Literal["valid", "same"]] = None,
        norm: Optional[Literal["none", "batch", "instance", "group"]] = None,
        up: Optional[Literal["transpose", "bilinear", "nearest"]] = None,
        act: Optional[Literal["relu", "leaky_relu", "prelu"]] = None,
        leaky_slope: Optional[float] = None,
        single_act: Optional[bool] = None,
        groups: Optional[int] = None,
        norm_order: Optional[Literal["norm_first", "act_first", "before_conv"]] = None,
        concat: Optional[Literal["up_skip", "skip_up"]] = None,
        align_corners: Optional[bool] = None,
        up_act: Optional[bool] = None,
        norm_epsilon: Optional[float] = None,
        down: Optional[Literal["pool", "conv"]] = None,
    ) -> Model: ...
    @classmethod
    def from_torch(
        cls,
        module_or_state_dict: Any,
        *,
        decoder: int = -1,
        standardize: bool = False,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        padding: Optional[Literal["valid", "same"]] = None,
        norm: Optional[Literal["none", "batch", "instance", "group"]] = None,
        up: Optional[Literal["transpose", "bilinear", "nearest"]] = None,
        act: Optional[Literal["relu", "leaky_relu", "prelu"]] = None,
        leaky_slope: Optional[float] = None,
        single_act: Optional[bool] = None,
        groups: Optional[int] = None,
        norm_order: Optional[Literal["norm_first", "act_first", "before_conv"]] = None,
        concat: Optional[Literal["up_skip", "skip_up"]] = None,
        align_corners: Optional[bool] = None,
        up_act: Optional[bool] = None,
        norm_epsilon: Optional[float] = None,
        down: Optional[Literal["pool", "conv"]] = None,
    ) -> Model: ...
    def to_torch_state_dict(
        self,
        torch: Optional[Any] = None,
        *,
        names: Optional[Any] = None,
    ) -> Dict[str, Any]: ...
    def save(
        self,
        path: Path,
    ) -> None: ...
    def export(
        self,
        path: Path,
        *,
        names: Optional[Any] = None,
        normalize: bool = False,
        author: Optional[str] = None,
        license: Optional[str] = None,
        about: Optional[str] = None,
    ) -> None: ...
    @property
    def network(self) -> Dict[str, str]: ...
    @property
    def channels(self) -> int: ...
    @property
    def classes(self) -> List[str]: ...
    @property
    def colors(self) -> np.ndarray: ...
    @property
    def settings(self) -> Dict[str, Any]: ...
    def name_class(
        self,
        label: int,
        name: Optional[str] = None,
        color: Optional[Sequence[int]] = None,
    ) -> None: ...
    def predict(
        self,
        image: Image,
        *,
        prepared: bool = False,
        memory: Union[int, str, None] = None,
        others: Sequence[Model] = (),
        fill: Union[None, float, str] = None,
        progress: Optional[Callable[[float], Any]] = None,
        out: Optional[np.ndarray] = None,
        threads: Optional[int] = None,
        tile: Optional[int] = None,
        exact: Optional[bool] = None,
        tta: Optional[Literal["none", "flips", "rotations"]] = None,
        any_samples: Optional[bool] = None,
    ) -> Any: ...
    def logits(
        self,
        image: Image,
        *,
        prepared: bool = False,
        memory: Union[int, str, None] = None,
        others: Sequence[Model] = (),
        fill: Union[None, float, str] = None,
        progress: Optional[Callable[[float], Any]] = None,
        out: Optional[np.ndarray] = None,
        threads: Optional[int] = None,
        tile: Optional[int] = None,
        exact: Optional[bool] = None,
        tta: Optional[Literal["none", "flips", "rotations"]] = None,
        any_samples: Optional[bool] = None,
    ) -> Any: ...
    def probabilities(
        self,
        image: Image,
        *,
        prepared: bool = False,
        memory: Union[int, str, None] = None,
        others: Sequence[Model] = (),
        fill: Union[None, float, str] = None,
        progress: Optional[Callable[[float], Any]] = None,
        out: Optional[np.ndarray] = None,
        threads: Optional[int] = None,
        tile: Optional[int] = None,
        exact: Optional[bool] = None,
        tta: Optional[Literal["none", "flips", "rotations"]] = None,
        any_samples: Optional[bool] = None,
    ) -> Any: ...
    def objects(
        self,
        image: Image,
        *,
        predict: Optional[Dict[str, Any]] = None,
        **options: Any,
    ) -> Objects: ...
    def train(
        self,
        images: Image,
        masks: Image,
        *,
        validation: Optional[Any] = None,
        preset: str = 'auto',
        class_weights: Optional[Sequence[float]] = None,
        progress: Optional[Callable[[Progress], Any]] = None,
        folder: Optional[Path] = None,
        resume: bool = False,
        checkpoint_seconds: float = 0,
        labels: Optional[str] = None,
        ignore: int = -1,
        only_pairs: bool = False,
        channels: Optional[str] = None,
        fill: Union[None, float, str] = None,
        as_stored: bool = False,
        keep_masks: bool = False,
        pair: Optional[Tuple[str, str]] = None,
        prepared: bool = False,
        epochs: Optional[int] = None,
        steps: Optional[int] = None,
        seconds: Optional[float] = None,
        patience: Optional[int] = None,
        batch: Optional[int] = None,
        accumulate: Optional[int] = None,
        tile: Optional[int] = None,
        steps_per_epoch: Optional[int] = None,
        loss_pixel: Optional[float] = None,
        loss_overlap: Optional[float] = None,
        loss_pos_weight: Optional[float] = None,
        loss_focal: Optional[float] = None,
        loss_false_positive: Optional[float] = None,
        loss_false_negative: Optional[float] = None,
        loss_smooth: Optional[float] = None,
        loss_first_class: Optional[int] = None,
        border_weight: Optional[float] = None,
        border_sigma: Optional[float] = None,
        border_near_weight: Optional[float] = None,
        border_near_sigma: Optional[float] = None,
        border_gap: Optional[bool] = None,
        optimizer: Optional[Literal["sgd", "adam", "adamw", "rmsprop"]] = None,
        learning_rate: Optional[float] = None,
        momentum: Optional[float] = None,
        nesterov: Optional[bool] = None,
        beta1: Optional[float] = None,
        beta2: Optional[float] = None,
        epsilon: Optional[float] = None,
        alpha: Optional[float] = None,
        weight_decay: Optional[float] = None,
        clip: Optional[float] = None,
        bias_rate: Optional[float] = None,
        average: Optional[float] = None,
        schedule: Optional[Literal["constant", "poly", "cosine", "step", "plateau"]] = None,
        power: Optional[float] = None,
        factor: Optional[float] = None,
        every: Optional[int] = None,
        lowest: Optional[float] = None,
        warmup: Optional[int] = None,
        augment_flip: Optional[bool] = None,
        augment_rotate: Optional[float] = None,
        augment_scale: Optional[float] = None,
        augment_elastic: Optional[float] = None,
        augment_elastic_grid: Optional[float] = None,
        augment_cubic: Optional[bool] = None,
        augment_grey: Optional[float] = None,
        augment_curve: Optional[float] = None,
        augment_noise: Optional[float] = None,
        augment_blur: Optional[float] = None,
        augment_channel: Optional[float] = None,
        augment_at_foreground: Optional[float] = None,
        augment_at_background: Optional[float] = None,
        augment_at_ignored: Optional[float] = None,
        tta: Optional[Literal["none", "flips", "rotations"]] = None,
        freeze_encoder: Optional[bool] = None,
        standardize: Optional[bool] = None,
        seed: Optional[int] = None,
        threads: Optional[int] = None,
        recompute: Optional[bool] = None,
    ) -> Model: ...
    def evaluate(
        self,
        images: Image,
        masks: Image,
        *,
        objects: bool = False,
        split: bool = False,
        minimum_area: int = 0,
        progress: Optional[Callable[[float], Any]] = None,
        others: Sequence[Model] = (),
        labels: Optional[str] = None,
        ignore: int = -1,
        only_pairs: bool = False,
        channels: Optional[str] = None,
        fill: Union[None, float, str] = None,
        as_stored: bool = False,
        keep_masks: bool = False,
        pair: Optional[Tuple[str, str]] = None,
        prepared: bool = False,
        threads: Optional[int] = None,
        tile: Optional[int] = None,
        exact: Optional[bool] = None,
        tta: Optional[Literal["none", "flips", "rotations"]] = None,
        any_samples: Optional[bool] = None,
    ) -> Dict[str, Any]: ...

def convert(
    source: Path,
    target: Path,
    *,
    names: Optional[Any] = None,
    normalize: bool = False,
    decoder: int = -1,
    standardize: bool = False,
    mean: Optional[Sequence[float]] = None,
    std: Optional[Sequence[float]] = None,
    padding: Optional[Literal["valid", "same"]] = None,
    norm: Optional[Literal["none", "batch", "instance", "group"]] = None,
    up: Optional[Literal["transpose", "bilinear", "nearest"]] = None,
    act: Optional[Literal["relu", "leaky_relu", "prelu"]] = None,
    leaky_slope: Optional[float] = None,
    single_act: Optional[bool] = None,
    groups: Optional[int] = None,
    norm_order: Optional[Literal["norm_first", "act_first", "before_conv"]] = None,
    concat: Optional[Literal["up_skip", "skip_up"]] = None,
    align_corners: Optional[bool] = None,
    up_act: Optional[bool] = None,
    norm_epsilon: Optional[float] = None,
    down: Optional[Literal["pool", "conv"]] = None,
) -> Model: ...

def evaluate(
    predicted: Any,
    truth: Any,
    *,
    labels: Optional[str] = None,
    predicted_labels: Optional[str] = None,
    objects: bool = False,
    names: Optional[Any] = None,
) -> Dict[str, Any]: ...

def objects(
    mask: ArrayLike,
    image: Optional[Image] = None,
    *,
    minimum_area: int = 0,
    keep_holes: bool = False,
    split: bool = False,
    split_depth: float = 0.0,
    channel: int = 0,
    pixel_size: Union[None, float, Tuple[float, float]] = None,
    unit: str = 'um',
    memory: Union[int, str, None] = 0,
    rois: Optional[Path] = None,
    progress: Optional[Callable[[float], Any]] = None,
) -> Objects: ...

def read_image(
    path: Path,
) -> np.ndarray: ...

def train(
    images: Image,
    masks: Image,
    *,
    init: Union[None, Model, Path] = None,
    validation: Optional[Any] = None,
    preset: str = 'auto',
    class_weights: Optional[Sequence[float]] = None,
    progress: Optional[Callable[[Progress], Any]] = None,
    folder: Optional[Path] = None,
    resume: bool = False,
    checkpoint_seconds: float = 0,
    labels: Optional[str] = None,
    ignore: int = -1,
    only_pairs: bool = False,
    channels: Optional[str] = None,
    fill: Union[None, float, str] = None,
    as_stored: bool = False,
    keep_masks: bool = False,
    pair: Optional[Tuple[str, str]] = None,
    prepared: bool = False,
    in_channels: Optional[int] = None,
    classes: Optional[int] = None,
    width: Optional[int] = None,
    depth: Optional[int] = None,
    padding: Optional[Literal["valid", "same"]] = None,
    norm: Optional[Literal["none", "batch", "instance", "group"]] = None,
    up: Optional[Literal["transpose", "bilinear", "nearest"]] = None,
    act: Optional[Literal["relu", "leaky_relu", "prelu"]] = None,
    leaky_slope: Optional[float] = None,
    dropout: Optional[float] = None,
    convs: Optional[int] = None,
    single_act: Optional[bool] = None,
    groups: Optional[int] = None,
    norm_order: Optional[Literal["norm_first", "act_first", "before_conv"]] = None,
    bias: Optional[Literal["unless_norm", "always", "never"]] = None,
    concat: Optional[Literal["up_skip", "skip_up"]] = None,
    align_corners: Optional[bool] = None,
    up_conv: Optional[Literal["conv1x1", "conv3x3", "none"]] = None,
    up_norm: Optional[bool] = None,
    up_act: Optional[bool] = None,
    norm_epsilon: Optional[float] = None,
    rims: Optional[int] = None,
    down: Optional[Literal["pool", "conv"]] = None,
    widest: Optional[int] = None,
    norm_plain: Optional[bool] = None,
    residual: Optional[Literal["none", "nnunet", "resnet", "resnet_bottleneck"]] = None,
    family: Optional[Literal["plain", "monai"]] = None,
    units: Optional[int] = None,
    epochs: Optional[int] = None,
    steps: Optional[int] = None,
    seconds: Optional[float] = None,
    patience: Optional[int] = None,
    batch: Optional[int] = None,
    accumulate: Optional[int] = None,
    tile: Optional[int] = None,
    steps_per_epoch: Optional[int] = None,
    loss_pixel: Optional[float] = None,
    loss_overlap: Optional[float] = None,
    loss_pos_weight: Optional[float] = None,
    loss_focal: Optional[float] = None,
    loss_false_positive: Optional[float] = None,
    loss_false_negative: Optional[float] = None,
    loss_smooth: Optional[float] = None,
    loss_first_class: Optional[int] = None,
    border_weight: Optional[float] = None,
    border_sigma: Optional[float] = None,
    border_near_weight: Optional[float] = None,
    border_near_sigma: Optional[float] = None,
    border_gap: Optional[bool] = None,
    optimizer: Optional[Literal["sgd", "adam", "adamw", "rmsprop"]] = None,
    learning_rate: Optional[float] = None,
    momentum: Optional[float] = None,
    nesterov: Optional[bool] = None,
    beta1: Optional[float] = None,
    beta2: Optional[float] = None,
    epsilon: Optional[float] = None,
    alpha: Optional[float] = None,
    weight_decay: Optional[float] = None,
    clip: Optional[float] = None,
    bias_rate: Optional[float] = None,
    average: Optional[float] = None,
    schedule: Optional[Literal["constant", "poly", "cosine", "step", "plateau"]] = None,
    power: Optional[float] = None,
    factor: Optional[float] = None,
    every: Optional[int] = None,
    lowest: Optional[float] = None,
    warmup: Optional[int] = None,
    augment_flip: Optional[bool] = None,
    augment_rotate: Optional[float] = None,
    augment_scale: Optional[float] = None,
    augment_elastic: Optional[float] = None,
    augment_elastic_grid: Optional[float] = None,
    augment_cubic: Optional[bool] = None,
    augment_grey: Optional[float] = None,
    augment_curve: Optional[float] = None,
    augment_noise: Optional[float] = None,
    augment_blur: Optional[float] = None,
    augment_channel: Optional[float] = None,
    augment_at_foreground: Optional[float] = None,
    augment_at_background: Optional[float] = None,
    augment_at_ignored: Optional[float] = None,
    tta: Optional[Literal["none", "flips", "rotations"]] = None,
    freeze_encoder: Optional[bool] = None,
    standardize: Optional[bool] = None,
    seed: Optional[int] = None,
    threads: Optional[int] = None,
    recompute: Optional[bool] = None,
) -> Model: ...

def devices() -> List[Dict[str, Any]]: ...
def has(feature: str) -> bool: ...
def isa() -> str: ...
