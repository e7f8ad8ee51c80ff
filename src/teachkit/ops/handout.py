"""Hand the students' copy out through a bucket, for machines that fetch it by themselves.

Below ``gs://BUCKET/PREFIX`` lie three things: ``course-COMMIT-HASH.bundle``, which is the whole repository
in one file and is never replaced; ``course.sha256``, one line that names the newest bundle with its hash, as
``sha256sum --check`` reads it; and ``post_startup.sh``, which a new instance runs.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from teachkit.cloud.bucket_store import BucketStore
from teachkit.cloud.store import Store
from teachkit.errors import AlreadyStoredError, FormatError, SettingsError
from teachkit.ops.bundle import MARK
from teachkit.ops.git import git

POINTER = "course.sha256"
SCRIPT = "post_startup.sh"
SHORT = 12  # digits of a commit or a hash that stand in a file's name


@dataclass(frozen=True)
class Offer:
    """What machines fetch now: the name of the bundle, its length in bytes, whether it is new."""

    name: str
    size: int
    new: bool


def hand_out(folder: Path, url: str, script: Path, store: Store | None = None) -> Offer:
    """Put the publication in `folder` and the start script into the bucket at `url`.

    The name of the newest bundle is written last, so a machine never sees half a publication.

    Args:
        folder: what `teachkit.ops.bundle.publish` wrote.
        url: gs://BUCKET/PREFIX.
        script: the instances' start script.
        store: where to write instead, for tests.

    Raises:
        SettingsError: `folder` is no publication.
        StorageError: the bucket refuses or does not answer; the older bundle stays in force.
    """
    if not (folder / MARK).is_file():
        raise SettingsError(
            f"{folder} is no publication.", "Write one with: teachkit course publish FOLDER", path=str(folder)
        )
    store = store or BucketStore(url)
    store.replace(SCRIPT, script.read_bytes())
    commit = git(folder, "rev-parse", "HEAD").strip()[:SHORT]
    there = _newest(store)
    if there and there.startswith(f"course-{commit}-") and (found := store.stat(there)):
        return Offer(there, found.size, new=False)
    content = pack(folder)
    digest = hashlib.sha256(content).hexdigest()
    name = f"course-{commit}-{digest[:SHORT]}.bundle"
    try:
        store.create(name, content)
    except AlreadyStoredError:  # an earlier attempt ended before the pointer was written
        if hashlib.sha256(store.read(name)).hexdigest() != digest:
            raise
    store.replace(POINTER, f"{digest}  {name}\n".encode())
    return Offer(name, len(content), new=True)


def pack(folder: Path) -> bytes:
    """The repository in `folder` with its history as one file that git can clone and fetch from."""
    with tempfile.TemporaryDirectory(prefix="teachkit-bundle-") as scratch:
        path = Path(scratch) / "course.bundle"
        git(folder, "bundle", "create", "--quiet", str(path), "HEAD", "main")
        return path.read_bytes()


def _newest(store: Store) -> str:
    """The bundle that `POINTER` names; "" where there is none yet."""
    if store.stat(POINTER) is None:
        return ""
    line = store.read(POINTER).decode("utf-8", errors="replace").split()
    if len(line) != 2:
        raise FormatError(
            f"{store.url}/{POINTER} does not hold one hash and one name.",
            "Remove it and publish again.",
            name=POINTER,
        )
    return line[1]
