# SPDX-License-Identifier: Apache-2.0
"""Writes unet_c/__init__.pyi: the signatures of the package with the library's fields in them.

Usage: PYTHONPATH=build-test/python python3 scripts/make_stubs.py
"""

import inspect
import pathlib

# what the fields do not say: types of other arguments and of what comes back
TYPES = {
    "about": "str",
    "array": "ArrayLike",
    "as_stored": "bool",
    "author": "str",
    "channel": "int",
    "channels": "Optional[str]",
    "checkpoint_seconds": "float",
    "class_weights": "Optional[Sequence[float]]",
    "color": "Optional[Sequence[int]]",
    "decoder": "int",
    "feature": "str",
    "fill": "Union[None, float, str]",
    "folder": "Optional[Path]",
    "ignore": "int",
    "image": "Image",
    "images": "Image",
    "init": "Union[None, Model, Path]",
    "keep_holes": "bool",
    "keep_masks": "bool",
    "label": "int",
    "labels": "Optional[str]",
    "license": "str",
    "mask": "ArrayLike",
    "masks": "Image",
    "mean": "Optional[Sequence[float]]",
    "memory": "Union[int, str, None]",
    "minimum_area": "int",
    "module_or_state_dict": "Any",
    "name": "Optional[str]",
    "names": "Any",
    "normalize": "bool",
    "objects": "bool",
    "only_pairs": "bool",
    "options": "Any",
    "others": "Sequence[Model]",
    "out": "Optional[np.ndarray]",
    "pair": "Optional[Tuple[str, str]]",
    "path": "Path",
    "pixel_size": "Union[None, float, Tuple[float, float]]",
    "predict": "Optional[Dict[str, Any]]",
    "predicted": "Any",
    "predicted_labels": "Optional[str]",
    "prepared": "bool",
    "preset": "str",
    "resume": "bool",
    "rois": "Optional[Path]",
    "seed": "int",
    "source": "Path",
    "split": "bool",
    "split_depth": "float",
    "standardize": "bool",
    "std": "Optional[Sequence[float]]",
    "target": "Path",
    "torch": "Any",
    "truth": "Any",
    "unit": "str",
    "validation": "Any",
}
RETURNS = {
    "__init__": "None",
    "convert": "Model",
    "evaluate": "Dict[str, Any]",
    "export": "None",
    "from_torch": "Model",
    "has": "bool",
    "isa": "str",
    "load": "Model",
    "logits": "Any",
    "name_class": "None",
    "objects": "Objects",
    "predict": "Any",
    "probabilities": "Any",
    "read_image": "np.ndarray",
    "save": "None",
    "to_torch_state_dict": "Dict[str, Any]",
    "train": "Model",
}
PROPERTIES = {
    "channels": "int",
    "classes": "List[str]",
    "colors": "np.ndarray",
    "network": "Dict[str, str]",
    "settings": "Dict[str, Any]",
}
HEAD = '''# SPDX-License-Identifier: Apache-2.0
# Made by scripts/make_stubs.py from the library's tables of fields.
import os
from typing import Any, Callable, Dict, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike

Path = Union[str, bytes, "os.PathLike[str]"]
Image = Union[ArrayLike, Sequence[ArrayLike], Path]

__version__: str
IGNORE: int

'''


def argument(parameter, owner):
    """A parameter as a stub writes it; "progress" hears a share but from a training."""
    kind = parameter.annotation
    if kind is parameter.empty and parameter.name == "progress":
        told = "Progress" if owner == "train" else "float"
        kind = f"Optional[Callable[[{told}], Any]]"
    elif kind is parameter.empty:
        kind = TYPES[parameter.name]
        if parameter.default is None and "Optional" not in kind and "None" not in kind:
            kind = f"Optional[{kind}]"
    star = "**" if parameter.kind == parameter.VAR_KEYWORD else ""
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{star}{parameter.name}: {kind}{default}"


def function(name, made, indent=""):
    """The lines of a function or method."""
    lines, starred = [], False
    for parameter in inspect.signature(made).parameters.values():
        if parameter.name in ("self", "cls"):
            lines.append(parameter.name)
            continue
        if parameter.kind == parameter.KEYWORD_ONLY and not starred:
            lines.append("*")
            starred = True
        lines.append(argument(parameter, name))
    text = f"{indent}def {name}(\n" + "".join(f"{indent}    {line},\n" for line in lines)
    return text + f"{indent}) -> {RETURNS[name]}: ...\n"


def model_class(model):
    text = "class Model:\n    origin: Optional[Dict[str, Any]]\n"
    for name, member in vars(model).items():
        if isinstance(member, property) and not name.startswith("_"):
            text += f"    @property\n    def {name}(self) -> {PROPERTIES[name]}: ...\n"
        elif isinstance(member, classmethod) and not name.startswith("_"):
            text += "    @classmethod\n" + function(name, member.__func__, "    ")
        elif inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
            text += function(name, member, "    ")
    return text + "\n"


def tuple_class(made):
    # the module says `from __future__ import annotations`, so these are as they were written
    rows = made.__annotations__.items()
    fields = "".join(f"    {name}: {of.__forward_arg__}\n" for name, of in rows)
    return f"class {made.__name__}(NamedTuple):\n{fields}\n"


def stubs(package):
    """The text of the stubs."""
    text = HEAD
    for name in package.__all__:
        made = getattr(package, name)
        if inspect.isclass(made) and issubclass(made, (Exception, Warning)):
            bases = ", ".join(base.__name__ for base in made.__bases__)
            inside = "    hints: Tuple[str, ...]\n" if name == "Error" else "    ...\n"
            text += f"class {name}({bases}):\n{inside}\n"
        elif inspect.isclass(made) and issubclass(made, tuple):
            text += tuple_class(made)
    text += model_class(package.Model)
    for name in ("convert", "evaluate", "objects", "read_image", "train"):
        text += function(name, getattr(package, name)) + "\n"
    for made in ("devices() -> List[Dict[str, Any]]", "has(feature: str) -> bool", "isa() -> str"):
        text += f"def {made}: ...\n"
    return text


if __name__ == "__main__":
    import unet_c

    place = pathlib.Path(__file__).resolve().parents[1] / "python" / "unet_c" / "__init__.pyi"
    place.write_text(stubs(unet_c))
