"""Pictures of a network of several domains."""

import numpy as np
import pytest

from teachkit import mmpt
from teachkit.errors import SettingsError
from teachkit.mmpt.showing import principal_axes


@pytest.fixture
def model(four) -> mmpt.MMPT:
    told = {"epochs": 1, "batch_size": 16, "ordinal": "cross-entropy"}
    return mmpt.pretrain(four, "small_resnet", norm="shared", **told)


def test_principal_axes_are_those_of_largest_variance():
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(200, 3)) * [1, 5, 2] + [9, 9, 9]).astype(np.float32)
    middle, directions, share = principal_axes(features)
    assert middle == pytest.approx(features.mean(0))
    assert np.abs(directions[0, 1]) > 0.99
    assert np.abs(directions[1, 2]) > 0.99
    covariance = np.linalg.eigvalsh(np.cov(features.T))
    assert share == pytest.approx(covariance[1:].sum() / covariance.sum(), rel=1e-4)


def test_clouds_by_domain_share_one_panel_and_by_class_each_domain_has_its_own(model, four):
    vals = [val for _, val in four.values()]
    one = model.draw_clouds(*vals, shown=10)
    assert "binary 10, multi-class 10, ordinal 10, multi-label 10 images" in one.alt
    assert "of everyone" in one.alt
    single = [four[task][1] for task in ("binary", "multi-class")]
    by_class = model.draw_clouds(*single, by="class", statistics="domain")
    assert len(by_class.figure.axes) == 2
    assert "class 0 12, class 1 12 images" in by_class.alt
    assert "of its domain" in by_class.alt
    with pytest.raises(SettingsError, match="several labels"):
        model.draw_clouds(four["multi-label"][1], by="class")
    with pytest.raises(SettingsError, match="by 'task'"):
        model.draw_clouds(*single, by="task")


def test_maps_have_a_row_for_each_picture_and_a_column_for_each_of_the_statistics(model, four, made):
    vals = [four[task][1] for task in ("binary", "multi-class")]
    found = model.draw_maps(*vals, rows=3)
    assert len([axes for axes in found.figure.axes if axes.images]) == 3 * 3
    assert "3 images in rows (binary" in found.alt.replace("\n", " ")
    assert "statistics, of everyone" in found.alt
    one = model.draw_maps(four["multi-label"][1], rows=2, target=1, statistics=["batch"])
    assert "of this batch" in one.alt
    assert "class 1" in one.alt
    with pytest.raises(SettingsError, match="Say which one"):
        model.draw_maps(four["multi-label"][1])
    with pytest.raises(SettingsError, match="0 rows"):
        model.draw_maps(*vals, rows=0)


def test_grey_and_coloured_pictures_stand_in_one_figure(made):
    domains = {"binary": made("binary"), "multi-class": made("multi-class", channels=3)}
    model = mmpt.pretrain(domains, "small_resnet", norm="group", steps=1, batch_size=8)
    found = model.draw_maps(*domains.values(), rows=2)
    assert len([axes for axes in found.figure.axes if axes.images]) == 2 * 2  # no statistics to choose from


def test_the_same_pictures_are_read_by_each_of_the_statistics(model, four):
    trains = [four[task][0] for task in ("ordinal", "binary")]
    table = model.by_statistics(*trains)
    assert list(table.index) == ["ordinal", "binary"]
    assert list(table.columns) == ["everyone", "domain", "batch"]
    assert table.loc["binary", "batch"] == model.evaluate(trains[1], statistics="batch")["loss"]
    aucs = model.by_statistics(*trains, score="auc", positions=["domain"])
    assert aucs.loc["ordinal", "domain"] == model.evaluate(trains[0], statistics="domain")["auc"]


def test_predictions_are_named_by_set(model, four):
    vals = [val for _, val in four.values()]
    found = model.predictions(*vals, statistics="domain")
    assert list(found) == list(four)
    assert np.array_equal(found["ordinal"], model.predict(vals[2], statistics="domain"))
    with pytest.raises(SettingsError, match="Two splits are of the set 'binary'"):
        model.predictions(vals[0], four["binary"][0])
