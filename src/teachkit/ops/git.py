"""Git, called plainly: in the folder that is named, under a name of the course, errors as sentences."""

import os
import shutil
import subprocess
from pathlib import Path

from teachkit.errors import SettingsError

AUTHOR = "teachkit"
ADDRESS = "teachkit@localhost"
# Set while git runs a hook: they would lead us to another repository.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def git(folder: Path, *arguments: str) -> str:
    """What ``git ARGUMENTS`` prints in `folder`, which must be the top of its repository.

    Raises:
        SettingsError: git is not installed, or it fails; its last words are quoted.
    """
    return git_bytes(folder, *arguments).decode("utf-8")


def git_bytes(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """As `git`, in bytes; `given` is its standard input."""
    if shutil.which("git") is None:
        raise SettingsError("The program git is not installed.", "Install it, on Debian: apt install git")
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment |= {
        "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent),  # never a repository around this one
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": ADDRESS,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": ADDRESS,
    }
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "core.quotepath=false", *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", errors="replace").strip().splitlines() or ["no message"]
        raise SettingsError(
            f"git {arguments[0]} failed in {folder}: {said[-1]}",
            "Look at it with: git status",
            arguments=arguments,
        )
    return done.stdout


def content(folder: Path, revision: str, path: str) -> bytes | None:
    """The file `path` as it stands in `revision`; None when it is not there."""
    if not git(folder, "ls-tree", revision, "--", path):
        return None
    return git_bytes(folder, "cat-file", "blob", f"{revision}:{path}")
