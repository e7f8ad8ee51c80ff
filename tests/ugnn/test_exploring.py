"""What a union shows of itself: names, gradients, the knob of sharing."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from teachkit import graphs, ugnn
from teachkit.errors import SettingsError


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")


@pytest.fixture
def model():
    torch.manual_seed(0)
    networks = {"wide": nn.Linear(4, 3), "deep": nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))}
    made = [replace(graphs.model_graph(net, torch.zeros(1, 4)), name=key) for key, net in networks.items()]
    return ugnn.UGNN(graphs.unite(made))


@pytest.fixture
def batches():
    torch.manual_seed(1)
    return [torch.randn(6, 4), torch.randn(6, 4)], [torch.arange(6) % 3] * 2


def losses(model, batches):
    inputs, labels = batches
    return [nn.functional.cross_entropy(o, y) for o, y in zip(model(inputs), labels, strict=True)]


def test_models_are_called_as_their_graphs_and_numbered_where_two_are_alike(model):
    assert model.names == ["wide", "deep"]
    twice = [graphs.model_graph(nn.Linear(2, 2), torch.zeros(1, 2)) for _ in range(2)]
    assert ugnn.UGNN(graphs.unite(twice)).names == ["Linear (1)", "Linear (2)"]


def test_picture_of_gradients_has_nothing_off_the_block(model, batches):
    picture = model.draw_gradient(losses(model, batches), title="Toy")
    assert [axes.texts[0].get_text() == "0" for axes in picture.figure.axes[:4]] == [False, True, True, False]


def test_the_knob_begins_with_nothing_shared_and_ends_with_all(model, batches):
    knob = model.explore_sharing(*batches, stops=["edge", 24, 2])
    assert knob.at("edge").others == 0
    assert 0 < knob.at(24).others < knob.at(2).others
    assert (knob.at(2).lengths > 0).all()
    assert "0 of 2 foreign losses reach a model; 0.0 %" in knob.at("edge").sentence.replace("%", " %")
    assert list(knob.table["groups"]) == ["one an edge", "24 groups", "2 groups"]


def test_stops_without_a_wish_are_an_edge_each_one_percent_fewer_and_powers_of_ten(batches):
    wide = graphs.model_graph(nn.Linear(4, 400), torch.zeros(1, 4))
    model = ugnn.UGNN(graphs.unite([wide, wide]))
    assert list(model.explore_sharing(*batches).table["groups"]) == [
        "one an edge",
        "3,168 groups",
        "1,000 groups",
        "100 groups",
    ]


def test_scores_are_drawn_only_at_stops_of_the_knob(model, batches):
    knob = model.explore_sharing(*batches, stops=["edge", 5])
    picture = knob.draw({"joint": {"edge": [0.9], 5: [0.4]}})
    assert "weighted F1: joint: one an edge 0.900, 5 groups 0.400" in picture.alt
    with pytest.raises(SettingsError, match="scores for 6 groups"):
        knob.draw({"joint": {6: [0.4]}})


def test_slider_of_the_knob_draws_the_stop_it_is_at(model, batches):
    slider, view = model.explore_sharing(*batches, stops=["edge"]).widget().children
    assert "one an edge" in view.value
    slider.index = 1
    assert "foreign losses reach a model" in view.value
    assert slider.options[1][0] in view.value


def test_weights_are_shown_before_scale_and_shift(model):
    explorer = model.explore()
    assert explorer.at().count == 47
    expected = model.edges.spread_out(model.edges.values).abs().mean()
    assert explorer.at().before == pytest.approx(float(expected), rel=1e-5)
    assert "wide, deep" in explorer.alt


def test_picture_of_compounding_needs_no_training(model):
    assert "0.0909 after 10" in model.draw_compounding(starts=(1.0,)).alt
