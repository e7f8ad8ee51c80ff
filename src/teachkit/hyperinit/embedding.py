"""What a node is, as a vector: its operation and the shape of its weights, looked up in tables.

    x = operation[op] + [ channel[c_out] | channel[c_in] | size[height] | size[width] ]

Each of the four parts is a quarter of the vector. Values without a row of their own take the nearest one.
Source: Knyazev et al., Parameter prediction for unseen deep architectures, NeurIPS 2021, and its public code.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from teachkit.errors import SettingsError
from teachkit.hyperinit.architecture import ACTIVATION, NUMBER_OF, OPS, ArchitectureGraph

CHANNELS = np.array([1, 3, *range(8, 64, 8), *range(64, 4096, 16), *range(4096, 8193, 32)])
SIZES = np.array([1, 3, 5, 7, 9, 11, 14, 16])
NONE, TASK = 0, 1  # rows for "no such number" and "as many as the task has classes"; others follow


class NodeEmbedding(nn.Module):
    """Vectors [N, dim] of the nodes of graphs.

    Args:
        dim: length of a vector, a multiple of four.
        activations: whether activations can be nodes.
    """

    def __init__(self, dim: int, activations: bool = False) -> None:
        super().__init__()
        self.activations = activations
        self.operation = nn.Embedding(len(OPS) + int(activations), dim)
        self.channel = nn.Embedding(2 + len(CHANNELS), dim // 4)
        self.size = nn.Embedding(2 + len(SIZES), dim // 4)

    def forward(self, graphs: Sequence[ArchitectureGraph]) -> Tensor:
        """The vectors of the nodes of all `graphs`, one graph after the other.

        Raises:
            SettingsError: for graphs with activations where there is no row for them.
        """
        ops = np.concatenate([graph.ops for graph in graphs]).astype(np.int64)
        if not self.activations and (ops == NUMBER_OF[ACTIVATION]).any():
            raise SettingsError(
                "The graph has nodes for activations, and this hyper-initializer does not know them.",
                "Use the initializer's own method graph(), or HyperInitializer(activations=True).",
            )
        device = self.operation.weight.device
        places = torch.from_numpy(np.concatenate([rows_of(graph) for graph in graphs])).to(device)
        channels = self.channel(places[:, :2]).flatten(1)
        sizes = self.size(places[:, 2:]).flatten(1)
        return self.operation(torch.from_numpy(ops).to(device)) + torch.cat((channels, sizes), dim=1)


def rows_of(graph: ArchitectureGraph) -> np.ndarray:
    """Rows of the tables for c_out, c_in, height and width of each node, int64 [N, 4].

    The last layer has a row of its own for c_out: its number of outputs belongs to a task.
    """
    rows = np.empty(graph.shapes.shape, dtype=np.int64)
    rows[:, :2] = _nearest(CHANNELS, graph.shapes[:, :2])
    rows[:, 2:] = _nearest(SIZES, graph.shapes[:, 2:])
    rows[graph.shapes == 0] = NONE
    rows[graph.heads, 0] = TASK
    return rows


def _nearest(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Row of the value nearest to each number, the larger of two; 4 to 7 channels count as 8."""
    middles = (values[1:] + values[:-1]) / 2
    if values is CHANNELS:
        middles[1] = 3.5
    return 2 + np.searchsorted(middles, wanted, side="right")
