"""One arm with one seed: trained, tested, and kept so that it need not run again."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from teachkit import __version__, metrics
from teachkit.errors import SettingsError
from teachkit.paths import atomic
from teachkit.training.arms import Arm
from teachkit.training.history import History
from teachkit.training.inference import predict, targets_of
from teachkit.training.loop import fit
from teachkit.training.naming import Settings, digest, is_stable
from teachkit.training.seeds import seeded


@dataclass(frozen=True)
class Run:
    """What one run found.

    Attributes:
        seed: of weights, order and augmentation.
        history: the course of the training.
        scores: on the test split.
        predictions: probabilities on the test split, float32 ``[N, C]``.
        weights: the trained model's state on the CPU, kept for the first seed only.
    """

    seed: int
    history: History
    scores: dict[str, float]
    predictions: NDArray[np.float32]
    weights: dict[str, Tensor] | None = None

    def rebuild(self, arm: Arm) -> nn.Module:
        """The trained model."""
        with seeded(self.seed):
            model = arm.model()
        model.load_state_dict(self.weights or {})
        return model.eval()

    def on(self, rows: NDArray[np.int64], arm: Arm) -> "Run":
        """The same run, scored on some rows of its test split; `arm` holds those rows already."""
        assert arm.test is not None
        kept = self.predictions[rows]
        scores = metrics.scores(targets_of(arm.test), kept, arm.test.info.task)
        return replace(self, predictions=kept, scores=scores)


def run_arm(name: str, arm: Arm, seed: int, keep_weights: bool, cache: Path | None) -> Run:
    """Build, train and test one arm, or read the same run back from `cache`."""
    assert arm.test is not None  # `check_fair` has asked
    if cache is None:
        return _train(arm, seed, keep_weights)
    settings = _identity(name, arm, seed)
    stem = cache / f"{_slug(name)}-seed{seed}-{digest(settings)}"
    kept = _read(stem, keep_weights)
    if kept is None:
        kept = _train(arm, seed, keep_weights)
        _write(stem, kept, settings)
    return kept


def _train(arm: Arm, seed: int, keep_weights: bool) -> Run:
    assert arm.test is not None
    with seeded(seed):
        model = arm.model()
    history = fit(
        model,
        arm.train,
        arm.val,
        epochs=arm.epochs,
        steps=arm.steps,
        optimizer=arm.optimizer,
        lr=arm.lr,
        batch_size=arm.batch_size,
        seed=seed,
        device=arm.device,
        loss=arm.loss,
        augment=arm.augment,
        schedule=arm.schedule,
    )
    predictions = predict(model, arm.test, device=arm.device)
    scores = metrics.scores(targets_of(arm.test), predictions, arm.test.info.task)
    weights = {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}
    return Run(seed, history, scores, predictions, weights if keep_weights else None)


def _identity(name: str, arm: Arm, seed: int) -> Settings:
    """Everything the result depends on; a model without a lasting name cannot be kept.

    Raises:
        SettingsError: when a setting is known by its memory address only.
    """
    settings = {
        **arm.settings(),
        "seed": seed,
        "teachkit": __version__,
        "torch": torch.__version__,
        "device": arm.device if arm.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu"),
    }
    for key, value in settings.items():
        if not is_stable(value):
            raise SettingsError(
                f"Arm '{name}': {key} is {value}, which a cache cannot recognise again.",
                "Use a function, a class, a frozen dataclass or functools.partial, or drop cache=.",
                setting=key,
            )
    return settings


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _write(stem: Path, run: Run, settings: Settings) -> None:
    """Predictions and weights first: the JSON file says that the run is complete."""
    with atomic(_beside(stem, ".npz")) as temporary:
        np.savez_compressed(temporary, predictions=run.predictions)
    if run.weights is not None:
        with atomic(_beside(stem, ".pt")) as temporary:
            torch.save(run.weights, temporary)
    record = {"settings": settings, "scores": run.scores, "history": run.history.to_dict()}
    with atomic(_beside(stem, ".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1))


def _read(stem: Path, need_weights: bool) -> Run | None:
    """The run kept at `stem`; None when it is not there, or not all of it can be read."""
    try:
        record = json.loads(_beside(stem, ".json").read_text())
        with np.load(_beside(stem, ".npz"), allow_pickle=False) as arrays:
            predictions = arrays["predictions"]
        weights = torch.load(_beside(stem, ".pt"), weights_only=True) if need_weights else None
    except (OSError, ValueError, KeyError, BadZipFile, RuntimeError):
        return None
    seed = record["settings"]["seed"]
    return Run(seed, History(**record["history"]), record["scores"], predictions, weights)


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
