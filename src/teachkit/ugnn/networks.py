"""The three networks of the uGNN experiments: a deep and a shallow convolutional one, and a perceptron."""

from torch import nn


def reference_networks(channels: int = 1, classes: int = 10) -> dict[str, nn.Sequential]:
    """New networks for images of 28 × 28 pixels, with random weights, as in the public code.

    They have 2,210, 31,410 and 84,780 parameters for one channel and ten classes.
    """
    return {
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
