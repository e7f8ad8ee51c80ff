"""The figures of a score: the two kinds that the benchmark's first site offered, for any number of models."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from teachkit.big.measuring import TITLES
from teachkit.big.resampling import RESAMPLED
from teachkit.errors import SettingsError, UnfairComparisonError, UnknownNameError, nearest
from teachkit.plots import Picture, boxes, set_scores

if TYPE_CHECKING:
    from teachkit.big.scoring import BigScore

KINDS = ("lines", "boxes")


def draw(scores: Sequence["BigScore"], metric: str, kind: str) -> Picture:
    """One score of one or more files, over the sets or as a spread over sets.

    Raises:
        UnknownNameError: for another metric or kind.
        UnfairComparisonError: files of different suites or sizes.
    """
    for given, known, what in ((metric, RESAMPLED, "score"), (kind, KINDS, "kind of figure")):
        if given not in known:
            raise UnknownNameError(f"No {what} '{given}'.", nearest(given, known, f"{what}s"), name=given)
    first = scores[0]
    if len({(one.suite.digest, one.size) for one in scores}) > 1:
        unlike = "; ".join(
            f"{one.file}: '{one.suite.name}' {one.suite.version}, {one.size}" for one in scores
        )
        raise UnfairComparisonError(
            f"These files were scored under different suites or sizes: {unlike}.", "Score them alike."
        )
    names = _labels(scores)
    label = TITLES[metric] if metric == "auc" else TITLES[metric].capitalize()
    sets = first.suite.names
    title = f"{label} on suite '{first.suite.name}', test pictures {first.size}×{first.size}"
    held = {
        name: {one: values[metric] for one, values in score.sets.items() if math.isfinite(values[metric])}
        for name, score in zip(names, scores, strict=True)
    }
    if not all(held.values()):
        raise SettingsError(f"In no set is the {TITLES[metric]} defined.", "Draw another score.")
    counts = {name: f"{len(values)} of {len(sets)} sets" for name, values in held.items()}
    alike = len(set(counts.values())) == 1
    told = counts[names[0]] if alike else ", ".join(f"{count} in {name}" for name, count in counts.items())
    drawn = max(score.bootstrap for score in scores)
    sample = f"95 % bootstrap over test pictures, {drawn:,} draws" if drawn else ""
    if kind == "boxes":
        means = {
            name: score.intervals["mean"][metric]
            for name, score in zip(names, scores, strict=True)
            if score.rankable and "mean" in score.intervals
        }
        note = f"Each box: {told}; one trained model each." + (f" Blue: mean, {sample}." if means else "")
        return boxes(
            {name: list(values.values()) for name, values in held.items()},
            means,
            label=label,
            title=title,
            note=note,
            zero=False,
        )
    intervals = {
        name: {one: values[metric] for one, values in score.intervals.items() if one in held[name]}
        for name, score in zip(names, scores, strict=True)
    }
    dashes = (
        " Dashed: mean over the sets." if any(len(values) == len(sets) for values in held.values()) else ""
    )
    note = f"{told}; one trained model each.{dashes}" + (f" Bars: {sample}." if sample else "")
    return set_scores(held, sets, intervals, label=label, title=title, note=note)


def _labels(scores: Sequence["BigScore"]) -> list[str]:
    """File names, numbered where two are alike."""
    files = [score.file for score in scores]
    return [
        file if files.count(file) == 1 else f"{file} ({files[: index + 1].count(file)})"
        for index, file in enumerate(files)
    ]
