"""From the state of a node to the numbers of its tensors.

=============  =========================================================================================
a kernel       a linear layer gives a map of S × S places, of which the middle is taken: a 3 × 3 kernel is
               the middle of a 5 × 5 one. Two linear layers on each place make max × max channels of it,
               of which those asked for are taken
more channels  are copies: the block is repeated along the channels out, then along the channels in
their size     weights are multiplied by sqrt(2 / fan-in), or sqrt(1 / fan-in) where no ReLU is expected
a scale        2 sigmoid(p / 2): between 0 and 2
a bias, shift  tanh(p / 5): between -1 and 1
=============  =========================================================================================

Source: public code of Knyazev et al., NeurIPS 2021; the middle instead of the upper left corner as in that of
Knyazev et al., ICML 2023.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.hyperinit.architecture import Parameter, four
from teachkit.hyperinit.slicing import Cut, cut_products

Shape = tuple[int, ...]
Plan = Sequence[tuple[int, Parameter]]
Numbered = Iterator[tuple[int, Tensor]]


class Decoder(nn.Module):
    """Numbers for tensors, from states [N, dim] of nodes.

    Args:
        dim: length of a state.
        max_channels: channels that are calculated, more are copies.
        max_kernel: edge of the largest kernel that is calculated; larger ones are enlarged from it.
    """

    def __init__(self, dim: int, max_channels: int = 64, max_kernel: int = 7) -> None:
        super().__init__()
        self.max_channels, self.max_kernel = max_channels, max_kernel
        self.places = nn.Linear(dim, max_kernel * max_kernel * 4 * dim)
        self.hidden = nn.Linear(4 * dim, 8 * dim)
        self.kernels = nn.Linear(8 * dim, max_channels * max_channels)
        self.vectors = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, 2 * max_channels))
        self.head_weight: nn.Linear | None = None
        self.head_bias: nn.Linear | None = None

    @property
    def heads(self) -> int:
        """Outputs of a last layer that can be predicted; 0 before `grow_head`."""
        return 0 if self.head_weight is None else self.head_weight.out_features

    def grow_head(self, outputs: int) -> None:
        """Fresh layers for last layers with so many outputs, which only pre-training predicts."""
        device = self.places.weight.device
        self.head_weight = nn.Linear(self.max_channels, outputs).to(device)
        self.head_bias = nn.Linear(self.max_channels, outputs).to(device)

    def definition(self, state: Tensor, shape: Shape) -> Tensor:
        """Weights of `shape` from the state [dim] of one node, all channels first: the version to read."""
        edge, most = self.max_kernel, self.max_channels
        channels_out, channels_in, height, width = self.block(shape)
        everything = F.relu(self.places(state)).view(edge, edge, -1)
        above, left = (edge - height) // 2, (edge - width) // 2
        middle = everything[above : above + height, left : left + width]
        full = self.kernels(F.relu(self.hidden(middle))).unflatten(2, (most, most)).permute(2, 3, 0, 1)
        return fit(full[:channels_out, :channels_in] * spread(shape), shape)

    def block(self, shape: Shape) -> tuple[int, int, int, int]:
        """What is calculated of weights of `shape`: channels out and in, height and width."""
        channels_out, channels_in, height, width = four(shape)
        most, edge = self.max_channels, self.max_kernel
        return min(channels_out, most), min(channels_in, most), min(height, edge), min(width, edge)

    def copies(self, parameter: Parameter) -> bool:
        """Whether weights have more channels than are calculated, so that some are copies."""
        return parameter.kind == "weight" and max(parameter.layout[:2]) > self.max_channels

    def forward(self, states: Tensor, plan: Plan, heads: bool = False) -> list[Tensor | None]:
        """The tensors of a plan.

        Args:
            plan: pairs of a row of `states` and one of the tensors of that node.
            heads: predict last layers too.

        Returns:
            A tensor for each entry of the plan; None for those of last layers without `heads`.
        """
        found: list[Tensor | None] = [None] * len(plan)
        wanted = [number for number, (_, parameter) in enumerate(plan) if heads or not parameter.head]
        kernels = [number for number in wanted if plan[number][1].kind == "weight"]
        vectors = [number for number in wanted if plan[number][1].kind != "weight"]
        for number, tensor in (*self._weights(states, plan, kernels), *self._vectors(states, plan, vectors)):
            found[number] = tensor
        return found

    def _weights(self, states: Tensor, plan: Plan, wanted: list[int]) -> Numbered:
        """Weights: the first two layers once a size of kernel, the last one once a number of channels."""
        by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number in sorted(wanted, key=lambda number: self._cut(plan[number][1])):
            by_size[self.block(plan[number][1].layout)[2:]].append(number)
        inputs, cuts = [], []
        for source, (size, numbers) in enumerate(by_size.items()):
            inputs.append(self._middle(states[[plan[number][0] for number in numbers]], *size))
            start = 0
            for cut, members in groupby(numbers, key=lambda number: self._cut(plan[number][1])):
                stop = start + len(list(members))
                cuts.append(Cut(source, start, stop, (*cut[:2], *size), cut[2]))
                start = stop
        most = self.max_channels
        kernels = self.kernels.weight.view(most, most, -1), self.kernels.bias.view(most, most)
        in_order = (number for numbers in by_size.values() for number in numbers)
        for number, block in zip(in_order, cut_products(*kernels, inputs, cuts), strict=True):
            parameter = plan[number][1]
            shape = parameter.layout
            if parameter.head:
                block = self._head(block)
                shape = (len(block), *shape[1:])
                block = block * spread(shape)
            yield number, arrange(fit(block, shape), parameter.transposed)

    def _cut(self, parameter: Parameter) -> tuple[int, int, float]:
        """Channels that a tensor needs of the last layer, and its scale.

        Where channels out are mixed later, in a head, all of them are needed, and scaled after that.
        """
        channels_out, channels_in = self.block(parameter.layout)[:2]
        if parameter.head:
            return self.max_channels, channels_in, 1.0
        return channels_out, channels_in, spread(parameter.layout)

    def _middle(self, states: Tensor, height: int, width: int) -> Tensor:
        """Hidden states [nodes, height * width, 8 dim] of the places in the middle of the map."""
        edge = self.max_kernel
        above, left = (edge - height) // 2, (edge - width) // 2
        weight = self.places.weight.view(edge, edge, -1, states.shape[1])
        bias = self.places.bias.view(edge, edge, -1)
        weight, bias = (w[above : above + height, left : left + width].flatten(0, 2) for w in (weight, bias))
        places = F.relu(F.linear(states, weight, bias)).view(len(states), height * width, -1)
        return F.relu(self.hidden(places))

    def _head(self, block: Tensor) -> Tensor:
        """Weights [outputs, channels in, height, width] of a last layer from its block."""
        assert self.head_weight is not None
        return self.head_weight(F.relu(block).permute(1, 2, 3, 0)).permute(3, 0, 1, 2)

    def _vectors(self, states: Tensor, plan: Plan, wanted: list[int]) -> Numbered:
        """Scales, shifts and biases: all numbers are picked in one go."""
        if not wanted:
            return
        rows = {row: place for place, row in enumerate(dict.fromkeys(plan[n][0] for n in wanted))}
        shift, scale = self.vectors(states[list(rows)]).unflatten(1, (2, -1)).unbind(1)
        plain = [number for number in wanted if not plan[number][1].head]
        both = torch.stack((torch.tanh(0.2 * shift), 2 * torch.sigmoid(scale / 2))).flatten()
        lengths = [plan[number][1].shape[0] for number in plain]
        starts = [
            (len(rows) * (plan[number][1].kind == "gamma") + rows[plan[number][0]]) * self.max_channels
            for number in plain
        ]
        if plain:
            picks = np.concatenate(
                [start + np.arange(n) % self.max_channels for start, n in zip(starts, lengths, strict=True)]
            )
            yield from zip(plain, both[torch.from_numpy(picks).to(both.device)].split(lengths), strict=True)
        for number in set(wanted) - set(plain):
            assert self.head_bias is not None
            yield number, torch.tanh(0.2 * self.head_bias(F.relu(shift[rows[plan[number][0]]])))


@cache
def spread(shape: Shape) -> float:
    """Factor that keeps the spread of a signal through a layer with weights of `shape`.

    ReLU halves the power of a signal, hence the 2; behind kernels of one input channel, as in depthwise
    convolutions, and behind kernels wider than high there is taken to be none.
    """
    _, channels_in, height, width = four(shape)
    gain = 1.0 if channels_in == 1 or height < width else 2.0
    return float((gain / prod(shape[1:])) ** 0.5)


def fit(block: Tensor, shape: Shape) -> Tensor:
    """`block` [channels out, channels in, height, width] enlarged and repeated to `shape`."""
    channels_out, channels_in, height, width = four(shape)
    if block.shape[2:] != (height, width):
        block = F.interpolate(block, (height, width), mode="bilinear", align_corners=False)
    copies = -(-channels_out // block.shape[0]), -(-channels_in // block.shape[1])
    if copies != (1, 1):
        block = block.repeat(*copies, 1, 1)[:channels_out, :channels_in]
    if len(shape) == 5:  # through the depth of a volume, copies
        return block[:, :, None].expand(shape)
    return block if block.shape == shape else block.reshape(shape)


def arrange(tensor: Tensor, transposed: int) -> Tensor:
    """A tensor [channels out, channels in of a group, ...] in the order of a transposed convolution."""
    if not transposed:
        return tensor
    return tensor.unflatten(0, (transposed, -1)).transpose(1, 2).flatten(0, 1)
