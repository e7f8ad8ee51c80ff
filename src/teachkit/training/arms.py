"""One arm of a comparison, and the rule that arms differ in the factor under study alone."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import combinations

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnfairComparisonError, UnknownNameError, nearest
from teachkit.training.batches import Batches
from teachkit.training.losses import Loss
from teachkit.training.naming import Settings, describe
from teachkit.training.plan import Augment, Plan, Schedule
from teachkit.training.seeds import seeded

# Each step or pixel more is an advantage of its own. Only a comparison that names one of the settings on the
# right as its factor may differ in the one on the left.
DERIVED = {
    "optimiser_steps": ("optimiser_steps", "steps", "epochs"),
    "input_shape": ("input_shape", "input_size"),
    "trained_shape": ("trained_shape", "input_shape", "input_size"),
}
# An augmentation may draw at random which size it returns; so many draws show all sizes that matter.
SHAPE_DRAWS = 16


@dataclass(frozen=True)
class Arm:
    """All settings of a run but its seed; see `fit` for what they mean.

    Attributes:
        model: called without arguments, returns a fresh model. The fields of a frozen dataclass and the
            keywords of a `functools.partial` count as settings of the arm, for example "weights".
        train: what to learn from.
        val: scored after each pass; settings are chosen on it.
        test: scored once, at the end.
    """

    model: Callable[[], nn.Module]
    train: Split
    val: Split | None = None
    test: Split | None = None
    epochs: int | None = None
    steps: int | None = None
    optimizer: str | Callable[..., Optimizer] = "adamw"
    lr: float = 1e-3
    batch_size: int = 64
    loss: Loss | None = None
    augment: Augment | None = None
    schedule: Schedule = None
    device: str = "auto"

    def plan(self, seed: int) -> Plan:
        """The checked plan of one run."""
        return Plan(
            len(self.train),
            self.epochs,
            self.steps,
            self.optimizer,
            self.lr,
            self.batch_size,
            seed,
            self.loss,
            self.augment,
            self.schedule,
        )

    def settings(self) -> Settings:
        """Every setting by name in a comparable form, those of the model among them, and three derived ones.

        A model setting whose name an arm uses too is called ``model.name``.
        """
        own = {
            field.name: describe(getattr(self, field.name)) for field in fields(self) if field.name != "model"
        }
        model = {
            f"model.{key}" if key in own else key: item for key, item in _model_settings(self.model).items()
        }
        return {
            **model,
            **own,
            "optimiser_steps": self.plan(0).total_steps,
            "input_shape": _shape(self.train),
            "trained_shape": self.trained_shape,
        }

    @property
    def trained_shape(self) -> str:
        """What the model sees in training, after `augment`: "28×28", or "28×28 and 112×112" for a mixture."""
        if self.augment is None or self.train.images is None or not len(self.train):
            return _shape(self.train)
        few = Batches.of(self.train[:2], torch.device("cpu"))
        inputs, targets = few.gather(np.arange(len(few)))
        given = (inputs, targets) if self.train.info.task == "segmentation" else (inputs,)
        seen = set()
        with seeded(0):
            for _ in range(SHAPE_DRAWS):
                found = self.augment(*given)
                seen.add(tuple((found[0] if isinstance(found, tuple) else found).shape[1:]))
        return " and ".join(_channels_last(shape) for shape in sorted(seen))


def check_fair(arms: Mapping[str, Arm], factor: str | Sequence[str]) -> None:
    """Refuse arms that differ in anything but `factor`, or not at all.

    Raises:
        UnfairComparisonError: naming the first other setting that differs, with both values.
        UnknownNameError: when a factor is not the name of a setting.
        SettingsError: for no arms, or an arm without a test split.
    """
    if not arms:
        raise SettingsError("There are no arms to compare.", "Pass a dict of name to Arm.")
    for name, arm in arms.items():
        if arm.test is None:
            raise SettingsError(f"Arm '{name}' has no test split.", "Give every arm the same one.", arm=name)
    factors = (factor,) if isinstance(factor, str) else tuple(factor)
    settings = {name: arm.settings() for name, arm in arms.items()}
    known = list(dict.fromkeys(key for given in settings.values() for key in given))
    for wanted in factors:
        if wanted not in known:
            raise UnknownNameError(
                f"No setting '{wanted}'.", nearest(wanted, known, "settings"), factor=wanted
            )
    if not set(DERIVED["trained_shape"]) & set(factors):
        for name, arm in arms.items():
            _same_size_in_test(name, arm, settings[name]["trained_shape"])
    for (first, mine), (second, theirs) in combinations(settings.items(), 2):
        for key in known:
            if mine.get(key) != theirs.get(key) and not set(DERIVED.get(key, (key,))) & set(factors):
                _refuse(key, first, mine.get(key), second, theirs.get(key), factors)
        if all(mine.get(key) == theirs.get(key) for key in factors):
            raise UnfairComparisonError(
                f"Arms '{first}' and '{second}' have the same {' and '.join(factors)}.",
                "Change the factor in one of them, or leave one out.",
                factor=factors,
            )


def _same_size_in_test(name: str, arm: Arm, trained: object) -> None:
    """Refuse an arm that learns from images of one size and is tested on those of another."""
    assert arm.test is not None
    if len(arm.train) and len(arm.test) and trained != (tested := _shape(arm.test)):
        raise UnfairComparisonError(
            f"Arm '{name}' learns from {trained}, but is tested on {tested}.",
            "Let augment keep the size. Or name 'trained_shape' in factor, if size is part of the question.",
            field="trained_shape",
            values_by_arm={name: trained},
        )


def _refuse(
    key: str, first: str, mine: object, second: str, theirs: object, factors: tuple[str, ...]
) -> None:
    remedy = f"Make them equal: only {' and '.join(factors)} may differ. Or name '{key}' in factor."
    if key == "optimiser_steps":
        remedy = "Give both arms the same steps= instead of epochs=."
    raise UnfairComparisonError(
        f"'{key}' differs: {mine!r} in arm '{first}', {theirs!r} in arm '{second}'.",
        remedy,
        field=key,
        values_by_arm={first: mine, second: theirs},
    )


def _model_settings(model: Callable[[], nn.Module]) -> Settings:
    if isinstance(model, functools.partial):
        positions = {f"argument {index}": describe(item) for index, item in enumerate(model.args)}
        given = {key: describe(item) for key, item in model.keywords.items()}
        return {**_model_settings(model.func), **positions, **given}
    if is_dataclass(model) and not isinstance(model, type):
        given = {field.name: describe(getattr(model, field.name)) for field in fields(model)}
        return {"model": describe(type(model)), **given}
    return {"model": describe(model)}


def _shape(split: Split) -> str:
    if split.images is not None and len(split):
        return "×".join(map(str, np.shape(split.images[0])))
    return "" if split.table is None else f"{split.table.shape[1]} columns"


def _channels_last(shape: tuple[int, ...]) -> str:
    """[C, H, W] of a tensor in the words of `_shape`; grey pictures have no third number."""
    channels, *edges = shape
    return "×".join(map(str, edges if channels == 1 else [*edges, channels]))
