# SPDX-License-Identifier: Apache-2.0
"""Settings by name: the library's tables of fields become arguments, signatures and help.

A field "augment.elastic" is the argument augment_elastic.  Values go to the library as text, which
checks them and says what it wanted.
"""

import difflib
import inspect
import operator
from typing import NamedTuple, Optional

from . import _core
from ._errors import ArgumentError


class Field(NamedTuple):
    """A setting: its name as an argument and in the library, its type, what it is."""

    argument: str
    name: str
    type: str
    default: str
    words: Optional[list]
    help: str

    def annotation(self):
        if self.words and self.type == "str":
            return "Literal[" + ", ".join(f'"{word}"' for word in self.words) + "]"
        return self.type

    def text(self, value):
        """A value as the library reads it."""
        if isinstance(value, str):
            return value
        try:
            if self.type == "bool":
                return "yes" if operator.index(bool(value)) else "no"
            if self.type == "float":
                return repr(float(value))
            return str(operator.index(value))
        except (TypeError, ValueError):
            wanted = "a word" if self.type == "str" else f"a value of type {self.type}"
            raise ArgumentError(f"{self.argument}: found {value!r}, wanted {wanted}") from None


def _table(kind):
    rows = (Field(row[0].replace(".", "_"), *row) for row in _core.fields(kind))
    return {field.argument: field for field in rows}


NETWORK, TRAINING, SESSION, KNOWN = (_table(kind) for kind in range(4))


def texts(options, *tables):
    """Splits options by tables: for each a list of (name, text).  None is as if it were not given."""
    lists = [[] for _ in tables]
    for argument, value in options.items():
        found = [i for i, table in enumerate(tables) if argument in table]
        if not found:
            near = difflib.get_close_matches(argument, [name for table in tables for name in table], 1)
            raise ArgumentError(
                f"{argument}: there is no such option" + (f"; {near[0]}?" if near else "")
            )
        field = tables[found[0]][argument]
        if value is not None:
            lists[found[0]].append((field.name, field.text(value)))
    return lists


def _parameter(field):
    return inspect.Parameter(
        field.argument,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=f"Optional[{field.annotation()}]",
    )


def takes(*tables, reading=None):
    """Gives a function that ends in **options the fields of tables in its signature and its help,
    and those of _data.Reading before them."""

    def document(function):
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        names = {p.name for p in own}
        fields = {f.argument: f for table in reversed(tables) for f in table.values()}
        fields = [f for table in tables for f in table.values() if fields[f.argument] is f]
        fields = [f for f in fields if f.argument not in names]
        rows = list(reading.rows()) if reading else []
        data = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, kind, default, _ in rows
        ]
        function.__signature__ = signature.replace(
            parameters=own + data + [_parameter(field) for field in fields]
        )
        lines = [f"    {name}: {kind}: {words}" for name, kind, _, words in rows]
        lines += [f"    {f.argument}: {f.annotation()}: {f.help}" for f in fields]
        function.__doc__ = inspect.cleandoc(function.__doc__) + "\n\nOptions of the library:\n\n"
        function.__doc__ += "\n".join(lines) + "\n"
        return function

    return document
