"""What students must not see in nbgrader's feedback: hidden tests, mark schemes, and text that quotes them.

Autograding puts both back into the notebook, and nbgrader's feedback page is made from that notebook.
`HideTests` runs before the page is made. It cuts the regions out of the cells, replaces error traces that
would quote them, and blanks lines of any output that repeat a cut line.
"""

import html
import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_solution

HIDDEN = re.compile(r"BEGIN (HIDDEN TESTS|MARK SCHEME)")
END = re.compile(r"END (HIDDEN TESTS|MARK SCHEME)")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
CUT = "[not shown]"
NOTES = {"code": "# hidden tests ran here", "markdown": ""}


class HideTests(NbGraderPreprocessor):
    """Remove hidden tests and mark schemes from a graded notebook before its feedback page is made."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        secret: set[str] = set()
        for cell in nb.cells:
            if "nbgrader" not in cell.metadata or is_solution(cell):
                continue
            cell.source, cut, numbers = split(cell.source, NOTES.get(cell.cell_type, ""))
            secret.update(line for line in map(_plain, cut) if len(line) > 3)
            if numbers and cell.cell_type == "code":
                cell.outputs = [_without_trace(output, numbers) for output in cell.outputs]
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                _redact(output, secret)
        return nb, resources


def split(source: str, note: str = "") -> tuple[str, list[str], set[int]]:
    """Part a cell's source into what may be shown and what may not.

    Returns:
        the shown text, with `note` where a region was; the lines that were cut; their numbers, from 1, with
        the two lines of the markers.
    """
    shown: list[str] = []
    cut: list[str] = []
    numbers: set[int] = set()
    inside = False
    for number, line in enumerate(source.split("\n"), start=1):
        if not inside and HIDDEN.search(line):
            inside = True
            numbers.add(number)
            if note:
                shown.append(note)
        elif inside:
            numbers.add(number)
            if END.search(line):
                inside = False
            else:
                cut.append(line)
        else:
            shown.append(line)
    return "\n".join(shown), cut, numbers


def _without_trace(output: NotebookNode, hidden: set[int]) -> NotebookNode:
    """An error of a test cell: its own words when a visible line raised it, else only its kind."""
    if output.output_type != "error":
        return output
    trace = ANSI.sub("", "\n".join(output.traceback))
    line = re.search(r"In\s?\[\d+\], line (\d+)", trace)
    visible = line is not None and int(line.group(1)) not in hidden
    said = f"{output.ename}: {output.evalue}" if visible else f"{output.ename} in a hidden test of this cell"
    output.evalue = output.evalue if visible else ""
    output.traceback = [said]
    return output


def _redact(output: NotebookNode, secret: set[str]) -> None:
    """Blank each line of an output that repeats a secret line."""
    if output.output_type == "stream":
        output.text = _blank(output.text, secret)
    elif output.output_type == "error":
        output.evalue = _blank(output.evalue, secret)
        output.traceback = [_blank(ANSI.sub("", part), secret) for part in output.traceback]
    else:
        for kind, value in output.data.items():
            if isinstance(value, str) and not kind.startswith("image/"):
                output.data[kind] = _blank(value, secret)
            elif not isinstance(value, str) and _quotes(str(value), secret):
                output.data[kind] = {}


def _blank(text: str, secret: set[str]) -> str:
    return "\n".join(CUT if _quotes(line, secret) else line for line in text.split("\n"))


def _quotes(line: str, secret: set[str]) -> bool:
    plain = _plain(line)
    return bool(HIDDEN.search(line) or END.search(line)) or any(part in plain for part in secret)


def _plain(line: str) -> str:
    """A line without what quoting adds to it: tags, entities, escapes, quotation marks and blanks."""
    bare = html.unescape(re.sub(r"</?(?:span|pre|code|p|li|b|i|em|strong)\b[^>]*>", "", line))
    return re.sub(r"\\[nt]|[\\'\"\s]", "", bare)
