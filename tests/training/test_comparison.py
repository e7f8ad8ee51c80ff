"""Fair or refused; paired by seed; finished runs are never run again."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from teachkit import metrics, training
from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError, UnfairComparisonError, UnknownNameError
from teachkit.training import Arm, Comparison, compare

MakeSplit = Callable[..., Split]


def plain_net(width: int = 4, scale: float = 1.0) -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))
    with torch.no_grad():
        net[1].weight.mul_(scale)
    return net


@dataclass(frozen=True)
class Recipe:
    """A model as a dataclass: its fields are settings of the arm."""

    weights: str | None = None
    trainable: str = "all"

    def __call__(self) -> nn.Module:
        return plain_net(scale=0.1 if self.weights else 1.0)


@pytest.fixture
def arm(make_split: MakeSplit) -> Arm:
    train, val, test = (make_split(split=split, rows=40) for split in ("train", "val", "test"))
    return Arm(Recipe(), train, val, test, epochs=3, lr=1e-2, batch_size=20, device="cpu")


@pytest.fixture
def two_arms(arm: Arm) -> dict[str, Arm]:
    return {"random": arm, "pretrained": replace(arm, model=Recipe(weights="imagenet"))}


@pytest.fixture
def found(two_arms: dict[str, Arm]) -> Comparison:
    return compare(two_arms, range(3), factor="weights")


def test_arms_that_differ_in_the_factor_alone_are_compared(found: Comparison) -> None:
    assert list(found.table.index) == ["random", "pretrained"]
    assert set(found.scores.columns) == {"arm", "seed", "metric", "value"}
    assert len(found.scores) == 2 * 3 * 4
    assert list(found.costs["steps"]) == [6, 6]
    assert (found.costs["seconds"] > 0).all()


@pytest.mark.parametrize(
    ("changes", "field", "values"),
    [
        ({"lr": 0.1}, "lr", r"0\.01 in arm 'random', 0\.1 in arm 'other'"),
        ({"batch_size": 10}, "batch_size", "20 in arm 'random', 10"),
        ({"optimizer": "sgd"}, "optimizer", "'adamw' in arm 'random', 'sgd'"),
        ({"schedule": "cosine"}, "schedule", "None in arm 'random', 'cosine'"),
        ({"augment": torch.relu}, "augment", "None in arm 'random'"),
        ({"model": Recipe("imagenet", "head")}, "trainable", "'all' in arm 'random', 'head'"),
    ],
)
def test_any_other_difference_is_refused_with_both_values(
    arm: Arm, changes: dict[str, object], field: str, values: str
) -> None:
    other = replace(replace(arm, model=Recipe("imagenet")), **changes)
    with pytest.raises(UnfairComparisonError, match=f"'{field}' differs: {values}") as caught:
        compare({"random": arm, "other": other}, [0], factor="weights")
    assert caught.value.field == field


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_arms_on_other_data_are_refused_even_when_only_one_label_differs(arm: Arm, split: str) -> None:
    labels = getattr(arm, split).labels.copy()
    labels[3] = 1 - labels[3]
    other = replace(arm, model=Recipe("imagenet"), **{split: getattr(arm, split).replace(labels=labels)})
    with pytest.raises(UnfairComparisonError, match=f"'{split}' differs"):
        compare({"a": arm, "b": other}, [0], factor="weights")


def test_unequal_steps_are_refused_unless_they_are_the_question(arm: Arm) -> None:
    fewer_images = replace(arm, train=arm.train[:20])
    with pytest.raises(UnfairComparisonError, match=r"'optimiser_steps' differs: 6 .*, 3 .*same steps="):
        compare({"all": arm, "half": fewer_images}, [0], factor="train")
    same_steps = {"epochs": None, "steps": 6}
    compare(
        {"all": replace(arm, **same_steps), "half": replace(fewer_images, **same_steps)}, [0], factor="train"
    )
    compare({"short": arm, "long": replace(arm, epochs=6)}, [0], factor="epochs")


def test_unequal_input_sizes_are_refused_unless_they_are_the_question(arm: Arm) -> None:
    def halved(split: Split) -> Split:
        return split.replace(images=np.ascontiguousarray(split.images[:, ::2, ::2]), size=4)

    small = replace(arm, train=halved(arm.train), val=halved(arm.val), test=halved(arm.test))
    with pytest.raises(UnfairComparisonError, match=r"'input_shape' differs: '8×8' .* '4×4'"):
        training.arms.check_fair({"large": arm, "small": small}, ("train", "val", "test"))
    training.arms.check_fair({"large": arm, "small": small}, ("train", "val", "test", "input_shape"))


def test_arms_with_the_same_factor_are_refused(arm: Arm) -> None:
    with pytest.raises(UnfairComparisonError, match="the same weights"):
        compare({"a": arm, "b": arm}, [0], factor="weights")


def test_a_factor_nobody_knows_offers_the_nearest(two_arms: dict[str, Arm]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'weights'"):
        compare(two_arms, [0], factor="weight")


def test_keywords_of_a_partial_and_functions_are_settings_too(arm: Arm) -> None:
    narrow, wide = (replace(arm, model=functools.partial(plain_net, width=width)) for width in (2, 8))
    training.arms.check_fair({"narrow": narrow, "wide": wide}, "width")
    with pytest.raises(UnfairComparisonError, match="'width' differs: 2 in arm 'narrow', 8"):
        training.arms.check_fair({"narrow": narrow, "wide": wide}, "lr")
    lambdas = {"a": replace(arm, model=lambda: plain_net(2)), "b": replace(arm, model=lambda: plain_net(8))}
    training.arms.check_fair(lambdas, "model")


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_must_be_given_once_each(two_arms: dict[str, Arm], seeds: list[int]) -> None:
    with pytest.raises(SettingsError, match="seeds are"):
        compare(two_arms, seeds, factor="weights")


def test_an_arm_needs_a_test_split(arm: Arm) -> None:
    with pytest.raises(SettingsError, match="'a' has no test split"):
        compare({"a": replace(arm, test=None)}, [0], factor="lr")


def test_one_run_equals_the_same_steps_by_hand(two_arms: dict[str, Arm], found: Comparison) -> None:
    arm = two_arms["pretrained"]
    with training.seeded(2):
        model = arm.model()
    settings = {"epochs": 3, "lr": 1e-2, "batch_size": 20, "seed": 2, "device": "cpu"}
    training.fit(model, arm.train, arm.val, **settings)
    expected = training.predict(model, arm.test, device="cpu")
    np.testing.assert_array_equal(found.predictions["pretrained"][2], expected)
    scores = metrics.scores(arm.test.labels, expected, "binary")
    assert found.values("pretrained", "auc")[2] == scores["auc"]


def test_tables_hold_t_intervals_over_seeds_and_paired_differences(found: Comparison) -> None:
    aucs = {name: found.values(name, "acc") for name in found.runs}
    assert tuple(found.table.loc["random", "acc"]) == pytest.approx(metrics.t_interval(aucs["random"]))
    expected = metrics.paired_difference(aucs["pretrained"], aucs["random"])
    row = found.differences.set_index("metric").loc["acc"]
    assert (row["arm"], row["other"]) == ("pretrained", "random")
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(expected)
    reverse = found.difference("random", "pretrained", "acc")
    assert reverse.value == pytest.approx(-expected.value)


def test_the_model_of_the_first_seed_comes_back_trained(two_arms: dict[str, Arm], found: Comparison) -> None:
    model = found.model("random")
    np.testing.assert_array_equal(
        training.predict(model, two_arms["random"].test, device="cpu"), found.predictions["random"][0]
    )
    assert not model.training
    assert found.model("random") is model
    with pytest.raises(UnknownNameError, match="Did you mean 'random'"):
        found.model("randm")


def test_curves_and_tables_can_be_shown(found: Comparison) -> None:
    assert "random" in found.plot("val_auc").alt
    assert "pretrained" in found._repr_html_()
    with pytest.raises(UnknownNameError, match="No curve 'val_aucc'"):
        found.plot("val_aucc")


def test_questions_about_one_arm_are_answered_by_its_first_seed_on_the_test_split(
    arm: Arm, found: Comparison
) -> None:
    first = found.predictions["pretrained"][0]
    truth = arm.test.labels[:, 0]
    assert found.calibration_error("pretrained") == pytest.approx(
        metrics.calibration_error(truth, first[:, 1])
    )
    assert found.calibration_error("pretrained", positive=0) == pytest.approx(
        metrics.calibration_error(1 - truth, first[:, 0])
    )
    assert found.evaluate("pretrained", arm.test) == pytest.approx(metrics.scores(truth, first, "binary"))
    threshold = found.explore_threshold("pretrained").at(0.5)
    assert threshold.false_positives == int(((first[:, 1] > 0.5) & (truth == 0)).sum())
    assert arm.test.title in found.plot_reliability("pretrained").alt
    assert "pretrained" in found.plot_intervals("auc").alt


def test_scoring_on_some_rows_equals_scoring_those_rows_by_hand(arm: Arm, found: Comparison) -> None:
    rows = np.arange(40) % 3 > 0
    some = found.on(rows, note="two thirds")
    for seed in range(3):
        expected = metrics.scores(
            arm.test.labels[rows], found.predictions["pretrained"][seed][rows], "binary"
        )
        assert some.runs["pretrained"][seed].scores == pytest.approx(expected)
    assert "test (n = 26; two thirds)" in some.plot_intervals("auc").alt
    assert some.explore_threshold("random").at(0.5).true_positives <= int(arm.test.labels[rows].sum())
    assert some.model("random") is found.model("random")
    assert some.evaluate("random", arm.test[rows]) == pytest.approx(some.runs["random"][0].scores)
    assert found.on(slice(None)).scores.equals(found.scores)


@pytest.mark.parametrize(
    ("rows", "words"), [(np.zeros(40, bool), "No test row"), (np.ones(39, bool), "39.* for 40 test rows")]
)
def test_no_rows_or_a_mask_of_another_length_are_refused(
    found: Comparison, rows: np.ndarray, words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        found.on(rows)


def test_test_time_augmentation_averages_the_plain_images_and_their_changed_views(
    arm: Arm, found: Comparison
) -> None:
    def mirrored(images: torch.Tensor) -> torch.Tensor:
        return images.flip(3)

    model = found.model("random")
    plain = training.predict(model, arm.test, device="cpu")
    other = training.predict(
        model, arm.test.replace(images=np.ascontiguousarray(arm.test.images[:, :, ::-1])), device="cpu"
    )
    views = training.predict(model, arm.test, device="cpu", views=mirrored, repeats=3)
    np.testing.assert_allclose(views, (plain + 3 * other) / 4, atol=1e-6)
    assert found.evaluate("random", arm.test, views=mirrored, repeats=3) == pytest.approx(
        metrics.scores(arm.test.labels, views, "binary")
    )


def test_views_are_drawn_alike_each_time_and_refused_where_places_matter(
    make_split: MakeSplit, arm: Arm, found: Comparison
) -> None:
    def noisy(images: torch.Tensor) -> torch.Tensor:
        return images + 0.2 * torch.randn(images.shape)

    once, again = (found.evaluate("random", arm.test, views=noisy) for _ in range(2))
    assert once == again
    with pytest.raises(SettingsError, match="segmentation"):
        training.predict(nn.Conv2d(1, 2, 1), make_split("segmentation"), views=noisy)
    with pytest.raises(SettingsError, match="repeats=0"):
        found.evaluate("random", arm.test, views=noisy, repeats=0)


@pytest.mark.slow
def test_parallel_runs_equal_sequential_ones(arm: Arm) -> None:
    def build(width: int) -> nn.Module:  # a local function travels to the workers by value
        return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))

    arms = {str(width): replace(arm, model=functools.partial(build, width=width)) for width in (2, 8)}
    one, two = (compare(arms, [0, 1], factor="width", jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.predictions["2"], two.predictions["2"])


@pytest.fixture
def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    from teachkit.training import runs

    fits: list[int] = []
    real_fit = runs.fit

    def counting(*args: object, **kwargs: object) -> object:
        fits.append(1)
        return real_fit(*args, **kwargs)

    monkeypatch.setattr(runs, "fit", counting)
    return fits


def test_a_repeated_comparison_reads_finished_runs_back(
    two_arms: dict[str, Arm], found: Comparison, tmp_path: Path, count_fits: list[int]
) -> None:
    compare(two_arms, [0, 1], factor="weights", cache=tmp_path)
    assert len(count_fits) == 4
    again = compare(two_arms, [0, 1, 2], factor="weights", cache=tmp_path)
    assert len(count_fits) == 6
    pd.testing.assert_frame_equal(again.scores, found.scores)
    np.testing.assert_array_equal(
        training.predict(again.model("random"), two_arms["random"].test, device="cpu"),
        found.predictions["random"][0],
    )


def test_a_kept_run_of_other_settings_or_half_written_is_not_used(
    two_arms: dict[str, Arm], tmp_path: Path, count_fits: list[int]
) -> None:
    compare(two_arms, [0], factor="weights", cache=tmp_path)
    other = {name: replace(arm, lr=2e-2) for name, arm in two_arms.items()}
    compare(other, [0], factor="weights", cache=tmp_path)
    assert len(count_fits) == 4
    for name in tmp_path.glob("random*.npz"):
        name.write_bytes(name.read_bytes()[:50])
    compare(two_arms, [0], factor="weights", cache=tmp_path)
    assert len(count_fits) == 5
    records = [json.loads(path.read_text()) for path in tmp_path.glob("random*.json")]
    assert sorted(record["settings"]["lr"] for record in records) == [0.01, 0.02]


def test_a_model_known_by_its_address_only_cannot_be_cached(arm: Arm, tmp_path: Path) -> None:
    class Nameless:
        def __call__(self) -> nn.Module:
            return plain_net()

    with pytest.raises(SettingsError, match="a cache cannot recognise"):
        compare({"a": replace(arm, model=Nameless())}, [0], factor="lr", cache=tmp_path)
