"""What is on the shelf: a list of all sets, fetching them ahead of time, hashing them again."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from teachkit.data import fetch, registry, sources
from teachkit.data.loading import find
from teachkit.data.registry import Entry, Item
from teachkit.errors import ChecksumError, FormatError


@dataclass(frozen=True)
class Row:
    """One set in one size, as the source in force sees it.

    Attributes:
        size: pixels, or None for sets that come in one form.
        state: "embedded", "here", "to fetch", or "not in this source".
        bytes: length of the file or, when `bound` is true, an upper bound of it; None when unknown.
    """

    entry: Entry
    size: int | None
    state: str
    bytes: int | None
    bound: bool = False


def catalogue() -> list[Row]:
    """Every set that is registered or lies in the source in force, in each of its sizes.

    Raises:
        SettingsError: when the environment is wrong.
    """
    known = registry.entries()
    entries = list(known.values())
    for name in sorted({*sources.current().names(), *sources.registered()} - set(known)):
        with suppress(
            FormatError
        ):  # other npz files may lie beside the data; load says what is wrong with one
            entries.append(find(name)[0])
    return [row for entry in entries for row in _rows(entry)]


def get(name: str, size: int = registry.DEFAULT_SIZE) -> sources.Found | None:
    """Bring a set here, checked; None for embedded sets, which need no fetching.

    Raises:
        UnknownNameError, SettingsError, DataError: as `teachkit.data.load`.
    """
    entry, source = find(name)
    entry.check_size(size)
    return None if entry.embedded else source.provide(entry.item(size))


@dataclass(frozen=True)
class Verdict:
    """The outcome of hashing one file again; `intact` is None when no checksum is registered for it."""

    path: Path
    intact: bool | None
    message: str


def verify(names: Sequence[str] = ()) -> Iterator[Verdict]:
    """Hash again every file of `names` (default: all) that is on this machine, whatever is remembered."""
    for name in names or registry.entries():
        entry, source = find(name)
        for item in entry.items.values():
            offer = source.offer(item)
            if offer is not None and offer.path is not None:
                for path, expected in _files(item, offer.path):
                    yield _verdict(path, expected)


def _rows(entry: Entry) -> Iterator[Row]:
    if entry.embedded:
        for size in entry.sizes or (None,):
            yield Row(entry, size, "embedded", None)
        return
    source = sources.source_of(entry.name)
    for size, item in entry.items.items():
        offer = source.offer(item)
        if offer is None:
            yield Row(entry, size, "not in this source", None)
        elif offer.path is not None:
            length = offer.path.stat().st_size if offer.path.is_file() else None
            yield Row(entry, size, "here", length)
        else:
            known = offer.bytes
            yield Row(entry, size, "to fetch", known or entry.largest_bytes(size), bound=known is None)


def _files(item: Item, path: Path) -> Iterator[tuple[Path, str]]:
    if not item.is_folder:
        yield path, item.hash
    for member, expected in item.members.items():
        yield path / member, expected


def _verdict(path: Path, expected: str) -> Verdict:
    if not expected:
        return Verdict(path, None, "no checksum is registered")
    fetch.forget(path)
    try:
        fetch.check_file(path, expected)
    except ChecksumError as error:
        return Verdict(path, False, error.what)
    return Verdict(path, True, expected)
