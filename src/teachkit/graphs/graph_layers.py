"""Layers that pass messages over a fixed graph of data nodes: GCN, GraphSAGE, GIN, and a readout.

Each works on features x [B, V, F] of the V nodes of one graph that is the same for all samples, so that the
layer itself can become part of a model-graph. These are the formulas with dense matrices, for small graphs.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from teachkit.errors import FormatError

if TYPE_CHECKING:
    import networkx


def adjacency(graph: "Tensor | networkx.Graph") -> Tensor:
    """The matrix [V, V] with entry (v, u) not 0 where a message goes from u to v.

    Args:
        graph: such a matrix, or a networkx graph, whose nodes are taken in their order.
    """
    if not isinstance(graph, Tensor):
        import networkx

        graph = torch.from_numpy(networkx.to_numpy_array(graph)).T
    matrix = graph.float()
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        raise FormatError(
            f"A graph of V nodes is a matrix [V, V], not {tuple(matrix.shape)}.",
            "Give an adjacency matrix or a networkx graph.",
        )
    return matrix


def grid_graph(rows: int, columns: int, neighbours: int = 8) -> Tensor:
    """Adjacency [V, V] of a grid whose nodes, in row-major order, are joined to 4 or 8 neighbours."""
    if neighbours not in (4, 8):
        raise FormatError(f"A node of a grid has 4 or 8 neighbours, not {neighbours}.", "Give 4 or 8.")
    y, x = (
        part.flatten() for part in torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    )
    dy, dx = (y[:, None] - y).abs(), (x[:, None] - x).abs()
    near = torch.maximum(dy, dx) == 1 if neighbours == 8 else dy + dx == 1
    return near.float()


class Patches(nn.Module):
    """Cut images [B, C, H, W] into patches of `size` pixels: [B, V, C * size * size], row by row."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        s = self.size
        cut = images.unflatten(3, (-1, s)).unflatten(2, (-1, s))  # [B, C, rows, s, columns, s]
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class GCNConv(nn.Module):
    """Graph convolution: H' = A_hat H W^T + b with A_hat = D^-1/2 (A + I) D^-1/2.

    Args:
        graph: adjacency [V, V] or a networkx graph; fixed.
        in_features, out_features: features of a node before and after.

    Source: Kipf and Welling, Semi-supervised classification with graph convolutional networks, ICLR 2017.
    """

    normalised: Tensor

    def __init__(
        self, graph: "Tensor | networkx.Graph", in_features: int, out_features: int, bias: bool = True
    ) -> None:
        super().__init__()
        loops = adjacency(graph) + torch.eye(len(adjacency(graph)))
        scale = loops.sum(1).rsqrt()
        self.register_buffer("normalised", scale[:, None] * loops * scale)
        self.weight = _matrix(out_features, in_features)
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.normalised @ (x @ self.weight.T)
        return out if self.bias is None else out + self.bias


class SAGEConv(nn.Module):
    """GraphSAGE with mean: h'_v = W_self h_v + W_near mean of h_u over neighbours u + b.

    Source: Hamilton, Ying and Leskovec, Inductive representation learning on large graphs, NeurIPS 2017.
    The normalisation to unit length of that paper is left out, as in common libraries.
    """

    mean: Tensor

    def __init__(
        self, graph: "Tensor | networkx.Graph", in_features: int, out_features: int, bias: bool = True
    ) -> None:
        super().__init__()
        matrix = adjacency(graph)
        self.register_buffer("mean", matrix / matrix.sum(1, keepdim=True).clamp(min=1))
        self.weight_self = _matrix(out_features, in_features)
        self.weight_near = _matrix(out_features, in_features)
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        out = x @ self.weight_self.T + self.mean @ (x @ self.weight_near.T)
        return out if self.bias is None else out + self.bias


class NeighbourSum(nn.Module):
    """(1 + eps) h_v + sum of h_u over neighbours u; the first half of GIN."""

    matrix: Tensor
    eps: Tensor

    def __init__(self, graph: "Tensor | networkx.Graph", eps: float = 0.0, learn_eps: bool = False) -> None:
        super().__init__()
        self.register_buffer("matrix", adjacency(graph))
        start = torch.tensor(float(eps))
        if learn_eps:
            self.eps = nn.Parameter(start)
        else:
            self.register_buffer("eps", start)

    def forward(self, x: Tensor) -> Tensor:
        return (1 + self.eps) * x + self.matrix @ x


class GINConv(nn.Module):
    """Graph isomorphism layer: h'_v = network((1 + eps) h_v + sum of h_u over neighbours u).

    Args:
        network: applied to the features of every node alike, such as a small multi-layer perceptron.
        learn_eps: make eps a parameter.

    Source: Xu, Hu, Leskovec and Jegelka, How powerful are graph neural networks?, ICLR 2019, eq. 4.1.
    """

    def __init__(
        self,
        graph: "Tensor | networkx.Graph",
        network: nn.Module,
        eps: float = 0.0,
        learn_eps: bool = False,
    ) -> None:
        super().__init__()
        self.collect = NeighbourSum(graph, eps, learn_eps)
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.collect(x))


class MeanReadout(nn.Module):
    """One row for the whole graph: the mean over its nodes, [B, V, F] to [B, F]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


def _matrix(out_features: int, in_features: int) -> nn.Parameter:
    """A weight matrix with entries uniform within 1 / sqrt(in_features), as in torch's Linear."""
    bound = 1 / math.sqrt(in_features)
    return nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
