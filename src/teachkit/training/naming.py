"""A stable, printable name for any setting, so that runs can be compared, resumed and found again."""

import functools
import hashlib
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType

import numpy as np
import torch

from teachkit.data.splits import Split

Settings = dict[str, object]


def describe(value: object) -> object:
    """The value itself when it is a plain one, else a text that two equal settings share.

    Functions and classes are named with a digest of their code, arrays and splits with one of their contents.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _text(value, depth=0)


def is_stable(description: object) -> bool:
    """False when a description holds a memory address, and so means nothing to another process."""
    return " at 0x" not in str(description)


def digest(value: object) -> str:
    """Twelve hexadecimal digits that stand for the description of a value."""
    return hashlib.sha256(repr(describe(value)).encode()).hexdigest()[:12]


def differences(mine: Settings, theirs: Settings) -> dict[str, tuple[object, object]]:
    """The settings that differ, with both values; a missing one counts as None."""
    names = dict.fromkeys([*mine, *theirs])
    return {name: (mine.get(name), theirs.get(name)) for name in names if mine.get(name) != theirs.get(name)}


def _text(value: object, depth: int) -> str:
    if depth > 5:  # a function that refers to itself
        return type(value).__name__
    inner = functools.partial(_text, depth=depth + 1)
    if isinstance(value, Split):
        return f"{value.title} #{_split_digest(value)}"
    if isinstance(value, np.ndarray | torch.Tensor):
        array = np.asarray(torch.as_tensor(value).detach().cpu())
        return f"{array.dtype}{list(array.shape)} #{_hash(array.tobytes())}"
    if isinstance(value, functools.partial):
        given = [*map(inner, value.args), *(f"{key}={inner(item)}" for key, item in value.keywords.items())]
        return f"{inner(value.func)}({', '.join(given)})"
    if isinstance(value, FunctionType):
        closure = [inner(cell.cell_contents) for cell in value.__closure__ or ()]
        code = f"{_code(value.__code__)}{closure}{inner(value.__defaults__)}{inner(value.__kwdefaults__)}"
        return f"{value.__module__}.{value.__qualname__} #{_hash(code.encode())}"
    if isinstance(value, type):
        own = [inner(item) for item in vars(value).values() if isinstance(item, FunctionType)]
        return f"{value.__module__}.{value.__qualname__} #{_hash(repr(own).encode())}"
    if is_dataclass(value):
        given = [f"{field.name}={inner(getattr(value, field.name))}" for field in fields(value)]
        return f"{type(value).__name__}({', '.join(given)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inner, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{inner(key)}: {inner(item)}' for key, item in value.items())}}}"
    return repr(value)


def _code(code: CodeType) -> str:
    """What a function does, without where it stands in which file."""
    return f"{code.co_code.hex()}{[_constant(item) for item in code.co_consts]}{code.co_names}"


def _constant(item: object) -> object:
    if isinstance(item, CodeType):
        return _code(item)
    return (
        sorted(map(repr, item)) if isinstance(item, frozenset) else item
    )  # a set's order changes between runs


def _split_digest(split: Split) -> str:
    """A digest of all labels and of up to 256 examples spread over the split: not all is read."""
    rows = np.unique(np.linspace(0, len(split) - 1, 256).astype(int)) if len(split) else np.arange(0)
    parts = [split.labels.tobytes(), str(split.labels.dtype).encode()]
    for column in (split.images, split.masks):
        if column is not None:
            parts += [np.ascontiguousarray(column[row]).tobytes() for row in rows]
    if split.table is not None:
        parts.append(split.table.to_csv().encode())
    return _hash(b"|".join(parts))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
