"""The leak detective: take columns away, one tick at a time, and watch the error of a plain linear model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.metrics.arrays import finite, same_length
from teachkit.plots import Explorer, Picture, clouds, ladder
from teachkit.tabular.repeats import Repeats
from teachkit.tabular.splitting import repeat_splits

SIZE = "size"


@dataclass(frozen=True)
class Finding:
    """What linear regression achieves with the columns that are left.

    Attributes:
        without: columns that were taken away.
        columns: columns that are left.
        errors: mean absolute error on the test rows, one per split.
        mean_error: that of always answering with the mean of the training rows, over the same splits.
        unit: of both.
        guess: what the reader expected, or None.
    """

    without: tuple[str, ...]
    columns: tuple[str, ...]
    errors: tuple[float, ...]
    mean_error: float
    unit: str
    guess: float | None = None

    @property
    def error(self) -> float:
        """Mean over the splits."""
        return float(np.mean(self.errors))

    @property
    def spread(self) -> float:
        """Standard deviation over the splits; nan for one."""
        return float(np.std(self.errors, ddof=1)) if len(self.errors) > 1 else float("nan")

    @property
    def sentence(self) -> str:
        """The finding in words."""
        left = (
            f"{len(self.columns)} columns left" if self.columns else "No column left: the mean is all it has"
        )
        words = (
            f"{left}: mean absolute error {self.error:.3g} ± {self.spread:.2g} {self.unit} over "
            f"{len(self.errors)} splits. Always answering with the mean: {self.mean_error:.3g} {self.unit}."
        )
        return words if self.guess is None else f"{words} Your guess: {self.guess:.3g} {self.unit}."

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class LeakDetective(Explorer):
    """Shows tick boxes in a live notebook, and the columns leaving one by one as a picture everywhere."""

    _table: pd.DataFrame = field(repr=False)
    _target: NDArray[np.float64] = field(repr=False)
    _suspects: tuple[str, ...]
    _unit: str
    _repeats: int
    _seed: int
    _guess: float | None
    _title: str
    _known: dict[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> list[str]:
        """All columns of the table."""
        return [str(name) for name in self._table.columns]

    def at(self, without: Sequence[str] = (), guess: float | None = None) -> Finding:
        """The error without some columns.

        Args:
            without: names of columns; or of a quantity ("area"), a kind ("worst"), or "size" for all columns
                of the suspects.
            guess: what you expect, repeated in the sentence.

        Raises:
            UnknownNameError: a name that stands for no column.
        """
        gone = {column for name in without for column in self.columns_of(name)}
        left = tuple(column for column in self.columns if column not in gone)
        if left not in self._known:
            self._known[left] = tuple(self._errors(left))
        return Finding(
            tuple(column for column in self.columns if column in gone),
            left,
            self._known[left],
            self.mean_error,
            self._unit,
            guess,
        )

    def columns_of(self, name: str) -> list[str]:
        """The columns that a name stands for; see `at`.

        Raises:
            UnknownNameError: when there are none.
        """
        if name in self.columns:
            return [name]
        names = self._suspects if name == SIZE else (name,)
        found = [
            column
            for column in self.columns
            if any(
                column == one or column.startswith(f"{one}_") or column.endswith(f"_{one}") for one in names
            )
        ]
        if not found:
            raise UnknownNameError(
                f"'{name}' stands for no column.", nearest(name, self.columns, "columns"), name=name
            )
        return found

    @cached_property
    def mean_error(self) -> float:
        """Mean absolute error of always answering with the mean of the training rows."""
        return float(np.mean(self._run({"mean": DummyRegressor()}, self._table).values("mean")))

    @cached_property
    def steps(self) -> list[Finding]:
        """All columns, then without the suspects' columns, the closest followers of the target first."""
        follows = {
            name: abs(float(np.corrcoef(self._table[name], self._target)[0, 1]))
            for name in self.columns_of(SIZE)
        }
        order = sorted(follows, key=lambda name: -follows[name])
        found = [self.at(order[:count]) for count in range(len(order))]
        return [*found, self.at(order, self._guess)]

    @cached_property
    def picture(self) -> Picture:  # type: ignore[override]
        """The static twin, one row per column taken away; drawn when first asked for: it needs many fits."""
        steps = self.steps
        gone = [(set(after.without) - set(before.without)).pop() for before, after in pairwise(steps)]
        names = [f"all {len(self.columns)} columns", *(f"… and without {name}" for name in gone)]
        if len(names) > 1:
            names[1] = f"without {gone[0]}"
        return ladder(
            dict(zip(names, (step.errors for step in steps), strict=True)),
            baseline=self.mean_error,
            baseline_name="always the mean",
            guess=self._guess,
            label=f"mean absolute error ({self._unit})",
            title=self._title,
            note=f"Linear regression; dot: mean over {self._repeats} random splits, "
            "bar: mean ± standard deviation. Each row takes one more column away",
        )

    def plot_columns(self, *names: str) -> Picture:
        """The target against some columns: points on a line know the answer. Names as in `at`."""
        chosen = {
            column: self._table[column].to_numpy() for name in names for column in self.columns_of(name)
        }
        return clouds(chosen, self._target, label=f"target ({self._unit})", title=self._title)

    def widget(self) -> Any:
        """A tick box per suspect column and one per other quantity; keyboard: Tab, then the space bar."""
        import ipywidgets as widgets

        single = self.columns_of(SIZE)
        others = dict.fromkeys(_quantity(name) for name in self.columns if name not in single)
        boxes = {name: widgets.Checkbox(True, description=name, indent=False) for name in (*single, *others)}
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            finding = self.at([name for name, box in boxes.items() if not box.value])
            view.value = f"<p aria-live='polite'>{finding.sentence}</p>"

        for box in boxes.values():
            box.observe(follow, "value")
        follow()
        wrap = widgets.Layout(grid_template_columns="repeat(auto-fill, minmax(13em, 1fr))")
        grids = [
            widgets.VBox(
                [
                    widgets.HTML(f"<b>{title}</b>"),
                    widgets.GridBox([boxes[name] for name in names], layout=wrap),
                ]
            )
            for title, names in (("Columns that state a size", single), ("All columns of a quantity", others))
        ]
        return widgets.VBox([*grids, view])

    def __repr__(self) -> str:
        return f"LeakDetective({self.at().sentence!r})"

    def _errors(self, left: tuple[str, ...]) -> list[float]:
        if not left:
            return self._run({"left": DummyRegressor()}, self._table).values("left")
        return self._run({"left": LinearRegression()}, self._table[list(left)]).values("left")

    def _run(self, models: Mapping[str, Any], table: pd.DataFrame) -> Repeats:
        return repeat_splits(
            models, table, self._target, repeats=self._repeats, seed=self._seed, unit=self._unit
        )


