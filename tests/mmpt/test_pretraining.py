"""One network, several domains: the loop, its losses, selection, and what happens to idle heads."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from teachkit import data, mmpt
from teachkit.errors import FormatError, SettingsError, TrainingError, UnknownNameError
from teachkit.mmpt.plan import PRESETS, Recipe, weights_of_domains

ALL = [
    ("shared", "homogeneous"),
    ("recalibrated", "homogeneous"),
    ("domain", "mixed"),
    ("group", "temperature"),
]


def numbers(model: mmpt.MMPT) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.net.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize(("norm", "sampling"), ALL)
def test_every_norm_and_sampling_learns_all_tasks_at_once(four, tiny, norm: str, sampling: str):
    model = mmpt.pretrain(four, tiny, norm=norm, sampling=sampling, epochs=12, batch_size=8, lr=0.05, seed=1)
    first, last = (
        np.mean([row["loss"] for row in model.history.scores if row["epoch"] == e]) for e in (1, 12)
    )
    assert last < 0.95 * first
    assert model.history.table["mean"].max() > 0.8
    for task, (_, val) in four.items():
        found = model.predict(val)
        assert found.shape == (24, 2 if task == "binary" else 3)
        assert model.evaluate(val)["auc"] == model.history.by_domain()[task][model.history.best_epoch]
        if task != "multi-label":
            assert found.sum(1) == pytest.approx(np.ones(24), abs=1e-5)


def test_one_domain_batches_collapse_under_shared_statistics_and_recover_without_any_training(four, tiny):
    model = mmpt.pretrain(
        four, tiny, norm="shared", sampling="homogeneous", epochs=12, batch_size=8, lr=0.02, select="last"
    )
    before = numbers(model)
    means = {
        rule: np.mean([model.evaluate(val, statistics=rule)["auc"] for _, val in four.values()])
        for rule in ("everyone", "domain", "batch")
    }
    assert means["domain"] > means["everyone"] + 0.1
    assert means["batch"] > means["everyone"] + 0.1
    assert model.statistics == "everyone"
    assert same(before, numbers(model))


def test_the_same_call_gives_the_same_network_and_leaves_the_callers_module_alone(four, tiny):
    before = copy.deepcopy(tiny.state_dict())
    one, two, other = (
        mmpt.pretrain(four, tiny, sampling="mixed", epochs=2, batch_size=16, seed=seed) for seed in (3, 3, 4)
    )
    assert same(numbers(one), numbers(two))
    assert not same(numbers(one), numbers(other))
    assert same(before, tiny.state_dict())


def test_nothing_outside_the_run_moves_its_random_numbers(four, tiny):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    mmpt.pretrain(four, tiny, epochs=1, batch_size=16)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_head_without_pictures_stays_bit_identical_and_drifts_with_a_gradient_of_zero(
    four, tiny, optimizer
):
    def change(idle_heads: str) -> float:
        model = mmpt.pretrain(
            four, tiny, sampling="homogeneous", steps=14, batch_size=8, lr=0.02, optimizer=optimizer,
            idle_heads=idle_heads, watch_idle=True, schedule="constant",
        )  # fmt: skip
        return model.history.idle_change

    assert change("left") == 0
    assert change("zeroed") > 1e-3


def test_numbers_of_domains_without_pictures_stay_put_as_well(four, tiny):
    only = {name: four[name] for name in ("binary", "ordinal")}
    start, end = (
        mmpt.pretrain(
            only, tiny, norm="domain", sampling="sequential", epochs=1, batch_size=64, on_epoch=seen
        )
        for seen in (None, None)
    )
    assert same(numbers(start), numbers(end))
    states = []

    def remember(history):
        states.append(len(history.epochs))

    model = mmpt.pretrain(
        only, tiny, norm="domain", sampling="sequential", epochs=2, batch_size=16, on_epoch=remember
    )
    assert states == [1, 2, 3, 4]
    assert model.history.seen == [40, 66]


def test_one_optimiser_with_a_group_for_each_head_is_an_optimiser_for_each_head():
    """AdamW keeps its state for each number; a head does not know who else is in the same optimiser."""
    torch.manual_seed(0)
    together = [torch.nn.Linear(3, 2) for _ in range(2)]
    apart = copy.deepcopy(together)
    joint = torch.optim.AdamW([p for head in together for p in head.parameters()], lr=0.1)
    single = [torch.optim.AdamW(head.parameters(), lr=0.1) for head in apart]
    for step in (0, 0, 1, 0, 1, 1):
        x, y = torch.randn(4, 3), torch.randint(0, 2, (4,))
        joint.zero_grad()
        F.cross_entropy(together[step](x), y).backward()
        joint.step()
        single[step].zero_grad()
        F.cross_entropy(apart[step](x), y).backward()
        single[step].step()
    for one, other in zip(together, apart, strict=True):
        assert torch.equal(one.weight, other.weight)


def test_the_loss_of_a_mixed_step_is_the_weighted_mean_over_its_rows(four, tiny):
    weights = {"binary": 3.0, "ordinal": 0.5}
    told = {"sampling": "mixed", "steps": 1, "batch_size": 200, "optimizer": "sgd", "weight_decay": 0.0}

    def step(which) -> dict[str, torch.Tensor]:
        model = mmpt.pretrain(
            four, tiny, norm="group", lr=1.0, schedule="constant", domain_weights=which, select="last", **told
        )
        return numbers(model)

    start = mmpt.pretrain(
        four, tiny, norm="group", lr=1e-12, schedule="constant", select="last", ordinal="cumulative", **told
    )
    net = start.net.train()

    def expected(factors: dict[str, float]) -> dict[str, torch.Tensor]:
        net.zero_grad()
        for number, (name, (train, _)) in enumerate(four.items()):
            images = torch.from_numpy(train.images).unsqueeze(1).float() / 255
            targets = torch.from_numpy(train.labels)
            targets = targets.float() if name == "multi-label" else targets[:, 0]
            losses = net.head(number).row_losses(net([images], [number])[0], targets)
            (factors[name] * losses.sum()).backward()
        return {name: value.detach() - value.grad for name, value in net.named_parameters()}

    rows = {name: len(train) for name, (train, _) in four.items()}
    total = sum(rows.values())
    for which, factors in {
        "rows": dict.fromkeys(rows, 1 / total),
        "domains": {name: 1 / (4 * count) for name, count in rows.items()},
        "samples": {name: min(rows.values()) / count / total for name, count in rows.items()},
    }.items():
        found, wanted = step(which), expected(factors)
        assert all(torch.allclose(found[name], value, atol=1e-5) for name, value in wanted.items())
    found, wanted = step(weights), expected({name: weights.get(name, 1.0) / total for name in rows})
    assert all(torch.allclose(found[name], value, atol=1e-5) for name, value in wanted.items())


def test_heads_have_rates_and_schedules_of_their_own(four, tiny):
    shared = mmpt.pretrain(
        four, tiny, sampling="homogeneous", epochs=4, batch_size=8, lr=0.01, head_lr=0.1, schedule="cosine"
    ).history.table
    rates = mmpt.pretrain(
        four, tiny, sampling="homogeneous", epochs=4, batch_size=8, lr=0.01, head_lr=0.1, head_schedule="own"
    ).history.epochs
    assert len(shared) == 4
    steps, length = np.arange(4) + 1, 20
    last = [0.5 * (1 + np.cos(np.pi * (s * length - 1) / (4 * length))) for s in steps]
    assert [row["lr"] for row in rates] == pytest.approx([0.01 * factor for factor in last], rel=1e-6)
    assert [row["head_lr"] for row in rates] != pytest.approx([0.1 * factor for factor in last], rel=1e-6)
    assert np.all(np.diff([row["head_lr"] for row in rates]) < 0)


def test_the_first_two_passes_of_the_thesis_have_the_same_rate():
    recipe = Recipe.named("thesis", {})
    factors = [recipe.factor(0.0, number) for number in (0, 1, 2, 51, 100)]
    assert factors[0] == factors[1] == 1
    assert factors[2] == pytest.approx(0.5 * (1 + np.cos(np.pi / 100)))
    assert factors[3] == pytest.approx(0.5)


def test_the_preset_of_the_thesis_is_its_table_3():
    told = {
        "epochs": 100,
        "patience": 10,
        "lr": 1e-4,
        "batch_size": 64,
        "seed": 9930641,
        "optimizer": "adamw",
    }
    recipe = Recipe.named("thesis", {})
    assert {name: getattr(recipe, name) for name in told} == told
    assert (recipe.canvas, recipe.norm, recipe.sampling, recipe.select) == (
        224,
        "shared",
        "homogeneous",
        "loss",
    )
    assert Recipe.named("thesis", {"epochs": 2, "lr": None}).epochs == 2
    assert Recipe.named("thesis", {"steps": 7}).epochs is None
    assert set(PRESETS) == {"native", "thesis"}


def test_the_preset_of_the_thesis_runs_and_pads_after_normalisation(four, tiny):
    model = mmpt.pretrain(four, tiny, preset="thesis", epochs=1, canvas=20, seed=0)
    prepared = model.net.prepare(torch.rand(2, 1, 12, 12))
    assert prepared.shape == (2, 1, 20, 20)
    assert bool((prepared[:, :, :4] == 0).all())
    assert bool((prepared[:, :, :, 16:] == 0).all())
    assert not bool((prepared[:, :, 4:16, 4:16] == 0).any())


def test_the_pass_with_the_best_mean_over_domains_is_kept(four, tiny):
    model = mmpt.pretrain(four, tiny, norm="shared", epochs=6, batch_size=8, lr=0.05)
    table = model.history.table
    assert model.history.best_epoch == table["mean"].idxmax()
    assert table["mean"].to_numpy() == pytest.approx(table[list(four)].mean(axis=1).to_numpy())
    kept = {task: model.evaluate(val)["auc"] for task, (_, val) in four.items()}
    assert kept == pytest.approx(table.loc[model.history.best_epoch, list(four)].to_dict())


def test_selection_by_loss_counts_batches_and_patience_ends_the_run(four, tiny):
    model = mmpt.pretrain(
        four,
        tiny,
        norm="shared",
        epochs=40,
        batch_size=8,
        lr=0.3,
        select="loss",
        patience=2,
        schedule="constant",
    )
    history = model.history
    assert history.stopped
    assert len(history.epochs) == history.best_epoch + 2
    losses = [row["val_loss"] for row in history.epochs]
    assert int(np.argmin(losses)) + 1 == history.best_epoch
    last = [row for row in history.scores if row["epoch"] == 1]
    assert losses[0] == pytest.approx(np.mean([row["val_loss"] for row in last]))  # three batches each


def test_sequential_training_keeps_its_last_weights_to_show_what_was_forgotten(four, tiny):
    pair = {name: four[name] for name in ("multi-class", "ordinal")}
    model = mmpt.pretrain(
        pair, tiny, norm="recalibrated", sampling="sequential", epochs=6, batch_size=8, lr=0.05
    )
    losses = model.history.by_domain("val_loss")["multi-class"]
    assert len(losses) == 12
    assert losses[6] < losses[1]
    assert losses[12] > losses[6]
    assert model.evaluate(pair["multi-class"][1])["loss"] == pytest.approx(losses[12])


def test_training_without_validation_keeps_the_last_weights(four, tiny):
    model = mmpt.pretrain({name: train for name, (train, _) in four.items()}, tiny, steps=3, batch_size=16)
    assert model.history.steps == 3
    assert "val_auc" not in model.history.table
    with pytest.raises(SettingsError, match="validation"):
        mmpt.pretrain({"binary": four["binary"][0]}, tiny, steps=1, select="auc")


def test_steps_end_a_run_in_the_middle_of_a_pass(four, tiny):
    whole = mmpt.pretrain(four, tiny, epochs=1, batch_size=8, select="last").history.steps
    history = mmpt.pretrain(four, tiny, steps=whole + 3, batch_size=8).history
    assert history.steps == whole + 3
    assert len(history.epochs) == 2


@pytest.mark.parametrize("norm", ["recalibrated", "domain"])
@pytest.mark.parametrize("sampling", ["homogeneous", "mixed"])
def test_a_run_that_goes_on_from_its_checkpoint_ends_as_if_it_had_never_stopped(
    four, tiny, tmp_path, norm: str, sampling: str
):
    told = {
        "norm": norm,
        "sampling": sampling,
        "epochs": 4,
        "batch_size": 16,
        "seed": 2,
        "head_schedule": "own",
    }
    whole = mmpt.pretrain(four, tiny, **told)

    class Enough(Exception):
        pass

    def stop(history):
        if len(history.epochs) == 2:
            raise Enough

    path = tmp_path / "run.pt"
    with pytest.raises(Enough):
        mmpt.pretrain(four, tiny, checkpoint=path, on_epoch=stop, **told)
    parts = mmpt.pretrain(four, tiny, checkpoint=path, **told)
    assert same(numbers(whole), numbers(parts))
    timeless = ("seconds", "train_seconds")
    for one, other in zip(whole.history.epochs, parts.history.epochs, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {
            k: v for k, v in other.items() if k != "seconds"
        }
    one, other = whole.history.to_dict(), parts.history.to_dict()
    for name in set(one) - {*timeless, "epochs", "idle_change"}:
        assert one[name] == other[name], name
    with pytest.raises(TrainingError, match="lr was"):
        mmpt.pretrain(four, tiny, checkpoint=path, lr=0.5, **told)


def test_a_loss_that_is_no_number_names_the_domain(four, tiny):
    with pytest.raises(TrainingError, match="no longer a number at step") as caught:
        mmpt.pretrain(four, tiny, norm="group", epochs=3, lr=1e30, optimizer="sgd", batch_size=16)
    assert caught.value.domain in four


def test_embedded_sets_of_all_tasks_are_learned_by_name(offline):
    names = ["digits", "fundus_grades"]
    model = mmpt.pretrain(names, "small_resnet", steps=2, batch_size=8, select="last", seed=0)
    assert [domain.task for domain in model.domains] == ["multi-class", "ordinal"]
    assert model.net.channels == 3
    assert model.predict(data.load("digits", "test")[:5]).shape == (5, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "batch"}, "norm 'batch'"),
        ({"sampling": "random"}, "sampling 'random'"),
        ({"preset": "paper"}, "preset 'paper'"),
        ({"domain_weights": {"nobody": 1.0}}, "domain 'nobody'"),
        ({"domain_weights": "size"}, "domain_weights 'size'"),
        ({"select": "best"}, "select 'best'"),
    ],
)
def test_unknown_names_are_refused_before_anything_runs(four, tiny, change, message):
    with pytest.raises(UnknownNameError, match=message):
        mmpt.pretrain(four, tiny, **{"epochs": 1, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": None},
        {"steps": 3},
        {"lr": 0.0},
        {"batch_size": 1},
        {"seed": -1},
        {"domain_weights": {"binary": 0.0}},
        {"domains": "digits"},
        {"domains": ["digits", "digits"]},
        {"domains": []},
        {"weights": "imagenet"},
        {"sampling": "sequential", "epochs": None, "steps": 3},
    ],
)
def test_settings_without_sense_are_refused_before_anything_runs(four, tiny, change):
    told = {"domains": four, "epochs": 1, **change}
    with pytest.raises(SettingsError):
        mmpt.pretrain(told.pop("domains"), tiny, **told)


def test_data_that_cannot_be_learned_is_refused_by_name(four, tiny, made, offline):
    val = four["multi-class"][1]
    only = val[val.labels[:, 0] < 2]
    with pytest.raises(FormatError, match="class 2"):
        mmpt.pretrain({"multi-class": (four["multi-class"][0], only)}, tiny, epochs=1)
    with pytest.raises(FormatError, match="regression"):
        mmpt.pretrain(["ihc_nuclei"], tiny, epochs=1)
    odd = four["binary"][0].replace(labels=four["binary"][0].labels + 1)
    with pytest.raises(FormatError, match="label 2"):
        mmpt.pretrain({"binary": odd}, tiny, epochs=1)
    small = four["binary"][0]
    small = small.replace(images=small.images[:, :8, :8], size=8)
    with pytest.raises(FormatError, match="canvas"):
        mmpt.pretrain({"binary": small, "ordinal": four["ordinal"][0]}, tiny, epochs=1)
    mixed = mmpt.pretrain({"binary": small, "ordinal": four["ordinal"][0]}, tiny, epochs=1, canvas=12)
    assert mixed.predict(small[:3]).shape == (3, 2)


def test_weights_of_domains_by_name():
    assert weights_of_domains("samples", ["a", "b"], [10, 40], [2, 3]).tolist() == [1, 0.25]
    assert weights_of_domains("thesis", ["a", "b"], [10, 40], [2, 3]) == pytest.approx([1, 2 / 3])
    assert weights_of_domains({"b": 2.0}, ["a", "b"], [10, 40], [2, 3]).tolist() == [1, 2]
