"""All ways of study 06 take the same steps on a fold, or its tables are not written."""

from collections import defaultdict

from _ugnn_arms import SETS, core_cells
from _ugnn_found import Found

from teachkit.errors import UnfairComparisonError


def equal_steps(found: Found) -> str:
    """Steps a run, by set.

    Raises:
        UnfairComparisonError: two runs on the same fold took different numbers of steps.
    """
    steps: dict[tuple[str, int], set[int]] = defaultdict(set)
    for cell in core_cells():
        if (values := found.values(cell)) is not None:
            steps[cell.set, cell.fold].add(values["steps"])
    for (key, fold), taken in steps.items():
        if len(taken) > 1:
            raise UnfairComparisonError(
                f"Runs on fold {fold} of {key} took {sorted(taken)} steps.",
                "Delete the cells and run them again.",
            )
    lines = []
    for key, setting in SETS.items():
        if counts := sorted(number for (name, _), taken in steps.items() if name == key for number in taken):
            spread = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
            lines.append(f"{setting.title} {spread}")
    if not lines:
        return ""
    return (
        f"Steps, the same for every way on a fold: {', '.join(lines)}. The largest cluster sets them, so "
        "k-means clusters, which are of unequal size, give more steps than random ones."
    )
