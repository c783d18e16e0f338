# SPDX-License-Identifier: Apache-2.0
"""Plain arguments as the library takes them."""

import operator

from ._errors import ArgumentError

_units = {"K": 10**3, "M": 10**6, "G": 10**9}


def size(memory):
    """Bytes: a number, or text as the command takes it ("500M")."""
    try:
        if isinstance(memory, str) and memory[-1:] in _units:
            found = int(float(memory[:-1]) * _units[memory[-1]])
        else:
            found = int(memory)
    except (TypeError, ValueError):
        found = -1
    if not 1 <= found < 1 << 63:
        raise ArgumentError(f"memory: found {memory!r}, wanted bytes, such as 500000000 or \"500M\"")
    return found


def seed(value):
    found = operator.index(value)
    if not 0 <= found < 1 << 64:
        raise ArgumentError(f"seed: found {found}, wanted a whole number, 0 to {(1 << 64) - 1}")
    return found


def fill(value):
    """The sample that is no data, as text; None: not said."""
    return value if value is None or isinstance(value, str) else f"{float(value):.17g}"


def pair(value, name, kind):
    """Two of a kind; a single one where that is no sequence stands for both."""
    two = (value, value) if isinstance(value, (int, float)) else tuple(value)
    if isinstance(value, str) or len(two) != 2:
        raise ArgumentError(f"{name}: found {value!r}, wanted two")
    return tuple(kind(one) for one in two)
