"""Networks run with predicted numbers, and the gradient of several of them, one at a time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn

from teachkit.errors import GraphError
from teachkit.hyperinit.architecture import ArchitectureGraph, architecture_graph
from teachkit.hyperinit.architectures.design import Architecture
from teachkit.hyperinit.pretext import Pretext

Numbers = dict[str, Tensor]  # predicted tensors by the name of the parameter they stand for
Batch = tuple[Tensor, Tensor]  # inputs and targets
Reader = Callable[[nn.Module], ArchitectureGraph]


@dataclass(frozen=True, eq=False)
class MetaNet:
    """An architecture as shapes on the meta device, and its graph."""

    module: nn.Module
    graph: ArchitectureGraph

    def __call__(self, numbers: Numbers, inputs: Tensor) -> Tensor:
        """The network's outputs for `inputs`, with these numbers: `torch.func.functional_call`, but faster.

        That function looks for every tensor by its path in every call; here the places are known.
        """
        places = self._places
        try:
            for held, name, path, _ in places:
                held[name] = cast(nn.Parameter, numbers[path])
            answer: Tensor = self.module(inputs)
        finally:
            for held, name, _, shape in places:
                held[name] = shape
        return answer

    @cached_property
    def _places(self) -> list[tuple[dict[str, nn.Parameter | None], str, str, nn.Parameter]]:
        """For each tensor: what holds it, its name there, its path, and itself, a shape without numbers."""
        return [
            (part._parameters, name, f"{path}.{name}" if path else name, shape)
            for path, part in self.module.named_modules()
            for name, shape in part._parameters.items()
            if shape is not None
        ]


def meta_net(
    architecture: Architecture, channels: int, outputs: int, read: Reader = architecture_graph
) -> MetaNet:
    """The network of an architecture, ready to be given numbers.

    Args:
        channels: of its inputs.
        outputs: of its last layer.
        read: how the hyper-initializer reads a network: its method `graph`.

    Raises:
        GraphError: when it has a parameter that no node of its graph stands for.
    """
    module = architecture.build(channels, outputs, device="meta")
    graph = read(module)
    if graph.left_alone:
        name, why = graph.left_alone[0]
        raise GraphError(
            f"Nothing would predict '{name}' of {architecture}: {why}",
            "Use layers that the hyper-initializer knows, or hold this architecture out.",
            config=str(architecture),
        )
    return MetaNet(module, graph)


@dataclass(frozen=True)
class Outcome:
    """What one network did with its batch; `finite` says whether it took part in the step."""

    loss: float
    accuracy: float
    finite: bool


def split_backward(
    nets: Sequence[MetaNet],
    predicted: Sequence[Numbers],
    batches: Sequence[Batch],
    task: Pretext,
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> list[Outcome]:
    """Add the gradient of the mean loss over `nets` to whatever `predicted` was calculated from.

    Network after network runs forward and backward, up to its predicted numbers and no further. Then one
    pass takes all these gradients back through the hyper-network. That is the chain rule, so the gradient is
    the one of a joint backward pass, and the memory that of a single network.

    A network whose loss or gradient is no number counts as one with a gradient of zero.
    """
    outcomes: list[Outcome] = []
    ends: list[Tensor] = []
    gradients: list[Tensor] = []
    for net, numbers, (inputs, targets) in zip(nets, predicted, batches, strict=True):
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in numbers.items()}
        with autocast():
            outputs = net(leaves, inputs).float()
        loss = task.loss(outputs, targets)
        found = torch.autograd.grad(loss / len(nets), list(leaves.values()))
        size = torch.stack(torch._foreach_norm(found)).sum()
        finite = bool(torch.isfinite(loss.detach() + size))
        with torch.no_grad():
            outcomes.append(Outcome(float(loss), float(task.accuracy(outputs, targets)), finite))
        if finite:
            ends += numbers.values()
            gradients += found
    if ends:
        torch.autograd.backward(ends, gradients)
    return outcomes


def clip(parameters: Iterable[nn.Parameter], longest: float) -> None:
    """Shorten a gradient that is longer than `longest`; a shorter one is not even written."""
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    length = nn.utils.get_total_norm([cast(Tensor, parameter.grad) for parameter in parameters])
    if length > longest:
        nn.utils.clip_grads_with_norm_(parameters, longest, length)
