"""Arms on the same domains: paired by seed, trained once where they are trained alike."""

import numpy as np
import pandas as pd
import pytest
import torch

from teachkit import big, metrics, mmpt
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.mmpt import comparing

TOLD = {"batch_size": 16, "lr": 0.02}


@pytest.fixture(scope="module")
def domains(made_module):
    rows = {"binary": 20, "multi-class": 60, "multi-label": 40}
    return {task: (made_module(task, n), made_module(task, 24, "val")) for task, n in rows.items()}


@pytest.fixture(scope="module")
def test(made_module):
    return {task: made_module(task, 30, "test") for task in ("binary", "multi-class", "multi-label")}


@pytest.fixture(scope="module")
def found(domains, test, tiny_module) -> mmpt.Comparison:
    arms = ["individual", "shared", "recalibrated", "mixed", "sequential"]
    return mmpt.compare(domains, arms, tiny_module, epochs=2, seeds=2, test=test, **TOLD)


def test_every_arm_seed_and_domain_is_scored_by_the_rules_of_its_task(found, test):
    assert len(found.scores) == 5 * 2 * 3
    for arm in found.runs:
        for seed in found.seeds:
            answers = found.predictions(arm, seed)
            rows = found.scores[(found.scores["arm"] == arm) & (found.scores["seed"] == seed)]
            for task, split in test.items():
                expected = metrics.scores(split.labels, answers[task], task)
                row = rows[rows["domain"] == task].iloc[0]
                assert {name: row[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_tables_are_means_over_seeds_and_the_last_column_is_that_over_domains(found):
    assert list(found.table.columns) == ["binary", "multi-class", "multi-label", "mean"]
    assert list(found.table.index) == list(found.runs)
    by_hand = found.scores.groupby(["arm", "domain"])["auc"].mean().unstack()
    for arm in found.runs:
        assert found.table.loc[arm, "binary"] == pytest.approx(by_hand.loc[arm, "binary"])
        assert found.table.loc[arm, "mean"] == pytest.approx(by_hand.loc[arm].mean())


def test_differences_are_paired_by_seed(found):
    gap = found.difference("recalibrated", "shared", "balacc", "multi-class")
    values = found.values("recalibrated", "balacc", "multi-class") - found.values(
        "shared", "balacc", "multi-class"
    )
    assert gap == metrics.t_interval(values)


def test_recalibration_is_the_same_training_asked_otherwise(found, test):
    assert found.runs["recalibrated"][0] is found.runs["shared"][0]
    model = found.model("shared")
    for task, split in test.items():
        asked = model.predict(split, statistics="domain")
        assert np.array_equal(asked, found.predictions("recalibrated")[task])


def test_new_statistics_after_each_pass_change_no_weight(domains, tiny_module):
    told = {"epochs": 2, "select": "last", "sampling": "homogeneous", "seed": 3, **TOLD}
    one, other = (
        mmpt.pretrain(domains, tiny_module, norm=norm, **told) for norm in ("shared", "recalibrated")
    )
    numbers = other.net.state_dict()
    assert all(torch.equal(value, numbers[name]) for name, value in one.net.state_dict().items())


def test_one_network_for_each_domain_takes_as_many_steps_as_the_domain_has_in_the_common_one(found):
    assert found.costs.loc["individual", "steps"] == found.costs.loc["shared", "steps"]
    assert found.costs.loc["individual", "images"] == found.costs.loc["shared", "images"]
    alone = found.model("individual", "binary").history
    together = found.model("shared").history
    assert alone.seen == together.seen[:1]


def test_steps_are_shared_out_among_single_networks(domains, test, tiny_module):
    common = {"backbone": tiny_module, "steps": 40, "norm": "shared", "batch_size": 16}
    way = comparing.Way.of({"together": False}, common)
    shares = comparing._alone(domains, way)
    batches = {"binary": 2, "multi-class": 4, "multi-label": 3}
    assert {name: told["steps"] for name, told in shares.items()} == {
        name: round(40 * count / 9) for name, count in batches.items()
    }


def test_all_networks_of_a_seed_start_from_the_same_body(domains, tiny_module):
    told = {
        "backbone": "small_vit",
        "steps": 1,
        "lr": 1e-12,
        "select": "last",
        "canvas": 12,
        "channels": None,
    }
    bodies = []
    for given in ({}, {"sampling": "mixed"}, {"together": False}):
        way = comparing.Way.of({"norm": "shared", **given}, told)
        found = comparing.train_one(
            domains, {name: val for name, (_, val) in domains.items()}, way, [None], 7
        )
        bodies += [model.net.backbone.state_dict() for model in found.models]
    assert len(bodies) == 5
    for body in bodies[1:]:
        for name, value in body.items():
            assert torch.allclose(value, bodies[0][name], atol=1e-6), name


def test_grey_sets_alone_keep_the_body_of_the_common_network(made, test):
    domains = {"binary": (made("binary"), None), "multi-class": (made("multi-class", channels=3), None)}
    tests = {"binary": test["binary"], "multi-class": made("multi-class", 12, "test", channels=3)}
    found = mmpt.compare(domains, ["individual", "shared"], steps=2, seeds=1, test=tests, batch_size=8)
    channels = [model.net.channels for model in found.runs["individual"][0].models]
    assert channels == [3, 3] == [found.model("shared").net.channels] * 2
    assert "val_auc" not in found.scores


def test_arms_can_be_written_out(domains, test, tiny_module):
    arms = {
        "batch": {**mmpt.ARMS["shared"], "statistics": "batch"},
        "transformer": {**mmpt.ARMS["shared"], "backbone": "small_vit"},
        "chosen": {"norm": "recalibrated", "sampling": "homogeneous", "select": "auc"},
    }
    found = mmpt.compare(domains, arms, tiny_module, steps=2, seeds=1, test=test, **TOLD)
    assert found.model("transformer").settings["backbone"] == "small_vit"
    assert found.model("chosen").settings["select"] == "auc"
    split = test["multi-class"]
    asked = found.model("batch").predict(split, statistics="batch")
    assert np.array_equal(asked, found.predictions("batch")["multi-class"])
    assert "One seed" in found.sentence


def test_only_the_networks_of_the_first_seed_are_kept(found):
    assert found.runs["shared"][1].models == ()
    with pytest.raises(SettingsError, match="3 networks"):
        found.model("individual")
    with pytest.raises(UnknownNameError, match="multi-class"):
        found.model("individual", "multiclass")


def test_predictions_can_be_written_and_scored(found, test, tmp_path):
    path, size = tmp_path / "p.csv", 12
    big.write_predictions(path, found.predictions("mixed"), suite="made", splits=test.values(), size=size)
    truth = {task: split.labels for task, split in test.items()}
    scored = big.score(path, suite="made", truth=truth, size=size)
    rows = found.scores[(found.scores["arm"] == "mixed") & (found.scores["seed"] == 0)]
    assert scored.mean["auc"] == pytest.approx(rows["auc"].mean(), abs=1e-6)


def test_figures_say_what_they_show(found):
    said = found.plot().alt
    for words in ("2 seeds", "mean of domains", "30 images"):
        assert words in said
    assert f"{found.interval('mixed').value:.3f}" in said
    gap = found.difference("mixed", "individual").value
    assert f"mixed − individual {gap:+.3f}" in found.plot_differences().alt
    one = found.plot_differences({"switch": ("recalibrated", "shared")}, "balacc")
    assert "difference in test balanced accuracy" in one.alt
    assert "Minus individual: shared" in found.sentence


def test_sequential_training_says_what_was_forgotten(found):
    history = found.model("sequential").history
    aucs = history.by_domain("val_auc")
    lost = history.forgotten
    assert lost.loc["binary", "learned"] == aucs.loc[2, "binary"]
    assert lost.loc["multi-class", "learned"] == aucs.loc[4, "multi-class"]
    assert lost.loc["multi-label", "lost"] == 0
    pd.testing.assert_series_equal(lost["learned"] - lost["kept"], lost["lost"], check_names=False)


@pytest.mark.parametrize(
    ("arms", "told", "error", "message"),
    [
        ("shared", {}, SettingsError, "list of names"),
        (["shard"], {}, UnknownNameError, "shared"),
        ([], {}, SettingsError, "0 arms"),
        ({"a": {"norm": "groups"}}, {}, UnknownNameError, "group"),
        ({"a": {"seed": 3}}, {}, SettingsError, "seed= is no setting"),
        ({"a": {"statistics": "mine"}}, {}, UnknownNameError, "No statistics"),
        ({"a": {"norm": "domain", "statistics": "everyone"}}, {}, SettingsError, "of everyone"),
        (["shared"], {"seeds": 0}, SettingsError, "0 seeds"),
        (["shared"], {"epochs": None}, SettingsError, "exactly one"),
        (["shared"], {"test": {}}, SettingsError, "no test split"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    domains, test, tiny_module, monkeypatch, arms, told, error, message
):
    monkeypatch.setattr(comparing, "pretrain", None)
    with pytest.raises(error, match=message):
        mmpt.compare(domains, arms, tiny_module, **({"epochs": 1, "test": test} | told))


def test_a_test_split_of_another_kind_is_refused(domains, test, tiny_module):
    with pytest.raises(FormatError, match="multi-label"):
        mmpt.compare(domains, ["shared"], tiny_module, epochs=1, test={**test, "binary": test["multi-label"]})
