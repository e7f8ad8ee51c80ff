"""Tables of study 06 with one column a set of clusters."""

from collections.abc import Callable, Mapping, Sequence

from _grid import markdown_table
from _ugnn_arms import SETS
from _ugnn_found import Estimate, verdict

Row = Callable[[str], Estimate | None]  # from the name of a set to what stands in its column
MISSING = "Not computed yet."
SHARED = {
    "role": "by role",
    "stem": "first layers",
    "generator": "with generator",
    "generator-only": "generator alone",
}


def by_set(first: str, rows: Mapping[str, Row], sets: Sequence[str] = tuple(SETS)) -> str:
    """A table of estimates, and after one of differences how many exclude 0."""
    found = {label: [row(key) for key in sets] for label, row in rows.items()}
    found = {label: line for label, line in found.items() if any(line)}
    if not found:
        return MISSING
    header = [first, *(SETS[key].title for key in sets)]
    table = markdown_table(header, [[label, *map(shown, line)] for label, line in found.items()])
    known = [each for line in found.values() for each in line if each is not None]
    sentence = verdict(known) if known[0].signed else ""
    return f"{table}\n\n{sentence}".strip()


def verdicts(gaps: Sequence[tuple[Estimate | None, Estimate | None]]) -> str:
    """Below a table whose last columns are joint minus plain and joint minus solo."""
    plain, solo = zip(*gaps, strict=True)
    return f"Joint − plain: {verdict(plain)}\n\nJoint − solo: {verdict(solo)}"


def shown(estimate: Estimate | None) -> str:
    """An estimate in a table."""
    return "–" if estimate is None else str(estimate)


def arm_title(arm: str) -> str:
    """Of a way of training: "joint_fixed_1000" is "joint, fixed, 1,000 groups"."""
    kind, *rest = arm.split("_")
    if len(rest) == 2:
        return f"{kind}, {rest[0]}, {groups_title(rest[1])}"
    return ", ".join([kind, *(SHARED[what] for what in rest)])


def groups_title(groups: str | int) -> str:
    """Who shares a scale and a shift."""
    return f"{int(groups):,} groups" if str(groups).isdigit() else f"by {groups}"
