"""Tables over seeds, in Markdown, from the values of cells."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from _grid import markdown_table, with_interval

from teachkit.metrics import paired_difference, t_interval

Cells = Sequence[Mapping[str, Any]]
TITLES = {
    "auc": "AUC",
    "acc": "accuracy",
    "balacc": "balanced accuracy",
    "kappa": "Cohen's kappa",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "calibration_error": "calibration error",
    "dice": "Dice",
    "iou": "IoU",
    "boundary_f": "boundary F",
    "dice_picture": "Dice a picture",
    "object_f1": "object F1",
}


def score_table(rows: Mapping[str, Cells], columns: Sequence[tuple[str, str]], first: str = "arm") -> str:
    """Mean and interval per row and column, and the number of runs behind them.

    Args:
        rows: label of a row to the values of its cells.
        columns: pairs of split and score, such as ("test", "auc").
        first: heading of the labels.
    """
    header = [first, "runs", *(f"{TITLES[score]}, {split}" for split, score in columns)]
    lines = [
        [label, str(len(cells))]
        + [with_interval(t_interval([cell[split][score] for cell in cells])) for split, score in columns]
        for label, cells in rows.items()
        if cells
    ]
    return markdown_table(header, lines)


def difference_table(
    rows: Mapping[str, Cells],
    columns: Sequence[tuple[str, str]],
    pairs: Sequence[tuple[str, str]] | None = None,
) -> str:
    """Paired differences over the seeds that both rows have, for the given pairs or for all.

    Args:
        rows: label of a row to its cells, in the order of the seeds.
        columns: as in `score_table`.
        pairs: (a, b) stands for a minus b.
    """
    lines = []
    for a, b in pairs or [(later, earlier) for earlier, later in combinations(rows, 2)]:
        shared = min(len(rows[a]), len(rows[b]))  # cells come seed by seed, so the first ones belong together
        if shared == 0:
            continue
        line = [f"{a} − {b}", str(shared)]
        for split, score in columns:
            first, second = ([cell[split][score] for cell in rows[name][:shared]] for name in (a, b))
            line.append(with_interval(paired_difference(first, second), signed=True))
        lines.append(line)
    return markdown_table(
        ["difference", "pairs", *(f"{TITLES[score]}, {split}" for split, score in columns)], lines
    )
