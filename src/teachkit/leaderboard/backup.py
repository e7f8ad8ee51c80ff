"""The whole site in one tar file, and back: database, uploads, predictions and labels, each with its hash.

A backup can be restored on another kind of database. Sessions and counts of wrong passwords are not in it:
everybody logs in again.
"""

import hashlib
import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from teachkit import __version__
from teachkit.errors import ChecksumError, FormatError, SettingsError, TeachkitError
from teachkit.leaderboard.board.table import forget_orders
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.challenges.vault import vault
from teachkit.leaderboard.people.models import User
from teachkit.leaderboard.submissions.models import Submission
from teachkit.paths import atomic

DATABASE, MANIFEST = "database.json", "manifest.json"
FILES = re.compile(r"(uploads|predictions|labels)/[A-Za-z0-9][A-Za-z0-9._-]*")
# Names of tables and permissions are made by migrations on the machine that restores.
LEFT_OUT = ["contenttypes", "auth.permission", "sessions", "axes"]
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


def back_up(target: Path) -> dict[str, Any]:
    """Write everything to `target`, whole or not at all; its manifest.

    The database comes first, as of one moment. A file is written before its entry and stays as it is, so each
    entry finds its file. A file that is lost is named under ``missing``; the rest is saved all the same.
    """
    with (
        atomic(target) as temporary,
        tarfile.open(temporary, "w") as archive,
        tempfile.TemporaryDirectory(dir=target.resolve().parent) as folder,
    ):
        temporary.chmod(0o600)  # it names people and holds labels
        dump = Path(folder) / DATABASE
        with _snapshot():
            call_command("dumpdata", output=str(dump), exclude=LEFT_OUT, verbosity=0)
            wanted = {DATABASE: dump, **dict(_files())}
            migrations = _migrations()
        hashes = {name: _added(archive, name, path) for name, path in wanted.items()}
        manifest = {
            "teachkit": __version__,
            "migrations": migrations,
            "files": {name: sha256 for name, sha256 in hashes.items() if sha256},
            "missing": sorted(name for name, sha256 in hashes.items() if not sha256),
        }
        content = json.dumps(manifest, indent=1).encode()
        last = tarfile.TarInfo(MANIFEST)
        last.size = len(content)
        archive.addfile(last, io.BytesIO(content))
    return manifest


def restore(source: Path) -> dict[str, Any]:
    """Fill an empty site from a backup; the manifest of it. Every hash is checked before anything is written.

    Raises:
        FormatError: `source` is no backup, or was cut off.
        ChecksumError: a file in it has changed.
        SettingsError: the site is not empty, or its tables are those of another version.
    """
    manifest = _checked(source)
    if unlike := set(_migrations()) ^ set(manifest["migrations"]):
        raise SettingsError(
            f"The tables of this site are not those of '{source}': {', '.join(sorted(unlike))}.",
            f"Restore with teachkit {manifest['teachkit']}, then go on to the newer version.",
        )
    if User.objects.exists() or Challenge.objects.exists():
        raise SettingsError(
            "This site is not empty.", "Restore into a new folder (TEACHKIT_SITE) and a new database."
        )
    with tarfile.open(source) as archive, tempfile.TemporaryDirectory() as folder:
        for name in manifest["files"]:
            if name != DATABASE:
                _put(archive, name, _place(name), 0o400 if name.startswith("labels/") else 0o600)
        dump = Path(folder) / DATABASE
        _put(archive, DATABASE, dump, 0o600)
        call_command("loaddata", str(dump), verbosity=0)
    forget_orders()
    return manifest


def _added(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """Put a file into the archive as it is now, whatever takes its place; its hash, "" when it is lost."""
    try:
        with path.open("rb") as stream:
            archive.addfile(archive.gettarinfo(arcname=name, fileobj=stream), stream)
            stream.seek(0)
            return _hash(stream)
    except FileNotFoundError:
        return ""
    except PermissionError as error:
        raise SettingsError(
            f"'{path}' cannot be read by this account.", "Make backups with the account of the worker."
        ) from error


def _files() -> Iterator[tuple[str, Path]]:
    for entry in Submission.objects.only("stored", "state").order_by("pk"):
        yield f"uploads/{entry.path.name}", entry.path
        if entry.state == Submission.State.SCORED:
            yield f"predictions/{entry.table_path.name}", entry.table_path
    for challenge in Challenge.objects.exclude(labels=""):
        yield f"labels/{challenge.labels}", challenge.labels_path


def _place(name: str) -> Path:
    kind, _, file = name.partition("/")
    return vault() / file if kind == "labels" else Path(settings.SITE_FOLDER) / kind / file


def _migrations() -> list[str]:
    return sorted(map(".".join, MigrationRecorder(connection).applied_migrations()))


@contextmanager
def _snapshot() -> Iterator[None]:
    """All that is read comes from one moment, on each database, and nobody waits for it."""
    usual = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        connection.transaction_mode = None  # it only reads, so it needs no lock
    if connection.vendor == "mysql":  # counts for the next transaction
        with connection.cursor() as cursor:
            cursor.execute(SNAPSHOT)
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":  # counts for this one
                with connection.cursor() as cursor:
                    cursor.execute(SNAPSHOT)
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = usual


def _checked(source: Path) -> dict[str, Any]:
    """The manifest, after every file agreed with it."""
    try:
        with tarfile.open(source) as archive:
            names = archive.getnames()
            if not names or names[-1] != MANIFEST:
                raise FormatError(f"'{source}' is no backup, or was cut off.", "Give another one.")
            manifest: dict[str, Any] = json.loads(_stream(archive, MANIFEST).read())
            known = manifest["files"]
            odd = [name for name in known if name != DATABASE and not FILES.fullmatch(name)]
            if odd or sorted(names[:-1]) != sorted(known):
                raise FormatError(f"'{source}' holds other files than it says.", "Give another one.")
            for name, expected in known.items():
                if (found := _hash(_stream(archive, name))) != expected:
                    raise ChecksumError(
                        f"'{name}' in '{source}' has the SHA-256 {found}, not {expected}.",
                        "The backup is damaged; nothing was restored. Give another one.",
                    )
    except TeachkitError:
        raise
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise FormatError(
            f"'{source}' cannot be read as a backup ({type(error).__name__}).", "Give another one."
        ) from error
    return manifest


def _stream(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    found = archive.extractfile(name)
    if not isinstance(found, io.BufferedReader):  # None for a link or a folder
        raise FormatError(f"'{name}' in the backup is no file.", "Give another backup.")
    return found


def _put(archive: tarfile.TarFile, name: str, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _stream(archive, name) as stream, atomic(target) as temporary, temporary.open("wb") as out:
        shutil.copyfileobj(stream, out)
    target.chmod(mode)


def _hash(stream: io.BufferedReader) -> str:
    with stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
