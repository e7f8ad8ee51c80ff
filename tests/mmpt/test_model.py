"""What pre-training returns: answers by the statistics of choice, and a file that keeps them."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from teachkit import metrics, mmpt
from teachkit.errors import FormatError, SettingsError, UnknownNameError


@pytest.fixture
def model(four, tiny) -> mmpt.MMPT:
    return mmpt.pretrain(four, tiny, norm="shared", epochs=1, batch_size=16, lr=0.02)


def test_scores_are_those_of_the_probabilities(model, four):
    for task, (_, val) in four.items():
        found = model.evaluate(val)
        expected = metrics.scores(val.labels, model.predict(val), task)
        assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)
        assert found["loss"] > 0


def test_rows_asked_at_once_do_not_change_the_answer_unless_they_are_the_statistics(model, four):
    val = four["multi-class"][1]
    for rule in ("everyone", "domain"):
        whole, parts = (model.predict(val, statistics=rule, batch_size=size) for size in (24, 5))
        assert np.allclose(whole, parts, atol=1e-6)
    whole, parts = (model.predict(val, statistics="batch", batch_size=size) for size in (24, 5))
    assert not np.allclose(whole, parts, atol=1e-3)


def test_features_go_through_the_head_to_the_probabilities(model, four):
    val = four["ordinal"][1]
    found = torch.from_numpy(model.features(val))
    head = model.net.heads[2]
    with torch.no_grad():
        assert np.allclose(head.probabilities(head(found)).numpy(), model.predict(val), atol=1e-6)


def test_recalibration_changes_the_table_of_one_domain_and_nothing_else(model, four):
    before = copy.deepcopy(model.net.state_dict())
    asked = {task: model.predict(val, statistics="domain") for task, (_, val) in four.items()}
    model.recalibrate(four["ordinal"][1])
    for name, value in model.net.state_dict().items():
        changed = [row for row in range(len(value)) if not torch.equal(value[row], before[name][row])]
        assert changed == ([2] if "domain_" in name else [])
    for task, (_, val) in four.items():
        same = np.array_equal(asked[task], model.predict(val, statistics="domain"))
        assert same == (task != "ordinal")
    assert np.allclose(  # all pictures in one batch: their statistics are the domain's, up to n / (n - 1)
        model.predict(four["ordinal"][1], statistics="domain"),
        model.predict(four["ordinal"][1], statistics="batch"),
        atol=5e-3,
    )


def test_pictures_of_another_set_can_be_answered_as_a_named_domain(model, four, made):
    others = made("binary", 12, "test")
    others = others.replace(info=others.info.__class__(**{**vars(others.info), "name": "mine"}))
    with pytest.raises(UnknownNameError, match="mine"):
        model.predict(others)
    model.recalibrate(others, domain="binary")
    assert model.predict(others, domain="binary", statistics="domain").shape == (12, 2)
    with pytest.raises(FormatError, match="binary"):
        model.predict(others, domain="ordinal")


def test_two_domains_of_one_set_are_told_apart_by_name(four, tiny):
    train, val = four["binary"]
    model = mmpt.pretrain(
        {"early": (train[:10], val), "late": (train[10:], val)}, tiny, epochs=1, batch_size=8
    )
    with pytest.raises(SettingsError, match="domain="):
        model.predict(val)
    assert not np.array_equal(model.predict(val, domain="early"), model.predict(val, domain="late"))


def test_statistics_are_named_and_those_of_everyone_need_a_shared_layer(model, four, tiny):
    val = four["binary"][1]
    with pytest.raises(UnknownNameError, match="everyone"):
        model.predict(val, statistics="all")
    own = mmpt.pretrain(four, tiny, norm="domain", steps=2, batch_size=16)
    assert own.statistics == "domain"
    with pytest.raises(SettingsError, match="everyone"):
        own.predict(val, statistics="everyone")


def test_without_batchnorm_all_statistics_answer_alike(four, tiny):
    model = mmpt.pretrain(four, tiny, norm="group", steps=2, batch_size=16)
    answers = [model.predict(four["binary"][1], statistics=rule) for rule in ("everyone", "domain", "batch")]
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[2])


@pytest.mark.parametrize("norm", ["recalibrated", "domain", "group"])
def test_a_saved_network_answers_as_before(four, tmp_path: Path, norm: str):
    model = mmpt.pretrain(four, "small_resnet", norm=norm, steps=3, batch_size=16, seed=5)
    path = model.save(tmp_path / "model.pt")
    again = mmpt.MMPT.load(path)
    for _, val in four.values():
        assert np.array_equal(again.predict(val), model.predict(val))
    assert again.domains == model.domains
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.history.scores), pd.DataFrame(model.history.scores), check_exact=True
    )
    assert repr(again) == repr(model)


def test_a_network_around_a_module_of_ones_own_needs_one_to_be_loaded(model, tiny, tmp_path: Path, four):
    path = model.save(tmp_path / "model.pt")
    with pytest.raises(SettingsError, match="Tiny"):
        mmpt.MMPT.load(path)
    again = mmpt.MMPT.load(path, backbone=tiny)
    assert np.array_equal(again.predict(four["binary"][1]), model.predict(four["binary"][1]))


def test_files_that_are_not_whole_are_refused(model, tmp_path: Path):
    path = model.save(tmp_path / "model.pt")
    content = path.read_bytes()
    broken = tmp_path / "broken.pt"
    spot = content.index(b"numbers") + 2000
    for change in (
        content[:-200],
        b"",
        b"PK" + content[2:50],
        content[:spot] + b"\x00\x01\x02" + content[spot + 3 :],
    ):
        broken.write_bytes(change)
        with pytest.raises(FormatError, match="broken"):
            mmpt.MMPT.load(broken)
    torch.save({"format": "something else"}, broken)
    with pytest.raises(FormatError, match="something else"):
        mmpt.MMPT.load(broken)
    with pytest.raises(FormatError, match="no file"):
        mmpt.MMPT.load(tmp_path / "absent.pt")


def test_the_history_draws_one_line_for_each_domain(model, four):
    picture = model.history.plot("loss")
    assert all(task in picture.alt for task in four)
    assert list(model.history.table.columns) == [*four, "mean", "loss", "val_loss"]
    with pytest.raises(UnknownNameError, match="val_auc"):
        model.history.plot("auc_val")


def test_the_switch_scores_every_domain_by_every_statistics(model, four):
    found = model.switch(*[val for _, val in four.values()], shown=10)
    for rule in ("everyone", "domain", "batch"):
        scores = found.at(rule).scores
        expected = {task: model.evaluate(val, statistics=rule)["auc"] for task, (_, val) in four.items()}
        assert scores == pytest.approx(expected)
    assert "binary 10, multi-class 10" in found.alt


def test_an_activation_map_adds_up_to_the_log_odds_of_two_classes(four):
    model = mmpt.pretrain(four, "small_resnet", steps=2, batch_size=16)
    val = four["binary"][1]
    maps = model.activation_maps(val, 1)
    assert maps.shape == val.images.shape
    bias = model.net.heads[0].bias.detach().numpy()
    said = model.predict(val)
    logs = np.log(said[:, 1] / said[:, 0]) - (bias[1] - bias[0])
    assert maps.mean((1, 2)) == pytest.approx(logs, abs=2e-2)  # enlarged: means over places move a little
    assert np.allclose(maps, -model.activation_maps(val, 0), atol=1e-5)


def test_activation_maps_need_a_map_and_classes(model, four, tiny):
    small = mmpt.pretrain(four, "small_resnet", steps=1, batch_size=16)
    for asked, split, target in (
        (model, "binary", None),
        (small, "ordinal", None),
        (small, "multi-label", None),
        (small, "binary", 2),
    ):
        with pytest.raises(SettingsError):
            asked.activation_maps(four[split][1], target)
