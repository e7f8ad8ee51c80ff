"""The leak detective finds what the published table gives away."""

import numpy as np
import pytest

from teachkit import tabular
from teachkit.errors import FormatError, SettingsError, UnknownNameError


@pytest.fixture(scope="module")
def detective(wisconsin):
    return tabular.leak_detective(*wisconsin)


@pytest.fixture(scope="module")
def quick(wisconsin):
    """Few splits, for what does not depend on them."""
    return tabular.leak_detective(*wisconsin, guess=0.3, repeats=5)


@pytest.fixture
def toy_detective(toy):
    x, y = toy
    x = x.rename(columns={"a": "area_mean", "b": "area_worst", "c": "texture_mean"})
    return tabular.leak_detective(x, y, suspects=["area"], repeats=3, unit="px")


def test_the_published_errors_are_found_over_100_splits(detective):
    assert detective.at().error == pytest.approx(0.0445, abs=0.01)
    assert detective.at(without=["size"]).error == pytest.approx(0.875, abs=0.1)
    assert detective.at().mean_error == pytest.approx(2.75, abs=0.05)
    assert len(detective.at().errors) == 100


def test_size_stands_for_eight_columns(detective):
    found = detective.at(without=["size"])
    assert len(found.without) == 8
    assert len(found.columns) == 22
    assert not any(name.startswith(("radius", "perimeter", "area")) for name in found.columns)


def test_a_name_stands_for_a_column_a_quantity_or_a_kind(detective):
    assert detective.columns_of("area") == ["area_mean", "area_se", "area_worst"]
    assert detective.columns_of("area_se") == ["area_se"]
    assert len(detective.columns_of("worst")) == 10
    kinds = ("mean", "se", "worst")
    assert detective.columns_of("concave_points") == [f"concave_points_{kind}" for kind in kinds]


def test_steps_take_the_closest_follower_of_the_target_first(quick, wisconsin):
    x, y = wisconsin
    steps = quick.steps
    assert steps[1].without == ("perimeter_mean",)
    follows = x[list(steps[-1].without)].apply(lambda column: abs(np.corrcoef(column, y)[0, 1]))
    assert follows.idxmax() == "perimeter_mean"
    assert [len(step.without) for step in steps] == list(range(9))


def test_the_picture_holds_every_step_the_mean_and_the_guess(quick):
    alt = quick.alt
    assert "all 30 columns 0.04" in alt
    assert "always the mean 2.7" in alt
    assert "your guess for the last row 0.3" in alt
    assert alt.count("… and without") == 7


def test_taking_all_columns_leaves_the_mean(toy_detective):
    found = toy_detective.at(["area", "texture"])
    assert found.columns == ()
    assert found.error == pytest.approx(found.mean_error)
    assert "No column left" in found.sentence


def test_the_sentence_names_unit_splits_and_guess(toy_detective):
    sentence = toy_detective.at(["area"], guess=1.5).sentence
    assert sentence.startswith("1 column")
    assert "px over 3 splits" in sentence
    assert "Your guess: 1.5 px." in sentence


def test_ticking_a_box_gives_the_same_number_as_asking(toy_detective):
    box = toy_detective.widget()
    ticks = {tick.description: tick for group in box.children[:2] for tick in group.children[1].children}
    assert list(ticks) == ["area_mean", "area_worst", "texture"]
    ticks["area_mean"].value = False
    assert toy_detective.at(["area_mean"]).sentence in box.children[-1].value


def test_an_unknown_column_is_told(toy_detective):
    with pytest.raises(UnknownNameError, match="area_worst"):
        toy_detective.at(["area_worse"])


def test_a_suspect_that_no_column_has_is_refused_at_once(toy):
    with pytest.raises(UnknownNameError, match="'radius'"):
        tabular.leak_detective(*toy)


def test_without_suspects_there_is_no_case(toy):
    with pytest.raises(SettingsError, match="no suspects"):
        tabular.leak_detective(*toy, suspects=[])


def test_rows_must_belong_together(toy):
    x, y = toy
    with pytest.raises(FormatError, match="60 and 59"):
        tabular.leak_detective(x, y[1:], suspects=["a"])
