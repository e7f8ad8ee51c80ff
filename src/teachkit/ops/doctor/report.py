"""A file that a student can send: what the doctor found, the packages, the last run; no names, no secrets."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from teachkit.course.condition import Check
from teachkit.errors import SettingsError
from teachkit.ops.doctor.examination import root_or_none, summary
from teachkit.ops.doctor.last_run import last_error, last_results
from teachkit.ops.doctor.packages import installed
from teachkit.ops.doctor.page import plain_page
from teachkit.ops.doctor.redaction import Redaction
from teachkit.paths import atomic

CONTENTS = "contents.txt"
INTRODUCTION = (
    "Written by teachkit doctor --report. Home folder, user, host, e-mail, keys and tokens were replaced.\n"
    "Look through the files before you send them.\n\n"
)
SETTINGS = ("TEACHKIT_", "OMP_NUM_THREADS", "JUPYTER_", "CUDA_VISIBLE_DEVICES")


def write_report(target: Path, checks: Sequence[Check], start: Path | None = None) -> list[str]:
    """Write `checks` and what lies around them into the zip file `target`.

    Returns:
        One line for each file in it.

    Raises:
        SettingsError: `target` is a folder.
    """
    if target.is_dir():
        raise SettingsError(f"'{target}' is a folder.", "Name a file, such as report.zip.", path=str(target))
    files = _files(checks, root_or_none(start))
    listing = [f"{name}: {what}" for name, (what, _) in files.items()]
    with atomic(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CONTENTS, INTRODUCTION + "\n".join(listing) + "\n")
        for name, (_, text) in files.items():
            archive.writestr(name, text)
    return listing


def _files(checks: Sequence[Check], root: Path | None) -> dict[str, tuple[str, str]]:
    """File → (what it is, its text), with nothing personal in it."""
    redaction = Redaction()
    settings = {name: value for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)}
    packages = "".join(f"{name}=={version}\n" for name, version in sorted(installed().items()))
    files: dict[str, tuple[str, str]] = {
        "doctor.txt": ("the checks, to read", plain_page(_cleaned(checks, redaction))),
        "doctor.json": ("the checks, for programs", _dumped(redaction.content(summary(checks)))),
        "settings.json": ("variables that steer the course", _dumped(redaction.content(settings))),
        "packages.txt": ("installed packages and versions", packages),
    }
    if root and (results := last_results(root)):
        where, content = results
        files["results.json"] = (f"what {where} holds", _dumped(redaction.content(content)))
    if root and (error := last_error(root)):
        what = f"the cell of {error.notebook} that ended in an error"
        files["error.txt"] = (what, redaction.text(str(error)))
    return files


def _cleaned(checks: Sequence[Check], redaction: Redaction) -> list[Check]:
    """The checks before they are broken into lines, which would hide a name of two words."""
    return [
        replace(check, found=redaction.text(check.found), remedy=redaction.text(check.remedy))
        for check in checks
    ]


def _dumped(content: Any) -> str:
    return json.dumps(content, indent=1, default=str) + "\n"
