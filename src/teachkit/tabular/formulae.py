"""Errors as formulae: one expression is printed and evaluated, so print and computation cannot differ."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from teachkit.errors import UnknownNameError, nearest
from teachkit.metrics.arrays import finite, same_length

i, n = sp.Symbol("i", integer=True, positive=True), sp.Symbol("n", integer=True)
y, p = sp.IndexedBase("y"), sp.IndexedBase(r"\hat{y}")
mean = sp.Symbol(r"\bar{y}")


def _over_rows(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (i, 1, n))


_MEAN_OF_Y = _over_rows(y[i]) / n
_SQUARES = _over_rows((p[i] - y[i]) ** 2)
EXPRESSIONS: dict[str, sp.Expr] = {
    "MAE": _over_rows(sp.Abs(p[i] - y[i])) / n,
    "MSE": _SQUARES / n,
    "RMSE": sp.sqrt(_SQUARES / n),
    "R2": 1 - _SQUARES / _over_rows((mean - y[i]) ** 2),
}


@dataclass(frozen=True)
class Formula:
    """One error as a sympy expression; shows itself as a formula.

    Attributes:
        name: "MAE", "MSE", "RMSE" or "R2".
        expression: of the labels ``y``, the predictions ``ŷ``, the number of rows ``n`` and, for R2, the
            mean of the labels.
    """

    name: str
    expression: sp.Expr = field(repr=False)

    @property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        name = "R^2" if self.name == "R2" else rf"\mathrm{{{self.name}}}"
        text = rf"{name} = {sp.latex(self.expression, order='lex')}"
        if self.expression.has(mean):
            text += rf", \quad \bar{{y}} = {sp.latex(_MEAN_OF_Y)}"
        return text

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex}$"

    def value(self, labels: ArrayLike, predictions: ArrayLike) -> float:
        """The printed expression, evaluated.

        Args:
            labels: y, ``[N]`` or ``[N, 1]``.
            predictions: ŷ, the same length.

        Returns:
            In the unit of y; its square for MSE; none for R2. nan for zero rows, and for R2 when all labels
            are equal.

        >>> formula("MAE").value([1.0, 2.0], [1.5, 2.0])
        0.25
        """
        truth, guess = finite(labels, "labels").reshape(-1), finite(predictions, "predictions").reshape(-1)
        same_length(truth, guess)
        if not len(truth):
            return float("nan")
        average = float(_evaluate(_MEAN_OF_Y)(_from_one(truth), _from_one(guess), len(truth), 0.0))
        if self.expression.has(mean) and np.ptp(truth) == 0:
            return float("nan")
        return float(_evaluate(self.expression)(_from_one(truth), _from_one(guess), len(truth), average))


def formula(name: str) -> Formula:
    """The formula of an error: "MAE", "MSE", "RMSE" or "R2".

    Raises:
        UnknownNameError: for another name.
    """
    if name not in EXPRESSIONS:
        raise UnknownNameError(f"No formula '{name}'.", nearest(name, EXPRESSIONS, "formulae"), name=name)
    return Formula(name, EXPRESSIONS[name])


def _evaluate(expression: sp.Expr) -> Callable[..., Any]:
    return sp.lambdify([y, p, n, mean], expression, modules="numpy")


def _from_one(values: np.ndarray) -> list[float]:
    """Formulae count from 1, Python from 0."""
    return [float("nan"), *values.tolist()]
