"""Numbers are changed in pieces, and once where edges share them: neither may be seen from outside."""

import pytest
import torch
from torch import Tensor, nn

from teachkit import graphs, ugnn
from teachkit.ugnn import definition, numbers


@pytest.fixture
def union() -> graphs.Union:
    torch.manual_seed(0)
    networks = (
        nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)),
        nn.Sequential(nn.Flatten(), nn.Linear(16, 3)),
    )
    return graphs.unite([graphs.model_graph(network, torch.zeros(1, 1, 4, 4)) for network in networks])


def gradients(model: ugnn.UGNN, outputs: list[Tensor]) -> tuple[Tensor, ...]:
    wave = torch.linspace(0, 9, outputs[0].numel()).view_as(outputs[0]).cos()
    return torch.autograd.grad(sum((wave * out).sum() for out in outputs), list(model.parameters()))


@pytest.mark.parametrize("scales", ["shared", "per_model"])
@pytest.mark.parametrize("groups", ["edge", "kernel", 5])
@pytest.mark.parametrize("piece", [1, 7])
def test_small_pieces_give_the_numbers_and_gradients_of_the_definition(
    union, monkeypatch, piece, groups, scales
):
    monkeypatch.setattr(numbers, "PIECE", piece)
    model = ugnn.UGNN(union, groups, scales=scales)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(4, 1, 4, 4)
    fast, slow = model(x), definition.forward(model, x)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradients(model, fast), gradients(model, slow), rtol=1e-5, atol=1e-6)


def test_a_number_that_many_edges_share_is_kept_once(union):
    assert len(ugnn.UGNN(union, "kernel").edges.values) == 2 * 4 + 18 * 3 + 16 * 3
    assert len(ugnn.UGNN(union, "edge").edges.values) == union.num_edges
