"""The rule of the public code: changes of the numbers pile up from step to step."""

import copy
import gc

import pytest
import torch
from torch import nn

from teachkit import graphs, ugnn


@pytest.fixture
def union() -> graphs.Union:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    return graphs.unite([graphs.model_graph(network, torch.zeros(1, 1, 3, 3))])


def step(model: ugnn.UGNN, lr: float) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model(torch.ones(2, 1, 3, 3))[0].square().sum().backward()
    optimizer.step()
    model.zero_grad()


@pytest.mark.parametrize("groups", ["edge", "kernel"])
def test_with_theta_one_the_inverse_of_a_weight_grows_by_one_a_step(union, groups):
    model = ugnn.UGNN(union, groups, rule="compounding")
    start = model.eval().numbers()[0].clone()
    model.train()
    for _ in range(4):
        step(model, lr=0)
    torch.testing.assert_close(1 / model.eval().numbers()[0].abs(), 1 / start.abs() + 4)


def test_the_fixed_rule_keeps_the_numbers(union):
    model = ugnn.UGNN(union)
    before = model.edges.values.clone()
    step(model, lr=0.1)
    assert model.edges.values.equal(before)


def test_training_applies_the_change_once_more_than_evaluation(union):
    model, x = ugnn.UGNN(union, rule="compounding"), torch.ones(2, 1, 3, 3)
    step(model, lr=0.1)
    trained = model(x)[0]
    model.eval()
    assert not model(x)[0].equal(trained)
    model.compound()
    torch.testing.assert_close(model(x)[0], trained)


def test_a_step_of_another_model_changes_nothing(union):
    one, other = (ugnn.UGNN(union, rule="compounding") for _ in range(2))
    before = one.edges.values.clone()
    step(other, lr=0.1)
    assert one.edges.values.equal(before)
    assert not other.edges.values.equal(before)


def test_a_copy_compounds_by_itself(union):
    model = ugnn.UGNN(union, rule="compounding")
    twin = copy.deepcopy(model)
    step(twin, lr=0.1)
    assert not twin.edges.values.equal(model.edges.values)


def test_models_that_are_gone_are_forgotten(union):
    from teachkit.ugnn.compounding import _followed

    gc.collect()
    before = len(_followed)
    model = ugnn.UGNN(union, rule="compounding")
    assert len(_followed) == before + 1
    del model
    gc.collect()
    assert len(_followed) == before


def test_the_numbers_are_part_of_the_state(union):
    model, other = (ugnn.UGNN(union, rule="compounding") for _ in range(2))
    step(model, lr=0.1)
    other.load_state_dict(model.state_dict())
    assert other.edges.values.equal(model.edges.values)
