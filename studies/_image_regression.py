"""The image half of study 04: the area of a nucleus from its pixels, by networks and by a ruler."""

from functools import partial
from typing import Any

import numpy as np
import torch
from _grid import Given, Grid
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from teachkit import data, metrics, tabular, training, vision
from teachkit.data import Split

SEEDS = tuple(range(5))
RATE_SEED = 100  # chooses the learning rate; no other part uses it
RATES = (1e-3, 3e-3, 1e-2)
LOSSES = {"squared": F.mse_loss, "absolute": F.l1_loss}
CROP, INPUT = 64, 32
# Flips and brightness leave an area as it is; a zoom would change what the label counts.
AUGMENT = vision.Augment(flip="both", rotate=0, shift=0, zoom=0, brightness=0.2, contrast=0.2)
SETTINGS: dict[str, Any] = {"epochs": 12, "batch_size": 32, "schedule": "cosine"}
NETWORK = "small_resnet"


def load() -> dict[str, Split]:
    """Single nuclei in crops of 64 pixels; pictures stay in the split that they came in."""
    return {split: data.load("nuclei", split).objects(CROP) for split in ("train", "val", "test")}


def run_image_rate(grid: Grid, _: object) -> None:
    """One run per rate with squared error; only validation scores are looked at."""
    splits = load()
    grid.run_all(
        (
            f"image_rate_{lr:g}",
            _settings("squared", lr, RATE_SEED),
            partial(_rate, splits, "squared", lr),
        )
        for lr in RATES
    )


def chosen_rate(grid: Grid) -> float:
    """The rate with the smallest mean absolute error on validation; both losses use it."""
    found = {lr: cell["mae"] for lr in RATES for cell in grid.values([f"image_rate_{lr:g}"])}
    return min(found, key=lambda lr: found[lr])


def run_images(grid: Grid, _: object) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    splits = load()
    lr = chosen_rate(grid)
    truth = {name: splits[name].labels[:, 0].astype(int).tolist() for name in ("val", "test")}
    pictures = {name: np.asarray(splits[name].groups).tolist() for name in ("val", "test")}
    grid.run(
        "images_truth",
        {"crop": CROP},
        lambda: {
            "labels": truth,
            "pictures": pictures,
            "train": splits["train"].labels[:, 0].astype(int).tolist(),
        },
    )
    measured = {name: tabular.features(np.asarray(split.images)) for name, split in splits.items()}
    cells: list[Given] = []
    for seed in SEEDS:
        for model in ("ruler", "linear", "forest"):
            settings = {"model": model, "seed": seed, "crop": CROP}
            run = partial(_classical, model, seed, splits, measured)
            cells.append((f"images_{model}_{seed}", settings, run))
        for loss in LOSSES:
            run = partial(_network, splits, loss, lr, seed)
            cells.append((f"images_{loss}_{seed}", _settings(loss, lr, seed), run))
    grid.run_all(cells)


def _settings(loss: str, lr: float, seed: int) -> dict[str, Any]:
    return SETTINGS | {
        "network": NETWORK, "input": INPUT, "crop": CROP, "loss": loss, "lr": lr, "seed": seed,
        "augment": str(AUGMENT),
    }  # fmt: skip


def _fit(splits: dict[str, Split], loss: str, lr: float, seed: int) -> torch.nn.Module:
    recipe = vision.Classifier(NETWORK, num_classes=1, weights=None, input_size=INPUT, channels=3)
    with training.seeded(seed):
        model = recipe.for_regression(splits["train"])()
    training.fit(model, splits["train"], lr=lr, seed=seed, loss=LOSSES[loss], augment=AUGMENT, **SETTINGS)
    return model


def _rate(splits: dict[str, Split], loss: str, lr: float) -> dict[str, Any]:
    return dict(training.evaluate(_fit(splits, loss, lr, RATE_SEED), splits["val"]))


def _network(splits: dict[str, Split], loss: str, lr: float, seed: int) -> dict[str, Any]:
    model = _fit(splits, loss, lr, seed)
    return _found(splits, {name: training.predict(model, splits[name])[:, 0] for name in ("val", "test")})


def _classical(model: str, seed: int, splits: dict[str, Split], measured: dict[str, Any]) -> dict[str, Any]:
    """The blob's area as it is, or a model of all features."""
    if model == "ruler":
        return _found(splits, {name: measured[name]["area"].to_numpy() for name in ("val", "test")})
    fitted = (
        make_pipeline(StandardScaler(), LinearRegression())
        if model == "linear"
        else RandomForestRegressor(random_state=seed)
    ).fit(measured["train"], splits["train"].labels[:, 0])
    return _found(splits, {name: fitted.predict(measured[name]) for name in ("val", "test")})


def _found(splits: dict[str, Split], predictions: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Scores, and the predictions themselves to a tenth of a pixel: intervals are made from them."""
    return {
        name: dict(metrics.scores(splits[name].labels, found, "regression"))
        | {"predictions": np.round(found.astype(float), 1).tolist()}
        for name, found in predictions.items()
    }
