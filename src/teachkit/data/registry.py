"""Every data set known by name: reads ``registry.toml``, which ships inside the wheel."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from teachkit.data.splits import SPLITS, Info
from teachkit.errors import SettingsError, UnknownNameError, nearest

DEFAULT_SIZE = 28
_EMPTY: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Item:
    """What a source hands over: one file, or one folder of files when `members` is not empty.

    Attributes:
        path: the name every source uses, for example "pathmnist_64.npz".
        url: address at the public host; empty when there is none.
        hash: "algorithm:hex"; empty when none is known. A prefix of the digest is enough.
        bytes: length of the file, or None when it is not known.
        members: file or subfolder → hash (or ""), for a folder.
    """

    path: str
    url: str = ""
    hash: str = ""
    bytes: int | None = None
    members: Mapping[str, str] = field(default_factory=lambda: _EMPTY)

    @property
    def is_folder(self) -> bool:
        """Whether this stands for several files."""
        return bool(self.members)


@dataclass(frozen=True)
class Entry:
    """What the registry knows of one set; `reader` names the function that turns its files into arrays.

    Attributes:
        items: image size → what to get. The size is None for sets that exist in one form only.
        sizes: image sizes to choose from; empty when there is nothing to choose.
        counts: split → number of examples, where known.
    """

    name: str
    title: str
    task: str
    classes: tuple[str, ...]
    licence: str
    commercial: bool
    citation: str
    reader: str
    positive: int | None = None
    channels: int = 0
    sizes: tuple[int, ...] = ()
    counts: Mapping[str, int] = field(default_factory=lambda: _EMPTY)
    items: Mapping[int | None, Item] = field(default_factory=lambda: _EMPTY)
    rule: str = ""
    note: str = ""
    unit: str = ""
    instances: bool = False

    @property
    def embedded(self) -> bool:
        """Whether the set ships inside a dependency and so answers under every setting."""
        return self.reader == "embedded"

    def item(self, size: int) -> Item:
        """What to get for images of `size` pixels.

        Raises:
            SettingsError: when the set does not come in that size. Sets that come in one form only answer to
                their own size and to the default, 28.
        """
        self.check_size(size)
        return self.items[size] if size in self.items else next(iter(self.items.values()))

    def comes_in(self, size: int) -> bool:
        """Whether `item(size)` answers."""
        return size in self.sizes or (size == DEFAULT_SIZE and len(self.sizes) <= 1)

    def check_size(self, size: int) -> None:
        """Refuse a size that the set does not come in."""
        if self.comes_in(size):
            return
        choices = ", ".join(str(known) for known in self.sizes) or "the images as they are (leave size out)"
        raise SettingsError(
            f"{self.title} does not come in size {size!r}.",
            f"Known sizes: {choices}.",
            name=self.name,
            size=size,
        )

    def largest_bytes(self, size: int | None) -> int | None:
        """Upper bound of a file: its true length, else that of its pixels before compression."""
        item = self.items.get(size)
        if item is None or item.bytes is not None or not self.counts or size is None:
            return item.bytes if item else None
        return sum(self.counts.values()) * size * size * self.channels

    def info(self, source: str) -> Info:
        """The facts that travel with every split, with the place they were read from."""
        return Info(
            name=self.name,
            title=self.title,
            task=self.task,
            classes=self.classes,
            positive=self.positive,
            licence=self.licence,
            commercial=self.commercial,
            citation=self.citation,
            source=source,
            rule=self.rule,
            note=self.note,
            unit=self.unit,
            instances=self.instances,
        )


def registry_path() -> Path:
    """The file itself: inside an installed package, or in ``data/`` of a checkout."""
    packaged = Path(__file__).with_name("registry.toml")
    return packaged if packaged.exists() else Path(__file__).parents[3] / "data" / "registry.toml"


def entries() -> dict[str, Entry]:
    """All registered sets by name, in the order of the file."""
    return {name: _entry(name, dict(fields)) for name, fields in _document()["sets"].items()}


def entry(name: str) -> Entry:
    """The set called `name`.

    Raises:
        UnknownNameError: offering the nearest names.
    """
    known = _document()["sets"]
    if name in known:
        return _entry(name, dict(known[name]))
    raise UnknownNameError(f"No data set is called '{name}'.", nearest(name, known, "sets"), name=name)


def weights(name: str) -> Item:
    """The file of pretrained weights called `name`.

    Raises:
        UnknownNameError: offering the nearest names.
    """
    known = _document()["weights"]
    if name not in known:
        raise UnknownNameError(
            f"No weights are called '{name}'.", nearest(str(name), known, "weights"), name=name
        )
    return Item(**{key: known[name][key] for key in ("path", "url", "hash", "bytes") if key in known[name]})


def check_split(split: str) -> None:
    """Refuse a split that is not "train", "val" or "test"."""
    if split not in SPLITS:
        raise SettingsError(f"No split is called {split!r}.", f"Use one of {', '.join(SPLITS)}.", split=split)


def _document() -> dict[str, Any]:
    return _parsed(registry_path())


@cache
def _parsed(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    items: dict[int | None, Item] = {
        int(size): Item(**file) for size, file in fields.pop("files", {}).items()
    }
    sizes = tuple(fields.pop("sizes", items))
    if folder := fields.pop("folder", None):
        items[None] = Item(**folder)
    return Entry(name=name, items=items, sizes=sizes, **{**fields, "classes": tuple(fields["classes"])})
