"""The three networks of the uGNN experiments: a deep and a shallow convolutional one, and a perceptron.

A graph network, which the paper promises and its public code lacks. Perceptrons that have much in common.
"""

from itertools import pairwise

import torch
from torch import nn

from teachkit import graphs
from teachkit.ugnn.roles import start_alike

PATCH = 4  # pixels; 7 x 7 patches of an image are the nodes of the graph network


def reference_networks(channels: int = 1, classes: int = 10, gnn: bool = False) -> dict[str, nn.Sequential]:
    """New networks for images of 28 × 28 pixels, with random weights, as in the public code.

    They have 2,210, 31,410 and 84,780 parameters for one channel and ten classes.

    Args:
        channels: 1 for grey images, 3 for colour.
        classes: outputs.
        gnn: one network of each kind, "CNN", "MLP" and "GNN": a graph network takes the deep CNN's place.
    """
    made = {
        "deep CNN": nn.Sequential(
            *(nn.Conv2d(channels, 4, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(128, classes)),
        ),
        "CNN": nn.Sequential(
            *(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(3136, classes)),
        ),
        "MLP": nn.Sequential(
            *(nn.Flatten(), nn.Linear(channels * 784, 100), nn.ReLU()),
            *(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 20), nn.ReLU(), nn.Linear(20, classes)),
        ),
    }
    if gnn:
        del made["deep CNN"]
        made["GNN"] = _graph_network(channels, classes)
    return made


def related_networks(channels: int = 1, classes: int = 10) -> dict[str, nn.Sequential]:
    """New perceptrons for images of 28 × 28 pixels with one, two and three hidden layers of 100, 50, 20.

    What has the same role in several of them starts alike, so that it can be tied: ``groups="role"``.
    """
    widths = (channels * 784, 100, 50, 20)
    made = {
        f"{hidden} hidden layer{'s' * (hidden > 1)}": _perceptron(*widths[: hidden + 1], classes)
        for hidden in (1, 2, 3)
    }
    start_alike(made.values(), torch.zeros(1, channels, 28, 28))
    return made


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers between these widths, and ReLU between them."""
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *layers[:-1])


def _graph_network(channels: int, classes: int) -> nn.Sequential:
    """Two graph convolutions over patches that are joined to their eight neighbours."""
    neighbours = graphs.grid_graph(28 // PATCH, 28 // PATCH)
    return nn.Sequential(
        graphs.Patches(PATCH),
        *(graphs.GCNConv(neighbours, channels * PATCH**2, 16), nn.ReLU()),
        *(graphs.GCNConv(neighbours, 16, 8), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(8 * (28 // PATCH) ** 2, classes)),
    )
