"""What answers hand over to the tests: plain data, never objects and never code.

`pack` runs in the kernel with the answers, and `unpack` in the one with the tests. Numbers, texts, lists and
arrays cross as a text; anything else crosses as an `Opaque` note of what it was. So an answer cannot bring
along an equality that is always true, a number that changes when it is looked at, or a patched module.
"""

import ast
import base64
import builtins
import json
import math
import sys
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from typing import Any

MAX_DEPTH = 12
MAX_ITEMS = 200_000
MAX_BYTES = 16 * 2**20  # of one value
MAX_TOTAL = 8 * MAX_BYTES
MAX_BITS = 10_000  # of a whole number: longer ones take long to print
OWN = frozenset({"In", "Out", "exit", "quit", "get_ipython", *dir(builtins)})


class Opaque:
    """Something that is no plain data; it equals nothing, and only tells what it was."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}, which is no plain value>"


class TooMuchError(ValueError):
    """One value holds more than can be handed over."""


def pack(names: Mapping[str, Any], keep_out: Collection[str] = ()) -> str:
    """The values of a notebook as a text.

    Args:
        names: the notebook's ``globals()``.
        keep_out: names that belong to the tests. Names of Python itself never cross either.
    """
    out = {}
    left = MAX_TOTAL
    for name, value in list(names.items()):
        if name.startswith("_") or name in OWN or name in keep_out:
            continue
        text = json.dumps(_packed(value))
        if len(text) > min(left, MAX_BYTES):
            text = json.dumps(_opaque(value))
        left -= len(text)
        out[name] = text
    return json.dumps(out)


def unpack(text: str) -> dict[str, Any]:
    """The values in a text that `pack` made."""
    return {name: _unpacked(json.loads(value)) for name, value in json.loads(text).items()}


def place(names: MutableMapping[str, Any], quoted: str) -> None:
    """Put what `pack` gave, quoted as Python quotes a text, in place of what was handed over before."""
    for name in _placed:
        names.pop(name, None)
    _placed.clear()
    values = unpack(ast.literal_eval(quoted))
    names.update(values)
    _placed.update(values)


_placed: set[str] = set()


def _packed(value: Any) -> Any:
    try:
        return _plain(value, iter(range(MAX_ITEMS)), 0)
    except Exception:  # an object may raise anything when it is looked at; it is then no plain value
        return _opaque(value)


def _opaque(value: Any) -> Any:
    return {"is": "opaque", "of": type(value).__name__[:100]}


def _plain(value: Any, budget: Iterator[int], depth: int) -> Any:
    if next(budget, None) is None or depth > MAX_DEPTH:
        raise TooMuchError
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)[:MAX_BYTES]
    if isinstance(value, bytes | bytearray):
        return {"is": "bytes", "of": base64.b64encode(value).decode()}
    if _module(value) == "numpy" or hasattr(value, "__array__"):
        return _array(value)
    if isinstance(value, int):
        number = int(value)
        if number.bit_length() > MAX_BITS:
            raise TooMuchError
        return number
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return {"is": "complex", "of": [value.real, value.imag]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return {"is": kind.__name__, "of": [_plain(item, budget, depth + 1) for item in value]}
    if isinstance(value, Mapping):
        items = [[_plain(part, budget, depth + 1) for part in pair] for pair in value.items()]
        return {"is": "dict", "of": items}
    if isinstance(value, range):
        return {"is": "list", "of": [_plain(item, budget, depth + 1) for item in value]}
    if callable(value) or not hasattr(value, "__float__"):
        return _opaque(value)
    return float(value)  # a fraction, a decimal, a symbolic number


def _array(value: Any) -> Any:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "biufcUS" or array.nbytes > MAX_BYTES:
        return _opaque(value)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    kind = "scalar" if isinstance(value, np.generic) else "array"
    return {"is": kind, "of": data, "dtype": array.dtype.str, "shape": list(array.shape)}


def _module(value: Any) -> str:
    return type(value).__module__.partition(".")[0] if "numpy" in sys.modules else ""


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, content = value["is"], value["of"]
    if kind == "opaque":
        return Opaque(content)
    if kind == "bytes":
        return base64.b64decode(content)
    if kind == "complex":
        return complex(*content)
    if kind in ("array", "scalar"):
        return _array_again(value)
    if kind == "dict":
        return {_key(_unpacked(key)): _unpacked(item) for key, item in content}
    items = [_unpacked(item) for item in content]
    return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](items)


def _array_again(value: Mapping[str, Any]) -> Any:
    import numpy as np

    if math.prod(value["shape"]) * np.dtype(value["dtype"]).itemsize > MAX_BYTES:
        raise TooMuchError
    flat = np.frombuffer(base64.b64decode(value["of"]), dtype=value["dtype"])
    array = flat.reshape(value["shape"]).copy()
    return array[()] if value["is"] == "scalar" else array


def _key(value: Any) -> Any:
    """A dict's key; an array cannot be one, so it becomes its text."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
