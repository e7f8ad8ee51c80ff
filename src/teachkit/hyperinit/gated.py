"""A graph network that passes along a network as data and gradients do: forwards, then backwards.

    m_v = sum MLP(g_u) over neighbours u  +  sum MLP_sp(g_u) / s over u that are 1 < s <= s_max edges away
    g_v = GRU(m_v, g_v)

Going forwards, u lies before v and has its new state already; going backwards, u lies behind v.
`GatedGNN.definition` is this loop. `GatedGNN.forward` gives the same numbers with one step for each level of
all graphs together, and each MLP once a node.

Source: equation 2 of Shang et al., One hyper-initializer for all network architectures in medical image
analysis, 2022; order of the nodes as in the public code of Knyazev et al., NeurIPS 2021.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.hyperinit.architecture import ArchitectureGraph
from teachkit.hyperinit.sweeping import sweep

Hops = Literal["equation", "code"]


class Perceptron(nn.Module):
    """Two linear layers, each followed by ReLU; the inner one is half as wide."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(dim, dim // 2), nn.Linear(dim // 2, dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.outer(F.relu(self.inner(x))))


class GatedGNN(nn.Module):
    """States [N, dim] of nodes to new states.

    Args:
        dim: length of a state.
        layers: how often the whole network is passed forwards and backwards.
        hops: "equation" counts direct neighbours in the first sum alone, "code" in both.
    """

    def __init__(self, dim: int, layers: int = 1, hops: Hops = "equation") -> None:
        super().__init__()
        self.layers, self.hops = layers, hops
        self.direct, self.distant = Perceptron(dim), Perceptron(dim)
        self.update = nn.GRUCell(dim, dim)

    def definition(self, states: Tensor, graph: ArchitectureGraph) -> Tensor:
        """New states of the nodes of one graph, node by node: the version to read."""
        g = list(states)
        nearest = 2 if self.hops == "equation" else 1
        nodes = range(graph.num_nodes)
        for _ in range(self.layers):
            for hops, order in ((graph.distances, nodes), (graph.distances.T, reversed(nodes))):
                for v in order:
                    m = torch.zeros_like(g[v])
                    for u in nodes:
                        s = int(hops[u, v])
                        if s == 1:
                            m = m + self.direct(g[u])
                        if s >= nearest:
                            m = m + self.distant(g[u]) / s
                    g[v] = self.update(m[None], g[v][None])[0]
        return torch.stack(g)

    def forward(self, states: Tensor, graphs: Sequence[ArchitectureGraph]) -> Tensor:
        """New states of the nodes of all `graphs`, one graph after the other."""
        levels = np.concatenate([graph.levels for graph in graphs])
        order = np.argsort(levels, kind="stable")
        sizes = np.bincount(levels).tolist()
        hops = _side_by_side([graph.distances for graph in graphs])[np.ix_(order, order)]
        forwards = self._shares(hops.T, states)
        backwards = self._shares(np.ascontiguousarray(hops[::-1, ::-1]), states)
        states = states[torch.from_numpy(order).to(states.device)]
        for _ in range(self.layers):
            states = self._sweep(states, forwards, sizes).flip(0)
            states = self._sweep(states, backwards, sizes[::-1]).flip(0)
        return states[torch.from_numpy(np.argsort(order)).to(states.device)]

    def _shares(self, hops: np.ndarray, like: Tensor) -> Tensor:
        """Weight of the MLPs of each node (columns 2u and 2u + 1) in each message (row v), [N, 2N]."""
        nearest = 2 if self.hops == "equation" else 1
        shares = np.zeros((*hops.shape, 2))
        shares[..., 0] = hops == 1
        np.divide(1, hops, out=shares[..., 1], where=hops >= nearest, dtype=np.float64)
        return torch.from_numpy(shares.reshape(len(hops), -1)).to(like)

    def _sweep(self, states: Tensor, shares: Tensor, sizes: Sequence[int]) -> Tensor:
        """One pass over nodes in the order of their levels; `sizes` are the numbers of nodes a level."""
        inner = torch.cat((self.direct.inner.weight, self.distant.inner.weight))
        inner_bias = torch.cat((self.direct.inner.bias, self.distant.inner.bias))
        outer = torch.block_diag(self.direct.outer.weight, self.distant.outer.weight)
        outer_bias = torch.cat((self.direct.outer.bias, self.distant.outer.bias))
        gru = self.update
        # What the GRU makes of the old states does not wait for messages: one product for all nodes.
        kept = F.linear(states, gru.weight_hh, gru.bias_hh)
        heard = gru.weight_ih, gru.bias_ih
        return sweep(states, kept, shares, sizes, heard, (inner, inner_bias), (outer, outer_bias))


def _side_by_side(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Square blocks along the diagonal: nodes of different graphs have no path to each other."""
    count = sum(len(block) for block in blocks)
    joined = np.zeros((count, count), dtype=blocks[0].dtype)
    start = 0
    for block in blocks:
        joined[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return joined
