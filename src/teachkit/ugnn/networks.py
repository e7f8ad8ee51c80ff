"""The three networks of the uGNN experiments: a deep and a shallow convolutional one, and a perceptron.

And a graph network, which the paper promises and its public code lacks.
"""

from torch import nn

from teachkit import graphs

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


def _graph_network(channels: int, classes: int) -> nn.Sequential:
    """Two graph convolutions over patches that are joined to their eight neighbours."""
    neighbours = graphs.grid_graph(28 // PATCH, 28 // PATCH)
    return nn.Sequential(
        graphs.Patches(PATCH),
        *(graphs.GCNConv(neighbours, channels * PATCH**2, 16), nn.ReLU()),
        *(graphs.GCNConv(neighbours, 16, 8), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(8 * (28 // PATCH) ** 2, classes)),
    )
