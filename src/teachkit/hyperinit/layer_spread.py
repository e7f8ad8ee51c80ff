"""How large predicted weights are, beside random ones."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from teachkit import plots
from teachkit.hyperinit.architecture import four
from teachkit.hyperinit.architectures import Architecture
from teachkit.hyperinit.meta_nets import MetaNet, Numbers, meta_net

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

KAIMING, UNTRAINED = "Kaiming", "predicted, never trained"


@dataclass(frozen=True, eq=False)
class Spread:
    """Standard deviation × √(fan-in / 2) of the weights of each layer, the last layer left out.

    Attributes:
        table: a row a layer, a column a way to get first weights.
        predicted: the column of the hyper-initializer that was asked.
        picture: all of it.
    """

    table: pd.DataFrame
    predicted: str
    picture: plots.Picture

    @property
    def ratio(self) -> float:
        """Median over layers: how many times as large as Kaiming's the predicted weights are."""
        return float((self.table[self.predicted] / self.table[KAIMING]).median())

    @property
    def alt(self) -> str:
        """What the picture shows, in words and numbers."""
        return self.picture.alt

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.picture._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return f"<Spread of {len(self.table)} layers, {self.ratio:.2f} times Kaiming's>"


@torch.no_grad()
def measure(initializer: "HyperInitializer", architecture: Architecture, channels: int) -> Spread:
    """See `HyperInitializer.draw_spread`."""
    net = meta_net(architecture, channels, 2, read=initializer.graph)
    steps = initializer.trained_steps
    predicted = f"predicted, after {steps:,} steps" if steps else UNTRAINED
    ways = {KAIMING: kaiming(net, torch.Generator().manual_seed(0))}
    if steps:
        ways[UNTRAINED] = type(initializer)(**initializer.settings).predict([net.graph])[0]
    ways[predicted] = initializer.predict([net.graph])[0]
    layers = [name for name, weights in ways[predicted].items() if weights.ndim > 1 and weights.numel() > 1]
    spreads = {way: [_spread(numbers[name]) for name in layers] for way, numbers in ways.items()}
    table = pd.DataFrame(spreads, index=layers)
    ratio = float((table[predicted] / table[KAIMING]).median())
    picture = plots.layer_spreads(
        [_size(ways[predicted][name]) for name in layers],
        spreads,
        title=f"{architecture.family}, {len(layers)} layers with weights",
        note=f"{predicted}: {ratio:.2f} times Kaiming's, median over layers. One random draw.",
    )
    return Spread(table, predicted, picture)


def kaiming(net: MetaNet, generator: torch.Generator) -> Numbers:
    """Random numbers for every tensor of a network, its last layer included.

    Weights are normal with variance 2 / fan-in (He et al., Delving deep into rectifiers, ICCV 2015), scales
    1, biases and shifts 0.
    """
    numbers = {}
    for parameter in (one for covered in net.graph.parameters for one in covered):
        empty = torch.zeros(parameter.shape)
        if parameter.kind == "weight":
            nn.init.kaiming_normal_(empty, nonlinearity="relu", generator=generator)
        numbers[parameter.name] = empty + 1 if parameter.kind == "gamma" else empty
    return numbers


def _spread(weights: Tensor) -> float:
    return float(weights.std(correction=0) * np.sqrt(weights[0].numel() / 2))


def _size(weights: Tensor) -> str:
    channels_out, channels_in, height, width = four(tuple(weights.shape))
    return f"{channels_in}→{channels_out}" + (f", {height}×{width}" if weights.ndim > 2 else "")
