"""The three reference networks of the model-graph lesson, and how near a graph comes to its network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from teachkit import graphs


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def deep(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(channels, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(128, classes)),
    )


def shallow(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(3136, classes)
    )


def perceptron(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(channels * 784, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU()),
        *(nn.Linear(50, 20), nn.ReLU(), nn.Linear(20, classes)),
    )


@pytest.fixture
def reference() -> dict[str, Callable[[int, int], nn.Sequential]]:
    """Name to a function of (channels, classes)."""
    return {"deep": deep, "shallow": shallow, "perceptron": perceptron}


@pytest.fixture
def difference() -> Callable[..., float]:
    """Largest difference between a network and its model-graph on random inputs of the example's shape."""

    def measure(module: nn.Module, *shape: int, batch: int = 3, **options: int) -> float:
        module.eval()
        x = torch.randn(batch, *shape)
        graph = graphs.model_graph(module, x[:1], **options)
        graph.check()
        expected: Tensor = module(x)
        assert graph.forward(x).shape == expected.shape
        return (graph.forward(x) - expected).abs().max().item()

    return measure
