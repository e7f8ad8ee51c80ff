"""Letting nbgrader grade in a box; one call in ``nbgrader_config.py``."""

from typing import Any

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from teachkit.course.box.execute import BoxedExecute
from teachkit.course.box.integrity import Integrity


def use_box(config: Any) -> None:
    """nbgrader's own steps of autograding, with ours in place of the one that runs notebooks.

    `Integrity` comes first, because outputs are cleared after it.
    """
    config.Autograde.sanitize_preprocessors = [
        Integrity,
        ClearOutput,
        DeduplicateIds,
        OverwriteKernelspec,
        OverwriteCells,
        CheckCellMetadata,
    ]
    config.Autograde.autograde_preprocessors = [
        BoxedExecute,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
