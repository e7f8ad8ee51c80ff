"""Bringing a file here: no real name before its checksum agrees, one writer at a time, resumable."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from teachkit.cloud.progress import byte_bar
from teachkit.data.registry import Item
from teachkit.errors import ChecksumError, FetchError
from teachkit.paths import atomic, cache_dir

ATTEMPTS = 3  # a host that drops the line is asked for the rest this often
TIMEOUT_S = (10.0, 60.0)  # to connect, and between two pieces
CHUNK = 2**18  # bytes; a line that drops costs at most this much again


def deliver(target: Path, item: Item, bring: Callable[[Path], None]) -> Path:
    """`target`, made by ``bring(part)`` when it is not there yet.

    `part` is a file (or folder) beside `target` that survives a kill, so `bring` may go on where it stopped.
    It takes the real name in one step, after its hash agrees. Two processes may call this at once: one waits.

    Raises:
        ChecksumError: when what arrived is not what the registry promises; nothing of it is kept.
        FetchError: when the disk is full, or as `bring` raises it.
    """
    if _is_complete(target, item):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with _one_writer(target), _disk_full_explained(part):
        if _is_complete(target, item):  # somebody else brought it while we waited
            return target
        require_space(target.parent, item.bytes, item.path)
        resumed = part.exists()
        bring(part)
        actual = _hash(part, item)
        if resumed and not actual.startswith(item.hash):  # the old piece may have been the bad one
            part.unlink()
            bring(part)
            actual = _hash(part, item)
        if not actual.startswith(item.hash):
            part.unlink()
            raise ChecksumError(
                f"The download of {item.path} has {actual}, but the registered file has {item.hash}.",
                "Run the same command again; if it happens twice, the file at the source has changed.",
                path=str(target),
                expected=item.hash,
                actual=actual,
            )
        os.replace(part, target)
        if item.hash:
            _remember(target, actual)
    return target


def from_host(url: str, part: Path) -> None:
    """Write `url` to `part`; when `part` holds a beginning already, ask the host for the rest only.

    Raises:
        FetchError: no network, an error from the host, or a download that stopped early.
    """
    import requests

    host = urlsplit(url).netloc
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _request(url, part)
            return
        except requests.exceptions.HTTPError as error:
            raise FetchError(
                f"{host} refused to send the file: {error}.",
                "Try again later, or copy the file into a folder and set TEACHKIT_DATA to it.",
                url=url,
            ) from error
        except requests.exceptions.ChunkedEncodingError as error:
            if attempt == ATTEMPTS:
                raise FetchError(
                    f"The download of {url} stopped early, after {part.stat().st_size:,} bytes.",
                    "Run the same command again; it goes on where it stopped.",
                    url=url,
                ) from error
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise FetchError(
                f"No answer from {host}.",
                "Check the network, or use local data: TEACHKIT_DATA=FOLDER or TEACHKIT_OFFLINE=1.",
                url=url,
            ) from error


def _request(url: str, part: Path) -> None:
    """One request; pooch reads the answer into `part`."""
    import pooch
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    # The bar starts with a total because pooch asks whether it is true; the true total comes with the answer.
    with part.open("ab") as file, byte_bar(Path(urlsplit(url).path).name, total=1) as bar:

        def on_answer(response: requests.Response, *_: object, **__: object) -> None:
            if have and response.status_code == 200:  # asked for the rest, got the whole file
                file.truncate(0)
            if response.status_code in (200, 206):
                require_space(part.parent, int(response.headers.get("content-length", 0)), url)

        options = {"timeout": TIMEOUT_S, "headers": headers, "hooks": {"response": on_answer}}
        try:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, **options)(url, file, None)
        except requests.exceptions.HTTPError as error:
            answer = error.response
            if answer is None or answer.status_code != requests.codes.requested_range_not_satisfiable:
                raise
            # Killed between the last byte and the rename: nothing is missing. Else the piece is no beginning.
            if answer.headers.get("content-range") != f"bytes */{have}":
                file.truncate(0)
                raise requests.exceptions.ChunkedEncodingError("the kept piece is too long") from error


def check_file(path: Path, expected: str) -> None:
    """Refuse a user's file whose hash is not `expected`, and leave it as it is.

    Raises:
        ChecksumError: naming both hashes.
    """
    actual = known_digest(path, expected)
    if not actual.startswith(expected):
        raise ChecksumError(
            f"{path} has {actual}, but the registered file has {expected}. It was left untouched.",
            "Replace it with the official file, or give your own file another name.",
            path=str(path),
            expected=expected,
            actual=actual,
        )


def digest(path: Path, algorithm: str) -> str:
    """The hash of a file, written "algorithm:hex"."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def known_digest(path: Path, like: str) -> str:
    """The digest of `path` by the algorithm of `like` ("md5:…"); "" when `like` is "".

    Computed again only when path, length or time of change differ from the last time.
    """
    if not like:
        return ""
    algorithm = like.partition(":")[0]
    with suppress(OSError, ValueError, AttributeError, KeyError):  # no note, or a damaged one: hash again
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        if note.get("file") == _identity(path) and note["digest"].startswith(f"{algorithm}:"):
            return str(note["digest"])
    value = digest(path, algorithm)
    _remember(path, value)
    return value


def forget(path: Path) -> None:
    """Drop what is remembered of `path`, so that the next check hashes it again."""
    _note(path).unlink(missing_ok=True)


def require_space(folder: Path, needed: int | None, what: str) -> None:
    """Refuse to begin when `folder` (or the nearest one above that exists) has no room for `needed` bytes.

    Raises:
        FetchError: with both numbers.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed is not None and needed > free:
        raise FetchError(
            f"{what} needs {needed / 2**20:,.0f} MiB and {folder} has {free / 2**20:,.0f} MiB free.",
            "Make room, or set TEACHKIT_CACHE to a folder on a larger disk.",
            needed=needed,
            free=free,
        )


def _remember(path: Path, value: str) -> None:
    # Without a writable cache the file is simply hashed again next time.
    with suppress(OSError), atomic(_note(path)) as temporary:
        temporary.write_text(json.dumps({"file": _identity(path), "digest": value}), encoding="utf-8")


def _note(path: Path) -> Path:
    return cache_dir() / "hashes" / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.json"


def _identity(path: Path) -> list[str | int]:
    stat = path.stat()
    return [str(path.resolve()), stat.st_size, stat.st_mtime_ns]


def _hash(part: Path, item: Item) -> str:
    return digest(part, item.hash.partition(":")[0]) if item.hash else ""


def _is_complete(target: Path, item: Item) -> bool:
    if item.is_folder:
        return all((target / member).exists() for member in item.members)
    return target.exists() and known_digest(target, item.hash).startswith(item.hash)


@contextmanager
def _one_writer(target: Path) -> Iterator[None]:
    """An inter-process lock beside `target`; the system frees it when its holder dies."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=1)
    except Timeout:
        sys.stderr.write(f"Another process is fetching {target.name}; waiting for it.\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_full_explained(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)  # do not leave the disk full
        raise FetchError(
            f"The disk of {part.parent} is full.",
            "Make room, or set TEACHKIT_CACHE to a folder on a larger disk.",
            path=str(part.parent),
        ) from error
