"""The models of the lesson: each one a recipe that is fitted on training rows and on nothing else."""

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from teachkit.errors import SettingsError
from teachkit.tabular.networks import Line, Perceptron, table_net

# Chosen by study 04 on splits that serve nothing else.
RATES = {"torch linear": 0.1, "torch MLP": 0.03}


def models(seed: int = 0, select: int | None = None, epochs: int = 500) -> dict[str, BaseEstimator]:
    """Six ways to predict a number from a table, unfitted, by the name to print.

    "mean" always answers with the mean of its training rows; "linear", "tree" and "forest" are scikit-learn's
    with their default settings; "torch linear" and "torch MLP" (one hidden layer of 32) are networks.

    Each is one pipeline. Whatever is learned from data is learned in ``fit``: the choice of columns, the
    scale of the inputs, and, for networks, the scale of the target. ``predict`` answers in the unit of y, so
    errors of all models can stand side by side.

    Args:
        seed: of the tree, the forest and the networks' first weights.
        select: keep the so many columns with the largest F score, chosen inside the pipeline; None keeps all.
        epochs: passes of the networks over all rows; one pass is one step.

    Raises:
        SettingsError: for less than one column or pass.
    """
    for name, value in (("select", select), ("epochs", epochs)):
        if value is not None and value < 1:
            raise SettingsError(f"{name} is {value}.", "Give at least 1.", name=name, value=value)
    recipes = {
        "mean": DummyRegressor(),
        "linear": LinearRegression(),
        "tree": DecisionTreeRegressor(random_state=seed),
        "forest": RandomForestRegressor(random_state=seed, n_jobs=1),
    }
    nets = {
        name: TransformedTargetRegressor(
            table_net(module, seed=seed, epochs=epochs, lr=RATES[name]), transformer=StandardScaler()
        )
        for name, module in (("torch linear", Line), ("torch MLP", Perceptron))
    }
    return {
        name: Pipeline(
            [
                *([("select", SelectKBest(f_regression, k=select))] if select else []),
                *([("scale", StandardScaler())] if name in nets else []),
                ("model", recipe),
            ]
        )
        for name, recipe in {**recipes, **nets}.items()
    }
