"""Study 04: what does a table of nuclei already know of their radius, and can a network measure an area?

    TEACHKIT_DATA=/path/to/data make study 04

Wisconsin table, 569 rows; and single nuclei cut from BBBC038. Parts (``ARGS="--parts table"`` runs one), each
cell resumable:

- rates: learning rates of the two torch models, on random splits that no other part uses;
- table: 100 random splits × six models, with all columns and with none that states a size;
- selection, selection_networks: the same with the five best columns, chosen inside the split or from all
  rows;
- noise: the same choice of columns on a table that knows nothing;
- published: the torch experiment as published, and with its faults taken out one by one;
- bands: what the course file promises of the table half, 40 seeds;
- image_rate, images: nuclear area from pixels, two losses and classical baselines, five seeds;
- spread: four more sets of 100 splits.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from _grid import Grid, command, write_section
from _image_regression import run_image_rate, run_images
from _published_regression import RECIPES
from _regression_tables import write_parts
from numpy.typing import NDArray
from sklearn.feature_selection import f_regression
from sklearn.model_selection import train_test_split

from teachkit import data, tabular

SPLITS, SEEDS, TOP = 100, tuple(range(5)), 5
RATES = (0.01, 0.03, 0.1, 0.3)
RATE_SEED = 1000  # of the splits that choose the learning rates; no other part uses it
BAND_SEEDS = range(40)
SIZES = ("radius", "perimeter", "area")
VARIANTS = ("all", "top5_inside", "top5_outside", "no_size")
Table = tuple[pd.DataFrame, NDArray[np.float64]]


def load() -> Table:
    """All 569 rows: 30 columns, and the mean radius."""
    first, *rest = (data.load("wisconsin", split) for split in ("train", "val", "test"))
    whole = first.join(*rest)
    assert whole.table is not None
    return whole.table, whole.labels[:, 0].astype(np.float64)


def columns_of(variant: str, x: pd.DataFrame, y: NDArray[np.float64]) -> list[str]:
    """The columns that a variant starts from; ``top5_outside`` has looked at all rows, test rows too."""
    names = [str(name) for name in x.columns]
    if variant == "no_size":
        return [name for name in names if not name.startswith(SIZES)]
    if variant == "top5_outside":
        return [names[place] for place in np.sort(np.argsort(-f_regression(x, y)[0])[:TOP])]
    return names


def scores_of(
    model: str, variant: str, seed: int, x: pd.DataFrame, y: NDArray[np.float64]
) -> dict[str, list[float]]:
    """Errors of one model on 100 splits, by metric."""
    chosen = tabular.models(seed=seed, select=TOP if variant == "top5_inside" else None)[model]
    found = tabular.repeat_splits({model: chosen}, x[columns_of(variant, x, y)], y, repeats=SPLITS, seed=seed)
    return {metric: found.values(model, metric) for metric in found.metrics}


def run_rates(grid: Grid, table: Table) -> None:
    """Ten splits of two thirds of the rows; the smaller part is scored."""
    x, y = table
    for lr in RATES:
        for name in ("torch linear", "torch MLP"):
            settings = {"model": name, "lr": lr, "splits": 10, "split_seed": RATE_SEED}

            def run(name: str = name, lr: float = lr) -> dict[str, Any]:
                model = tabular.models()[name].set_params(model__regressor__lr=lr)
                rows, _ = train_test_split(np.arange(len(y)), test_size=1 / 3, random_state=RATE_SEED)
                found = tabular.repeat_splits(
                    {name: model}, x.iloc[rows], y[rows], repeats=10, seed=RATE_SEED
                )
                return {"mae": found.values(name)}

            grid.run(f"rate_{slug(name)}_{lr:g}", settings, run)


def run_table(grid: Grid, table: Table) -> None:
    """All columns, and those that do not state a size, on the first 100 splits."""
    for variant in ("all", "no_size"):
        _run_models(grid, table, variant, 0)


def run_selection(grid: Grid, table: Table) -> None:
    """The five best columns, chosen inside each split or from all rows."""
    for variant in ("top5_inside", "top5_outside"):
        _run_models(grid, table, variant, 0, networks=False)


def run_selection_networks(grid: Grid, table: Table) -> None:
    """The same with the networks, which take longest."""
    for variant in ("top5_inside", "top5_outside"):
        _run_models(grid, table, variant, 0)


def run_spread(grid: Grid, table: Table) -> None:
    """All columns on four more sets of 100 splits: how much does a standard deviation over splits vary?"""
    for seed in SEEDS[1:]:
        _run_models(grid, table, "all", seed)


def _run_models(grid: Grid, table: Table, variant: str, seed: int, networks: bool = True) -> None:
    x, y = table
    common = {"data": "wisconsin", "splits": SPLITS, "columns": columns_of(variant, x, y)}
    grid.run_all(
        (
            f"table_{variant}_{slug(model)}_{seed}",
            common | {"model": model, "variant": variant, "seed": seed},
            partial(scores_of, model, variant, seed, x, y),
        )
        for model in tabular.models()
        if networks or not model.startswith("torch")
    )


def run_noise(grid: Grid, table: Table) -> None:
    """100 rows, 1,000 columns and a target, all drawn at random: nothing can be learned."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, y = pd.DataFrame(rng.normal(size=(100, 1000))), rng.normal(size=100)
        x.columns = x.columns.map("noise_{}".format)

        def run(x: pd.DataFrame = x, y: NDArray[np.float64] = y) -> dict[str, Any]:
            outside = x[columns_of("top5_outside", x, y)]
            inside = tabular.models(select=TOP)["linear"]
            return {
                "inside": _means(tabular.repeat_splits({"linear": inside}, x, y, unit="")),
                "outside": _means(
                    tabular.repeat_splits({"linear": tabular.models()["linear"]}, outside, y, unit="")
                ),
            }

        grid.run(f"noise_{seed}", {"rows": 100, "columns": 1000, "select": TOP, "seed": seed}, run)


