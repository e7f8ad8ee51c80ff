"""Several trainings of one recipe: how far the mean over the sets moves from run to run."""

from collections.abc import Sequence

from teachkit.big.measuring import AVERAGED
from teachkit.big.scoring import BigScore
from teachkit.errors import SettingsError, UnfairComparisonError
from teachkit.metrics import Interval, t_interval


def over_runs(scores: Sequence[BigScore]) -> dict[str, Interval]:
    """The mean over runs of each mean over sets, with its 95 % t interval.

    First the mean over sets of each run, then the spread over runs. The other way round, as the mean over
    sets of their spreads, tells nothing about the mean: sets can move together, or against each other.

    Args:
        scores: one for each run, that is, for each training with a seed of its own.

    Returns:
        ``auc``, ``balacc``, ``kappa``, ``acc`` and ``calibration_error`` to an interval.

    Raises:
        SettingsError: fewer than two runs, or one without a mean.
        UnfairComparisonError: runs of different suites or sizes.
    """
    runs = list(scores)
    if len(runs) < 2:
        raise SettingsError(
            f"{len(runs)} run has no spread.",
            "Train with at least two seeds; five are better.",
            runs=len(runs),
        )
    if len({(run.suite.digest, run.size) for run in runs}) > 1:
        raise UnfairComparisonError(
            "These runs were scored under different suites or sizes.", "Score them alike."
        )
    if whole := [run.sentence for run in runs if not run.rankable]:
        raise SettingsError(f"A run has no mean. {whole[0]}", "Predict every set of the suite in every run.")
    return {name: t_interval([run.mean[name] for run in runs]) for name in AVERAGED}
