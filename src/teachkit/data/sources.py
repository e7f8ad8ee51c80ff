"""Where data comes from: exactly one source, chosen by the environment; it answers or fails, with a remedy.

========================  ==============================================================
nothing set               the public hosts named in the registry
TEACHKIT_OFFLINE=1        nothing but the embedded sets
TEACHKIT_DATA=A:B         folders, searched in order with their direct subfolders
TEACHKIT_BUCKET=gs://B/P  a Cloud Storage bucket
========================  ==============================================================

Embedded sets and folders given to `register` are named explicitly, so they answer under every setting.
"""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from teachkit.cloud.bucket import Bucket
from teachkit.data import fetch
from teachkit.data.formats import describe_npz
from teachkit.data.registry import Entry, Item
from teachkit.errors import DataError, SettingsError
from teachkit.paths import cache_dir

VARIABLES = ("TEACHKIT_OFFLINE", "TEACHKIT_DATA", "TEACHKIT_BUCKET")


class Found(NamedTuple):
    """A file or folder on this machine, and the sentence that says where it came from."""

    path: Path
    origin: str


class Offer(NamedTuple):
    """What a source could provide: its path when it is on this machine already, and its bytes where known."""

    path: Path | None
    bytes: int | None


class Source(Protocol):
    """The place in force. `label` names it in one phrase."""

    @property
    def label(self) -> str: ...

    def offer(self, item: Item) -> Offer | None:
        """What `provide` would do; None when this source does not have `item`. Transfers nothing."""
        ...

    def provide(self, item: Item) -> Found:
        """`item` on this machine, fetched if need be, its checksum compared.

        Raises:
            DataError: with a remedy, when this source cannot; no other source is asked.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """Names of npz files found here, whether or not the registry knows them."""
        ...

    def describe(self, name: str) -> Entry | None:
        """What a set that the registry does not know looks like here; None when there is no such set."""
        ...


class _RegisteredOnly:
    """For sources that serve what the registry lists and nothing else."""

    def names(self) -> tuple[str, ...]:
        return ()

    def describe(self, name: str) -> Entry | None:
        return None


@dataclass(frozen=True)
class Folders:
    """Folders of the user. Files are read in place and never written."""

    roots: tuple[Path, ...]

    @property
    def label(self) -> str:
        return "folder " + os.pathsep.join(str(root) for root in self.roots)

    def offer(self, item: Item) -> Offer | None:
        path = self._find(item)
        return None if path is None else Offer(path, None if item.is_folder else path.stat().st_size)

    def provide(self, item: Item) -> Found:
        path = self._find(item)
        if path is None:
            raise DataError(
                f"No '{item.path}' in {self.label} or its direct subfolders.",
                "Put it there, or choose a set that is there: teachkit data list.",
                path=item.path,
            )
        if item.is_folder:
            for member, expected in item.members.items():
                if expected:
                    fetch.check_file(path / member, expected)
        else:
            fetch.check_file(path, item.hash)
        return Found(path, f"folder {path if item.is_folder else path.parent}")

    def names(self) -> tuple[str, ...]:
        files = (file.stem for folder in self._searched for file in folder.glob("*.npz"))
        return tuple(sorted({re.sub(r"_\d+$", "", stem) for stem in files}))

    def describe(self, name: str) -> Entry | None:
        return describe_npz(name, [file for folder in self._searched for file in folder.glob("*.npz")])

    @cached_property
    def _searched(self) -> list[Path]:
        """Each root followed by its direct subfolders."""
        below = {root: sorted(path for path in root.iterdir() if path.is_dir()) for root in self.roots}
        return [folder for root in self.roots for folder in (root, *below[root])]

    def _find(self, item: Item) -> Path | None:
        for folder in self._searched:
            if not item.is_folder:
                if (folder / item.path).is_file():
                    return folder / item.path
            elif folder.name == item.path and all((folder / member).exists() for member in item.members):
                return folder
        return None


@dataclass(frozen=True)
class PublicHosts(_RegisteredOnly):
    """The addresses in the registry; what was fetched once stays in the cache."""

    label: str = "public hosts"

    def offer(self, item: Item) -> Offer | None:
        if not item.url:
            return None
        target = self._target(item)
        return Offer(target if target.exists() else None, item.bytes)

    def provide(self, item: Item) -> Found:
        if not item.url:
            raise DataError(
                f"'{item.path}' has no public address.",
                "Copy it into a folder and set TEACHKIT_DATA to that folder.",
                path=item.path,
            )
        if item.url.startswith("gs://"):
            found = BucketSource(item.url.rpartition("/")[0]).provide(item)
            return Found(found.path, f"public {found.origin}")
        path = fetch.deliver(self._target(item), item, lambda part: fetch.from_host(item.url, part))
        return Found(path, f"public host {urlsplit(item.url).netloc}")

    @staticmethod
    def _target(item: Item) -> Path:
        if item.url.startswith("gs://"):
            return BucketSource(item.url.rpartition("/")[0]).target(item)
        return cache_dir() / "public" / item.path


class BucketSource(_RegisteredOnly):
    """One bucket; what was fetched once stays in the cache, under the name of the bucket."""

    def __init__(self, url: str) -> None:
        self._bucket = Bucket(url)
        self.label = f"bucket {self._bucket.url}"

    def offer(self, item: Item) -> Offer | None:
        if self.target(item).exists():
            return Offer(self.target(item), item.bytes)
        name = f"{item.path}/" if item.is_folder else item.path
        if name not in self._bucket.contents:
            return None
        return Offer(None, self._bucket.contents[name])

    def provide(self, item: Item) -> Found:
        bring = self._bucket.download_folder if item.is_folder else self._bucket.download
        path = fetch.deliver(self.target(item), item, lambda part: bring(item.path, part))
        return Found(path, self.label)

    def target(self, item: Item) -> Path:
        """Where the cache keeps `item` of this bucket."""
        return cache_dir() / "buckets" / self._bucket.name / self._bucket.prefix / item.path


@dataclass(frozen=True)
class Offline(_RegisteredOnly):
    """Nothing beyond the embedded sets."""

    label: str = "TEACHKIT_OFFLINE=1 (embedded sets only)"

    def offer(self, item: Item) -> Offer | None:
        return None

    def provide(self, item: Item) -> Found:
        raise DataError(
            f"'{item.path}' cannot be had while TEACHKIT_OFFLINE=1: only embedded sets answer.",
            "Unset TEACHKIT_OFFLINE, or choose an embedded set: teachkit data list.",
            path=item.path,
        )


_registered: dict[str, Folders] = {}


def current() -> Source:
    """The source in force, from the environment as it is now.

    Raises:
        SettingsError: two sources set at once, a folder that does not exist, or a value that makes no sense.
    """
    chosen = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if chosen.get("TEACHKIT_OFFLINE") == "0":
        del chosen["TEACHKIT_OFFLINE"]
    if len(chosen) > 1:
        raise SettingsError(
            f"{' and '.join(chosen)} are set at once, but data comes from one source.",
            f"Keep one of them: unset {list(chosen)[-1]}.",
            variables=tuple(chosen),
        )
    if folders := chosen.get("TEACHKIT_DATA"):
        return Folders(tuple(_existing(folder) for folder in folders.split(os.pathsep) if folder))
    if url := chosen.get("TEACHKIT_BUCKET"):
        return BucketSource(url)
    if offline := chosen.get("TEACHKIT_OFFLINE"):
        if offline != "1":
            raise SettingsError(
                f"TEACHKIT_OFFLINE={offline!r} makes no sense.", "Set it to 1, or unset it.", value=offline
            )
        return Offline()
    return PublicHosts()


def register(name: str, folder: Path) -> None:
    """Let `name` be answered from `folder`, whatever source is in force. The last registration counts."""
    _registered[name] = Folders((folder,))


def source_of(name: str) -> Source:
    """The folder registered for `name`, else the source in force."""
    in_force = current()  # asked first, so that a wrong environment never goes unnoticed
    return _registered.get(name, in_force)


def registered() -> tuple[str, ...]:
    """Names given to `register` so far."""
    return tuple(_registered)


def _existing(folder: str) -> Path:
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise SettingsError(
            f"TEACHKIT_DATA names '{folder}', which is not a folder.", "Correct the path.", path=folder
        )
    return path.resolve()