def run_published(grid: Grid, table: Table) -> None:
    """Five seeds of splits and first weights."""
    x, y = table[0].to_numpy(np.float64), table[1]
    grid.run_all(
        (
            f"published_{name}_{seed}",
            {"recipe": str(recipe), "seed": seed},
            partial(recipe.run, x, y, seed),
        )
        for seed in SEEDS
        for name, recipe in RECIPES.items()
    )


def run_bands(grid: Grid, table: Table) -> None:
    """Mean absolute errors of the table half over 100 splits, for 40 seeds of the splits."""
    x, y = table

    def run() -> dict[str, Any]:
        found: dict[str, list[float]] = {"linear_mae": [], "no_size_mae": [], "mean_mae": []}
        plain = {name: tabular.models()[name] for name in ("linear", "mean")}
        for seed in BAND_SEEDS:
            every = tabular.repeat_splits(plain, x, y, repeats=SPLITS, seed=seed)
            few = tabular.repeat_splits(plain, x[columns_of("no_size", x, y)], y, repeats=SPLITS, seed=seed)
            for name, value in (
                ("linear_mae", every.interval("linear").value),
                ("no_size_mae", few.interval("linear").value),
                ("mean_mae", every.interval("mean").value),
            ):
                found[name].append(value)
        return found

    grid.run("bands_table", {"splits": SPLITS, "seeds": len(BAND_SEEDS)}, run)


def slug(name: str) -> str:
    return name.replace(" ", "_").lower()


def _means(found: tabular.Repeats) -> dict[str, float]:
    return {metric: found.interval("linear", metric).value for metric in found.metrics}


PARTS = {
    "rates": run_rates,
    "noise": run_noise,
    "bands": run_bands,
    "table": run_table,
    "published": run_published,
    "selection": run_selection,
    "image_rate": run_image_rate,
    "images": run_images,
    "selection_networks": run_selection_networks,
    "spread": run_spread,
}


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    write_section("04", write_parts(grid))


if __name__ == "__main__":
    torch.set_num_threads(1)  # of networks this small, more threads only wait for each other
    command("04", PARTS, write_tables, load)
