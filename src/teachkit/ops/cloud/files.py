"""What goes through the bucket: each machine of a run writes its files, and a list of them with their hashes.

``OUTPUT/machine-0/manifest.json`` is written after the files that it names, and again after each lesson. So
what is in the list is in the bucket whole, also when the machine was taken away a moment later.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from teachkit.cloud.bucket import safe_path
from teachkit.cloud.store import Store
from teachkit.errors import ChecksumError, StorageError
from teachkit.paths import atomic

MANIFEST = "manifest.json"
RUNNING, FINISHED, FAILED, STOPPED = "running", "finished", "failed", "stopped"


@dataclass(frozen=True)
class Manifest:
    """What one machine has done so far; `files` maps a path below its folder to the SHA-256 of its content.

    `problem` is one sentence when something went wrong, `device` what it calculated on.
    """

    machine: int
    state: str = RUNNING
    problem: str = ""
    device: str = ""
    seconds: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the machine will write no more."""
        return self.state != RUNNING


def read_manifest(store: Store, machine: int) -> Manifest | None:
    """The list of one machine; None while it has not written any.

    Raises:
        StorageError: the bucket does not answer, or the list is not one of ours.
    """
    name = f"machine-{machine}/{MANIFEST}"
    if store.stat(name) is None:
        return None
    try:
        return Manifest(**json.loads(store.read(name)))
    except (ValueError, TypeError) as error:
        raise StorageError(
            f"'{name}' in {store.url} is no list of results ({error}).",
            "Another program wrote it: choose another folder of the bucket.",
            name=name,
        ) from error


def upload(store: Store, manifest: Manifest, folder: Path, before: Mapping[str, str]) -> dict[str, str]:
    """Write the files below `folder` that differ from `before`, then the list; returns the new hashes.

    Hidden files are locks and files that are only half there: they stay.
    """
    files: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".") or "/." in name:
            continue
        content = path.read_bytes()
        files[name] = _sha256(content)
        if before.get(name) != files[name]:
            store.replace(f"machine-{manifest.machine}/{name}", content)
    complete = {**asdict(manifest), "files": files}
    store.replace(f"machine-{manifest.machine}/{MANIFEST}", json.dumps(complete, indent=1).encode())
    return files


def download(store: Store, machine: int, target: Path, *, only: str = "") -> Manifest | None:
    """Bring the files of one machine below `target`; those that are there already with that hash stay.

    Args:
        only: beginning of the names that are wanted; all when empty.

    Raises:
        ChecksumError: what arrived is not what the list names, also at the second try.
        StorageError: the bucket does not answer or refuses.
    """
    for last_try in (False, True):
        manifest = read_manifest(store, machine)
        if manifest is None:
            return None
        wanted = {name: sha for name, sha in manifest.files.items() if name.startswith(only)}
        wrong = [name for name, sha in wanted.items() if not _bring(store, machine, name, sha, target)]
        if not wrong:
            return manifest
        if last_try:  # at the first, the machine may have written a file anew after its list
            raise ChecksumError(
                f"{len(wrong)} files of {store.url} are not what their list says, first '{wrong[0]}'.",
                "Fetch again when the job has ended; if it stays, start the run anew.",
                name=wrong[0],
            )
    return None


def _bring(store: Store, machine: int, name: str, sha256: str, target: Path) -> bool:
    path = target / safe_path(name)
    if path.is_file() and _sha256(path.read_bytes()) == sha256:
        return True
    content = store.read(f"machine-{machine}/{name}")
    if _sha256(content) != sha256:
        return False
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return True


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
