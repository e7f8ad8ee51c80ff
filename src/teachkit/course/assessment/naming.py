"""A step of autograding that says whose submission it is, for questions that differ by student."""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from teachkit.course.assessment.variants import VARIANT, variant


class NameStudent(NbGraderPreprocessor):
    """Before a submission is graded, say whose it is: the folder decides, and never what it holds."""

    term = Unicode("", help="Name of the term, such as 2026-autumn; empty: the same numbers for all.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        path = Path(resources["metadata"]["path"]) / VARIANT
        path.unlink(missing_ok=True)  # whatever came with the submission
        if self.term:
            path.write_text(variant(self.term, resources["nbgrader"]["student"]), encoding="utf-8")
        return nb, resources
