"""Another way to let nodes know of each other: attention over all of them, biased by their distances.

There is no loop over levels, so a long network costs no more steps than a short one.
Source: Knyazev, Hwang and Lacoste-Julien, Can we scale transformers to predict parameters of diverse ImageNet
models?, ICML 2023, with the encodings of Ying et al., Do transformers really perform badly for graph
representation?, NeurIPS 2021.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.hyperinit.architecture import ArchitectureGraph

MOST_NEIGHBOURS, MOST_LEVELS, HEADS = 15, 511, 4  # larger numbers share the last row


class GraphTransformer(nn.Module):
    """States [N, dim] of nodes to new states.

    Args:
        dim: length of a state, a multiple of four.
        layers: number of blocks.
        s_max: longest path with a bias of its own.
    """

    def __init__(self, dim: int, layers: int = 1, s_max: int = 50) -> None:
        super().__init__()
        self.s_max = s_max
        self.incoming = nn.Embedding(MOST_NEIGHBOURS + 1, dim)
        self.outgoing = nn.Embedding(MOST_NEIGHBOURS + 1, dim)
        self.level = nn.Embedding(MOST_LEVELS + 1, dim)
        self.ahead, self.behind = nn.Embedding(s_max + 1, HEADS), nn.Embedding(s_max + 1, HEADS)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(layers))

    def forward(self, states: Tensor, graphs: Sequence[ArchitectureGraph]) -> Tensor:
        """New states of the nodes of all `graphs`, one graph after the other."""
        sizes = [graph.num_nodes for graph in graphs]
        states = states + self._places(graphs, states.device)
        x = nn.utils.rnn.pad_sequence(states.split(sizes), batch_first=True)  # [graphs, longest, dim]
        bias = self._bias(graphs, max(sizes), states.device)
        for block in self.blocks:
            x = block(x, bias)
        return torch.cat([nodes[:size] for nodes, size in zip(x, sizes, strict=True)])

    def _places(self, graphs: Sequence[ArchitectureGraph], device: torch.device) -> Tensor:
        """What the numbers of neighbours and the level of each node say, [N, dim]."""
        joined = [graph.distances == 1 for graph in graphs]
        numbers = (
            (self.incoming, [edges.sum(0) for edges in joined], MOST_NEIGHBOURS),
            (self.outgoing, [edges.sum(1) for edges in joined], MOST_NEIGHBOURS),
            (self.level, [graph.levels for graph in graphs], MOST_LEVELS),
        )
        return torch.stack(
            [
                table(torch.from_numpy(np.minimum(np.concatenate(values), most).astype(np.int64)).to(device))
                for table, values, most in numbers
            ]
        ).sum(0)

    def _bias(self, graphs: Sequence[ArchitectureGraph], longest: int, device: torch.device) -> Tensor:
        """What is added to the attention from row to column, [graphs, heads, longest, longest]."""
        hops = np.zeros((len(graphs), longest, longest), dtype=np.int64)
        absent = np.ones((len(graphs), 1, 1, longest), dtype=bool)
        for number, graph in enumerate(graphs):
            hops[number, : graph.num_nodes, : graph.num_nodes] = graph.distances
            absent[number, ..., : graph.num_nodes] = False
        distances = torch.from_numpy(np.where(hops <= self.s_max, hops, 0)).to(device)
        bias = self.ahead(distances) + self.behind(distances.transpose(1, 2))
        return bias.permute(0, 3, 1, 2).masked_fill(torch.from_numpy(absent).to(device), float("-inf"))


class Block(nn.Module):
    """Attention and an MLP, each on normalised states and added to them."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.drawn, self.joined = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x` [graphs, nodes, dim] with the attention `bias` [graphs, heads, nodes, nodes]."""
        drawn = self.drawn(self.before_attention(x)).unflatten(2, (3, HEADS, -1))
        queries, keys, values = drawn.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        x = x + self.joined(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.before_mlp(x))
