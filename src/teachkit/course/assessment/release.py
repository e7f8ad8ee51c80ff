"""What nbgrader makes of a source notebook: the release, and the page that goes back after grading."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from teachkit.extras import need

SETTINGS = "nbgrader_config.py"
# Of nbgrader's steps those that change the notebook; the others write to the gradebook.
STEPS = ("LockCells", "ClearSolutions", "ClearOutput", "ClearHiddenTests", "ClearMarkScheme")


def settings(quizzes: Path) -> Config:
    """nbgrader's settings of a course folder; its own defaults where there is no file."""
    need("nbgrader", "grading")
    if not (quizzes / SETTINGS).is_file():
        return Config()
    return PyFileConfigLoader(SETTINGS, path=str(quizzes)).load_config()


def read(path: Path) -> NotebookNode:
    """A notebook in format 4."""
    return nbformat.read(path, as_version=4)


def released(notebook: NotebookNode, config: Config) -> NotebookNode:
    """A copy without solutions, hidden tests, mark schemes and outputs, made by nbgrader's own steps."""
    from nbgrader import preprocessors

    result, resources = deepcopy(notebook), {"metadata": {"kernel": {"language": "python"}}}
    for step in STEPS:
        result, resources = getattr(preprocessors, step)(config=config).preprocess(result, resources)
    return result


def answers(notebook: NotebookNode) -> dict[str, str]:
    """The source of each answer cell, by grade id."""
    return {
        cell.metadata["nbgrader"]["grade_id"]: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def returned(notebook: NotebookNode, release: NotebookNode, said: Mapping[int, str]) -> NotebookNode:
    """The notebook that a feedback page is made from, for a student who prints all there is to print.

    Grading puts hidden tests and mark schemes back. The student's own cell prints the whole notebook, and
    each test cell fails with an error that quotes its source.

    Args:
        notebook: the source; its answers are replaced by those of `release`.
        release: what the student was given, and left as it was.
        said: what each code cell printed while it was graded, by its number from 0.
    """
    from teachkit.course.feedback import HideTests

    page, given = deepcopy(notebook), answers(release)
    everything = "\n".join(cell.source for cell in page.cells if not _solved(cell))
    for number, cell in enumerate(page.cells):
        cell.source = given.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        if cell.cell_type == "code":
            cell.outputs = [_printed(said.get(number, ""))]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                trace = [f"Cell In[1], line {len(cell.source.splitlines())}", *cell.source.split("\n")]
                cell.outputs.append(
                    nbformat.v4.new_output("error", ename="E", evalue=cell.source, traceback=trace)
                )
    nosy = nbformat.v4.new_code_cell("print(In)", outputs=[_printed(everything), _printed(repr(everything))])
    page.cells.append(nosy)
    return HideTests().preprocess(page, {})[0]


def _solved(cell: Any) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _printed(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=text)
