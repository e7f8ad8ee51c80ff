"""Which lines of the quizzes students must not see, and where a text shows one.

Secret are the lines of solutions, hidden tests and mark schemes that no visible cell of a quiz shows.
Blanks do not count when lines are compared, because quoting and formatting change them.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN = re.compile(r"\s*#{2,} BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
END = re.compile(r"\s*#{2,} END ")
# A line such as "train,", ").values()" or "return True" stands anywhere and gives nothing away; an import
# neither.
SAYS_NOTHING = re.compile(r"[\s()\[\]{},.:]*\w*( \w+)?[\s()\[\]{},.:]*|(from|import) .*")
# Two neighbouring lines of at least so many characters are no coincidence.
PAIR = 40


@dataclass(frozen=True)
class Secret:
    """One line, where it stands (such as ``01_topic/quiz.ipynb, q1-test``), and the secret line below it."""

    line: str
    place: str
    below: str = ""


@dataclass(frozen=True)
class Leak:
    """A text that shows a secret."""

    where: str
    secret: Secret

    def __str__(self) -> str:
        return f"{self.where} shows a line of {self.secret.place}: {self.secret.line.strip()[:60]}"


def secret_lines(source: Path) -> list[Secret]:
    """The secrets of all quiz notebooks ``source/*/*.ipynb``, each line once."""
    shown: list[str] = []
    found: dict[str, Secret] = {}
    for path in sorted(source.glob("*/*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            place = f"{path.parent.name}/{path.name}, {about.get('grade_id', cell['cell_type'])}"
            visible, regions = _split("".join(cell["source"]))
            shown += map(squeeze, visible)
            for region in regions:
                lines = [line for line in region if not SAYS_NOTHING.fullmatch(line.strip())]
                for line, below in zip(lines, [*lines[1:], ""], strict=True):
                    found.setdefault(squeeze(line), Secret(line, place, below))
    everything = "\n".join(shown)
    return [secret for line, secret in found.items() if line not in everything]


def leaks(secrets: Iterable[Secret], texts: Mapping[str, str], taught: Iterable[str] = ()) -> list[Leak]:
    """Every secret that one of the `texts` (name to text) shows.

    A lesson teaches lines that a solution then uses, so in texts whose name begins with one of `taught` a
    line counts only together with the secret line below it.
    """
    wanted = [(squeeze(secret.line), squeeze(secret.below), secret) for secret in secrets]
    free = tuple(taught)
    found = []
    for name, text in texts.items():
        there = squeeze(text)
        for line, below, secret in wanted:
            if name.startswith(free):
                known = bool(below) and len(line + below) >= PAIR and line + below in there
            else:
                known = line in there
            if known:
                found.append(Leak(name, secret))
    return found


def squeeze(text: str) -> str:
    """`text` without blanks."""
    return "".join(text.split())


def readable(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    """(name, text) of a file: a notebook's strings, the members of an archive; nothing for binary data."""
    if name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from readable(f"{name}/{member}", archive.read(member))
        return
    if b"\0" in content:
        return
    text = content.decode("utf-8", errors="replace")
    if name.endswith((".ipynb", ".json")):
        with suppress(ValueError):  # half a notebook is still text
            text = "\n".join(_strings(json.loads(text)))
    yield name, text


def _strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys too; a list of lines, as notebooks keep them, in one piece."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield "".join(value)
        else:
            for item in value:
                yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)


def _split(source: str) -> tuple[list[str], list[list[str]]]:
    visible: list[str] = []
    regions: list[list[str]] = []
    inside = False
    for line in source.split("\n"):
        if BEGIN.match(line):
            inside = True
            regions.append([])
        elif END.match(line):
            inside = False
        elif inside:
            regions[-1].append(line)
        else:
            visible.append(line)
    return visible, regions
