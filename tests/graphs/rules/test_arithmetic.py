"""Sums, multiples, BatchNorm, means and matrix products (oracle: torch)."""

import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import UnsupportedLayerError


class Formula(nn.Module):
    """Two images-to-images layers, a parameter and a buffer; `formula` says what to do with them."""

    def __init__(self, formula):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 3, padding=1)
        self.p = nn.Parameter(torch.randn(3, 1, 1))
        self.register_buffer("c", torch.randn(4, 4))
        self.formula = formula

    def forward(self, x):
        return self.formula(self, self.a(x), self.b(x))


FORMULAS = {
    "residual": lambda m, a, b: a + b,
    "in place": lambda m, a, b: a.add_(b),
    "with itself": lambda m, a, b: a + a,
    "alpha": lambda m, a, b: torch.add(a, b, alpha=0.5) - torch.sub(b, a, alpha=3),
    "numbers": lambda m, a, b: (2 - a) * 3 + 1 - b / 4 + -a,
    "parameter added": lambda m, a, b: a + m.p,
    "parameter multiplied": lambda m, a, b: m.p * a,
    "parameter subtracted": lambda m, a, b: m.p - a,
    "buffer": lambda m, a, b: m.c * a + m.c,
    "broadcast": lambda m, a, b: a.mean((2, 3), keepdim=True) + b,
    "concatenated": lambda m, a, b: torch.cat([a, b, a], dim=1),
    "stacked": lambda m, a, b: torch.stack([a, b], 1).flatten(1, 2),
    "chunks turned round": lambda m, a, b: (
        torch.cat(a.chunk(3, 1)[::-1], 1) + torch.unbind(b, 1)[0].unsqueeze(1)
    ),
    "permuted": lambda m, a, b: a.permute(0, 2, 3, 1).reshape(a.shape[0], -1),
    "sum": lambda m, a, b: a.sum(dim=(1, 3)),
    "mean": lambda m, a, b: torch.mean(a, 1),
    "largest": lambda m, a, b: torch.amax(a, dim=(2, 3)),
    "fixed matrix on the right": lambda m, a, b: a @ m.c,
    "fixed matrix on the left": lambda m, a, b: torch.matmul(m.c, a),
    "learned matrix": lambda m, a, b: a.transpose(1, 3) @ m.p.view(3, 1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_agree_with_torch(difference, name):
    assert difference(Formula(FORMULAS[name]), 2, 4, 4) < 1e-5


def test_fixed_and_learned_numbers_can_be_joined_to_activations(difference):
    joined = Formula(lambda m, a, b: torch.cat([a, m.c.expand(1, 1, 4, 4), m.p.expand(1, 3, 4, 4)], 1))
    assert difference(joined, 2, 4, 4, batch=1) < 1e-5


def test_a_residual_sum_has_two_fixed_edges_a_neuron():
    graph = graphs.model_graph(Formula(lambda m, a, b: a + b), torch.zeros(1, 2, 4, 4))
    total = graph.layers[-1]
    assert (total.nodes, total.edges) == (48, 96)
    assert (graph.edges.weight[total.edge_slice] == -1).all()
    assert (graph.edges.gain[total.edge_slice] == 1).all()


def test_joining_and_reshaping_make_no_neuron():
    joined = Formula(lambda m, a, b: torch.cat([a, b], 1).permute(0, 2, 3, 1).flatten(1)[:, ::2])
    assert graphs.model_graph(joined, torch.zeros(1, 2, 4, 4)).num_nodes == 32 + 48 + 48


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (lambda m, a, b: a * b, "depend on the image"),
        (lambda m, a, b: a / b, "divided by an activation"),
        (lambda m, a, b: a @ b, "Attention has no model-graph"),
        (lambda m, a, b: a * (m.p * m.p), "on weights alone"),
        (lambda m, a, b: a.mean(0), "mixes the images of a batch"),
        (lambda m, a, b: a**3, "power of 3"),
        (lambda m, a, b: torch.max(a, b), "compares two tensors"),
    ],
)
def test_what_no_message_can_do_is_refused_with_the_reason(formula, message):
    with pytest.raises(UnsupportedLayerError, match=message):
        graphs.model_graph(Formula(formula), torch.zeros(1, 2, 4, 4))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d, (3,)), (nn.BatchNorm1d, (3, 5)), (nn.BatchNorm2d, (3, 4, 4))]
)
def test_batchnorm_in_evaluation_mode_agrees_with_torch(difference, layer, shape, affine):
    norm = layer(3, affine=affine)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.2, 3)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    assert difference(norm, *shape) < 1e-5


def test_batchnorm_is_two_edges_a_neuron_that_share_gamma():
    graph = graphs.model_graph(nn.BatchNorm2d(3), torch.zeros(1, 3, 2, 2))
    assert graph.num_edges == 2 * 12
    names = {graph.name_of(value) for value in graph.edges.weight.tolist()}
    assert names == {f"weight[{channel}]" for channel in range(3)}
    assert graph.constant >= 0


def test_batchnorm_without_stored_statistics_is_refused():
    with pytest.raises(UnsupportedLayerError, match=r"BatchNorm2d.*other images of the batch"):
        graphs.model_graph(nn.BatchNorm2d(3, track_running_stats=False), torch.zeros(1, 3, 2, 2))
