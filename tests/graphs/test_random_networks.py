"""Networks drawn at random: graph, rebuilt network, untied network and saved graph (oracle: torch)."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit import graphs

JOINS = {
    "sum": lambda x, y: F.relu(x + y),
    "join": lambda x, y: torch.cat([x, y], 1),
    "before and after": lambda x, y: torch.cat([F.relu(y) - 0.5 * y, torch.tanh(x)], 1),
}


class Branch(nn.Module):
    """A convolution beside a shortcut."""

    def __init__(self, channels: int, join: str) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True))
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        return JOINS[self.join](x, self.inner(x))


def layer(draw: random.Random, channels: int) -> nn.Module:
    """One layer that takes `channels` and any image of at least 2 × 2 pixels."""
    kind = draw.choice(["conv", "conv", "norm", "act", "pool", "branch", "transposed"])
    if kind == "conv":
        groups = draw.choice([1, channels])
        settings = {"stride": draw.choice([1, 2]), "padding": draw.choice([1, 2]), "groups": groups}
        return nn.Conv2d(channels, 2 * groups, draw.choice([1, 2, 3]), bias=draw.random() < 0.5, **settings)
    if kind == "norm":
        norm = nn.BatchNorm2d(channels)
        for part in (norm.weight, norm.bias, norm.running_mean):
            nn.init.normal_(part)
        return norm
    if kind == "act":
        return draw.choice([nn.ReLU(inplace=True), nn.PReLU(), nn.GELU(), nn.LeakyReLU(0.2), nn.Sigmoid()])
    if kind == "pool":
        return draw.choice([nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(3)])
    if kind == "branch":
        return Branch(channels, draw.choice(list(JOINS)))
    return nn.ConvTranspose2d(channels, 2, 2, draw.choice([1, 2]))


def network(seed: int) -> nn.Sequential:
    draw, parts, channels = random.Random(seed), [], 2
    for _ in range(draw.randint(1, 6)):
        parts.append(layer(draw, channels))
        channels = nn.Sequential(*parts).eval()(torch.zeros(1, 2, 8, 7)).shape[1]
        if channels > 8:
            parts.append(nn.Conv2d(channels, 3, 1))
            channels = 3
    return nn.Sequential(*parts, nn.Flatten()).eval()


@pytest.mark.parametrize("seed", range(24))
@torch.no_grad()
def test_any_network_of_known_layers_agrees_on_every_way(seed, tmp_path):
    torch.manual_seed(seed)
    module, x = network(seed), torch.randn(3, 2, 8, 7)
    expected = module(x)
    graph = graphs.model_graph(module, x)
    graph.check()
    saved = graphs.ModelGraph.load(graph.save(tmp_path / "graph"))
    assert saved.forward(x).equal(graph.forward(x))
    for twin in (graph.forward, graph.to_module(), graph.untie().forward, graph.untie().to_module()):
        torch.testing.assert_close(twin(x), expected, rtol=1e-5, atol=1e-5)
