"""The last step of the weekly build: what is newer in the lock, and whether it passed every test.

``python -m teachkit.ops.lock_update OLD NEW FOLDER gs://BUCKET RUN STEP...`` writes ``FOLDER/changes.txt``
beside the locks that an earlier step put there, uploads the folder, and fails when a step left no mark in
``build/``. Nothing is written to the repository: a person reads the changes and takes the lock.
"""

import re
import sys
from pathlib import Path

from teachkit.ops.artifacts import upload

MARKS = Path("build")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)


def changes(old: str, new: str) -> list[str]:
    """One line a package that differs between two locks: "numpy 2.4.6 -> 2.5.5", by name."""
    before, after = _pins(old), _pins(new)
    told = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key, "absent"), after.get(key, "absent")
        if was != now:
            name, marker = key
            told.append(f"{name} {was} -> {now}" + (f" ({marker})" if marker else ""))
    return told


def _pins(lock: str) -> dict[tuple[str, str], str]:
    """(package, marker) → version."""
    return {(name, marker or ""): version for name, version, marker in PIN.findall(lock)}


def main() -> int:
    """Entry point of the build step."""
    old, new, folder, bucket, run, *steps = sys.argv[1:]
    told = changes(Path(old).read_text(encoding="utf-8"), Path(new).read_text(encoding="utf-8"))
    failed = [step for step in steps if not (MARKS / f"{step}.passed").is_file()]
    verdict = f"FAILED with it: {', '.join(failed)}" if failed else "Every check and test passed with it."
    text = "\n".join([f"{len(told)} packages differ. {verdict}", "", *told]) + "\n"
    (Path(folder) / "changes.txt").write_text(text, encoding="utf-8")
    print(text)
    upload(Path(folder), bucket, f"locks/{run}")
    print(f"Take it with: gcloud storage cp {bucket}/locks/{run}/requirements.lock .")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