def leak_detective(
    X: pd.DataFrame,
    y: ArrayLike,
    *,
    unit: str = "µm",
    suspects: Sequence[str] = ("radius", "perimeter", "area"),
    repeats: int = 100,
    seed: int = 0,
    guess: float | None = None,
    title: str = "What did the inputs already know?",
) -> LeakDetective:
    """Tick columns away and see what a linear regression still knows about the target.

    Args:
        X: ``[N, columns]``, with names.
        y: ``[N]`` or ``[N, 1]``, in `unit`.
        unit: of `y`.
        suspects: quantities that may restate the target: columns of that name, or beginning with it.
        repeats: random splits behind each error, two thirds of the rows for training; always the same ones.
        seed: of the splits.
        guess: expected error without any column of the suspects, drawn into the picture.
        title: of the picture; name the data set.

    Raises:
        FormatError: X and y of different length, or numbers that are not finite.
        SettingsError: no suspects.
        UnknownNameError: when no column belongs to a suspect.
    """
    target = finite(y, "y").reshape(-1)
    same_length(X.to_numpy(), target, "table X and target y")
    if not suspects:
        raise SettingsError("There are no suspects.", "Name the quantities that may restate the target.")
    detective = LeakDetective(X, target, tuple(suspects), unit, repeats, seed, guess, title)
    for name in suspects:
        detective.columns_of(name)
    return detective


def _quantity(column: str) -> str:
    """The measured quantity of a column such as "concave_points_worst"."""
    quantity, _, kind = column.rpartition("_")
    return quantity if kind in ("mean", "se", "worst") else column
