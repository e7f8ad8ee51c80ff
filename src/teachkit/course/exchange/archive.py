"""One folder as one tar.gz: a manifest of hashes first, then the files; nothing else gets in or out.

An archive that arrives was made by a stranger. Reading stops at the first thing that is not as the manifest
says, before anything of it gets its real place.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from teachkit.errors import ExchangeRefusedError

MANIFEST = ".manifest.json"  # a hidden name, which no handed-in file can have
FORMAT = 1
MANIFEST_BYTES = 2**20
DEEPEST, LONGEST = 20, 200


@dataclass(frozen=True)
class Limits:
    """How much one archive may hold: number of files, bytes of one file, bytes of all."""

    files: int = 500
    file_bytes: int = 100_000_000
    total_bytes: int = 100_000_000


def pack(files: Mapping[str, Path], limits: Limits, about: Mapping[str, str] | None = None) -> bytes:
    """The archive of `files`, which maps the name inside to the file on disk.

    The same files give the same bytes: no times, owners or modes get in.

    Raises:
        ExchangeRefusedError: too many files, too many bytes, or a name that no other machine could hold.
    """
    names = [check_name(name) for name in sorted(files)]
    _check_distinct(names)
    if len(names) > limits.files:
        raise ExchangeRefusedError(
            f"There are {len(names)} files, and {limits.files} are the limit.",
            "Remove data and results that nobody grades.",
            files=len(names),
        )
    contents: dict[str, bytes] = {}
    for name in names:
        _check_size(name, files[name].stat().st_size, limits)
        contents[name] = files[name].read_bytes()
        _check_total(sum(map(len, contents.values())), limits)
    manifest = {
        "format": FORMAT,
        **(about or {}),
        "files": {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        },
    }
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        for name, content in contents.items():
            _add(archive, name, content)
    return packed.getvalue()


def unpack(content: bytes, target: Path, limits: Limits) -> list[str]:
    """Write the files of an archive into the empty folder `target`; their names.

    Raises:
        ExchangeRefusedError: the archive is damaged, too big, or holds anything but what its manifest lists.
    """
    names = []
    for name, data in _members(content, limits):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        names.append(name)
    return names


def listed(content: bytes, limits: Limits) -> list[str]:
    """The names of the files of an archive, after the same checks as `unpack`."""
    return [name for name, _ in _members(content, limits)]


def gather(
    folder: Path, ignored: Callable[[str, list[str]], Iterable[str]]
) -> tuple[dict[str, Path], list[str]]:
    """What of a folder is sent: (name → file, one sentence for each thing left out).

    Links and special files are left out because they would not mean the same elsewhere; names with a
    leading dot because they hold a machine's own settings. `ignored` is nbgrader's filter of names and sizes.
    """
    files: dict[str, Path] = {}
    notes: list[str] = []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        skip = set(ignored(place, folders + names))
        for name in sorted(folders):
            path = here / name
            if name not in skip and path.is_symlink():
                notes.append(f"'{path.relative_to(folder)}' is a link and is left out.")
        folders[:] = sorted(
            n for n in folders if n not in skip and not n.startswith(".") and not (here / n).is_symlink()
        )
        for name in sorted(names):
            path = here / name
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink():
                notes.append(f"'{inside}' is a link and is left out.")
            elif name.startswith("."):
                notes.append(f"'{inside}' is a hidden file and is left out.")
            elif not path.is_file():
                notes.append(f"'{inside}' is no ordinary file and is left out.")
            elif name in skip:
                notes.append(
                    f"'{inside}' is left out: it is too large, or its name is on the list of ignored ones."
                )
            else:
                files[unicodedata.normalize("NFC", inside)] = path
    return files, notes


def check_name(name: str) -> str:
    """`name`, when it is a relative path that every machine can hold.

    Raises:
        ExchangeRefusedError: it could leave its folder, is hidden, too long, or has characters of control.
    """
    path = PurePosixPath(name)
    parts = name.split("/")
    safe = (
        not path.is_absolute()
        and len(parts) <= DEEPEST
        and all(parts)
        and not any(
            part.startswith(".") or part != part.strip() or len(part.encode()) > LONGEST for part in parts
        )
        and "\\" not in name
        and name.isprintable()
    )
    if not safe:
        raise ExchangeRefusedError(f"'{name}' cannot be the name of a file here.", "Rename it.", name=name)
    return name


def _members(content: bytes, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """The files of an archive one by one, each checked against the manifest."""
    whole = limits.total_bytes + MANIFEST_BYTES + 2048 * (limits.files + 2)
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(content)) as unsqueezed,
            tarfile.open(fileobj=cast(BinaryIO, _Bounded(unsqueezed, whole)), mode="r|") as archive,
        ):
            members = iter(archive)
            promised = _manifest(archive, next(members, None), limits)
            for member in members:
                name = check_name(member.name)
                entry = promised.pop(name, None)
                if entry is None or not member.isreg() or member.size != entry["size"]:
                    raise ExchangeRefusedError(
                        f"The archive holds '{name}', which its manifest does not list so.",
                        "Hand in again.",
                        name=name,
                    )
                data = cast(BinaryIO, archive.extractfile(member)).read()
                if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                    raise ExchangeRefusedError(
                        f"'{name}' is not what the manifest promises.", "Hand in again.", name=name
                    )
                yield name, data
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ExchangeRefusedError):
            raise
        raise ExchangeRefusedError("The archive is damaged.", "Hand in again.") from error
    if promised:
        raise ExchangeRefusedError(
            f"The archive lacks '{next(iter(promised))}', which its manifest lists.", "Hand in again."
        )


def _manifest(archive: tarfile.TarFile, first: tarfile.TarInfo | None, limits: Limits) -> dict[str, Any]:
    """name → {"size", "sha256"}, from the first member."""
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MANIFEST_BYTES:
        raise ExchangeRefusedError("The archive does not begin with its manifest.", "Hand in again.")
    manifest = json.loads(cast(BinaryIO, archive.extractfile(first)).read())
    if manifest["format"] != FORMAT:
        raise ExchangeRefusedError(
            f"The archive has format {manifest['format']}, and {FORMAT} is known here.", "Update teachkit."
        )
    files = dict(manifest["files"])
    _check_distinct(files)
    if len(files) > limits.files:
        raise ExchangeRefusedError(
            f"The archive lists {len(files)} files, and {limits.files} are the limit.", "Hand in fewer files."
        )
    for name, entry in files.items():
        _check_size(name, int(entry["size"]), limits)
    _check_total(sum(int(entry["size"]) for entry in files.values()), limits)
    return files


def _check_distinct(names: Iterable[str]) -> None:
    """Two names that differ in case or in the coding of an accent are one file on some machines."""
    seen: dict[str, str] = {}
    for name in names:
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in seen:
            raise ExchangeRefusedError(
                f"'{seen[folded]}' and '{name}' would be one file on some machines.", "Rename one of them."
            )
        seen[folded] = name


def _check_size(name: str, size: int, limits: Limits) -> None:
    if not 0 <= size <= limits.file_bytes:
        raise ExchangeRefusedError(
            f"'{name}' has {size:,} bytes, and {limits.file_bytes:,} are the limit for one file.",
            "Make it smaller or remove it.",
            name=name,
        )


def _check_total(size: int, limits: Limits) -> None:
    if size > limits.total_bytes:
        raise ExchangeRefusedError(
            f"The files have more than {limits.total_bytes:,} bytes together, which is the limit.",
            "Remove data and results that nobody grades.",
        )


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    archive.addfile(member, io.BytesIO(content))


class _Bounded:
    """A stream that refuses to give more than `left` bytes: a small archive can unfold to a huge one."""

    def __init__(self, stream: gzip.GzipFile, left: int) -> None:
        self.stream, self.left = stream, left

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise ExchangeRefusedError("The archive unfolds to more than is allowed.", "Hand in fewer files.")
        return data
