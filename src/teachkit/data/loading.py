"""From a name to arrays: the calls that lessons make."""

from collections.abc import Sequence
from pathlib import Path

from teachkit.data import embedded, idx, nuclei, registry, skin, sources
from teachkit.data.formats import read_npz
from teachkit.data.registry import DEFAULT_SIZE, Entry
from teachkit.data.splits import Split
from teachkit.errors import DataError, UnknownNameError, nearest

FOLDER_READERS = {"mnist": idx.read_mnist, "nuclei": nuclei.read, "skin": skin.read}


def load(name: str, split: str = "train", size: int = DEFAULT_SIZE) -> Split:
    """One split of a data set, from the one source in force (see `teachkit.data.sources`).

    Args:
        name: as in ``teachkit data list``: a registered set, an embedded one, or a file in your folder.
        split: "train", "val" or "test".
        size: edge length in pixels; sets that come in one form only ignore the default.

    Returns:
        Images uint8 [N, H, W] or [N, H, W, 3], labels int64 [N, L] (float32 [N, 1] for regression), and
        `.info`, whose `.source` says what was read.

    Raises:
        UnknownNameError: offering the nearest names.
        SettingsError: no such split or size, or a wrong environment.
        DataError: when the source in force cannot provide the set; no other source is asked.

    Example:
        >>> load("ihc_patches", "test").info.source
        'embedded'
    """
    registry.check_split(split)
    entry, source = find(name)
    if entry.embedded:
        return embedded.build(name, size)[split]
    found = source.provide(entry.item(size))
    return _read(found, entry, split)


def first_available(names: Sequence[str], size: int = DEFAULT_SIZE) -> str:
    """The first of `names` that the source in force can serve, judged without transferring it.

    Raises:
        UnknownNameError: when a name exists nowhere.
        DataError: when none of them can be served.
    """
    for name in names:
        if _offered(name, size):
            return name
    raise DataError(
        f"None of {', '.join(names)} is available at size {size} from {sources.current().label}.",
        "Choose another source or another set: teachkit data list.",
        names=tuple(names),
    )


def available(names: Sequence[str], size: int = DEFAULT_SIZE) -> tuple[str, ...]:
    """Those of `names` that the source in force can serve, judged without transferring them.

    Raises:
        UnknownNameError: when a name exists nowhere.
    """
    return tuple(name for name in names if _offered(name, size))


def _offered(name: str, size: int) -> bool:
    entry, source = find(name)
    return entry.comes_in(size) and (entry.embedded or source.offer(entry.item(size)) is not None)


def weights_path(name: str) -> Path | None:
    """The file of pretrained weights `name`, verified; None when the source in force does not have it.

    In a folder the file lies beside the data or in a direct subfolder such as ``weights/``.

    Raises:
        UnknownNameError: offering the nearest names.
        ChecksumError: when the file is not the registered one.
        FetchError: when the source has it and it cannot be brought here.
    """
    item = registry.weights(name)
    source = sources.current()
    return None if source.offer(item) is None else source.provide(item).path


def find(name: str) -> tuple[Entry, sources.Source]:
    """What is known of `name`, and the source that answers for it.

    Raises:
        UnknownNameError: offering the nearest names, those of the source included.
    """
    source = sources.source_of(name)
    known = registry.entries()
    entry = known.get(name) or source.describe(name)
    if entry is None:
        names = {*known, *source.names(), *sources.registered()}
        raise UnknownNameError(f"No data set is called '{name}'.", nearest(name, names, "sets"), name=name)
    return entry, source


def _read(found: sources.Found, entry: Entry, split: str) -> Split:
    """The arrays of a file or folder, by the reader that the registry names."""
    if entry.reader == "npz":
        return read_npz(found.path, entry, split, found.origin)
    parts = FOLDER_READERS[entry.reader](found.path)
    return parts[split].as_split(entry.info(found.origin), split, entry.sizes[0] if entry.sizes else None)
