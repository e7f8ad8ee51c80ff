"""Networks with first numbers of five kinds; the last layer follows from the seed alone."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from teachkit.errors import FormatError
from teachkit.hyperinit.architectures import Architecture
from teachkit.hyperinit.pictures import Pictures, on_device
from teachkit.hyperinit.plan import Plan
from teachkit.hyperinit.pretext import Pretext, pretext_named
from teachkit.training.plan import make_optimizer
from teachkit.training.seeds import reseed, seeded

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

LR, WARMUP, CLIP = 2e-3, 0.05, 5.0  # of self-supervision: those of `pretrain`


def kaiming_start(architecture: Architecture, channels: int, classes: int, seed: int) -> nn.Sequential:
    """A network with random numbers.

    Weights have the standard deviation sqrt(2 / fan-in), biases are 0, scales 1. The last layer is drawn as
    torch draws it, and is the same in every start of this seed.

    Args:
        architecture: one of `hyperinit.architectures`; it has a body and a last layer.
        channels: of the pictures.
        classes: outputs of the last layer.

    Source: He et al., Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    with seeded(seed):
        network = architecture.build(channels, classes, running_statistics=True)
        if not isinstance(network, nn.Sequential):
            raise FormatError(f"{architecture} has no body and head.", "Build it as Sequential.")
        reseed(seed, 1)
        for part in network.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
        reseed(seed, 2)
        last_layer(network).reset_parameters()
    return network


def predicted_start(
    architecture: Architecture, channels: int, classes: int, seed: int, initializer: "HyperInitializer"
) -> nn.Sequential:
    """A network with the numbers that `initializer` predicts; the last layer is that of `kaiming_start`."""
    network = kaiming_start(architecture, channels, classes, seed)
    initializer.initialize(network)
    return network


def untrained_start(
    architecture: Architecture, channels: int, classes: int, seed: int, settings: Mapping[str, Any]
) -> nn.Sequential:
    """As `predicted_start`, by a hyper-initializer of these settings that was never trained.

    Its own first numbers follow from `seed`.
    """
    from teachkit.hyperinit.initializer import HyperInitializer

    fresh = HyperInitializer(**{**settings, "seed": seed})
    return predicted_start(architecture, channels, classes, seed, fresh)


def shuffled_start(network: nn.Sequential, seed: int) -> nn.Sequential:
    """Bring the entries of each tensor of the body into a random order, in place; see `shuffle`."""
    shuffle(body_of(network).values(), seed)
    return network


def shuffle(parameters: Iterable[Tensor], seed: int) -> None:
    """Bring the entries of each tensor into a random order, in place.

    Spread and distribution of every tensor are kept. What the arrangement says is lost.
    """
    with seeded(seed), torch.no_grad():
        reseed(seed, 3)
        for parameter in parameters:
            order = torch.randperm(parameter.numel())
            parameter.copy_(parameter.flatten()[order].view_as(parameter))


def transferred_start(
    architecture: Architecture, channels: int, classes: int, seed: int, numbers: Mapping[str, Tensor]
) -> nn.Sequential:
    """A network with the body that `self_supervise` has left; the last layer is that of `kaiming_start`."""
    network = kaiming_start(architecture, channels, classes, seed)
    with torch.no_grad():
        for name, parameter in body_of(network).items():
            parameter.copy_(numbers[name])
    return network


@dataclass(frozen=True, eq=False)
class OwnTraining:
    """A network pre-trained by itself.

    Attributes:
        numbers: the tensors of its body by name, for `transferred_start`.
        losses: of the task without labels, one a step.
        seconds: it took.
    """

    numbers: dict[str, Tensor]
    losses: list[float]
    seconds: float


def self_supervise(
    architecture: Architecture,
    pictures: Pictures,
    *,
    steps: int,
    pretext: str | Pretext = "rotation",
    images_per_net: int = 48,
    lr: float = LR,
    seed: int = 0,
) -> OwnTraining:
    """Train one network on pictures without labels, from the body of `kaiming_start`: no hyper-network.

    Batches, optimiser and schedule are those with which `pretrain` trains the hyper-network: AdamW, warm-up
    and cosine, clipping.

    Args:
        steps: each with `images_per_net` inputs.
        pretext: a task without labels, or its name.
        lr: highest learning rate.
        seed: of first numbers, pictures and draws.
    """
    began = time.perf_counter()
    task = pretext_named(pretext) if isinstance(pretext, str) else pretext
    plan = Plan(steps, 1, images_per_net, task.views, lr, WARMUP, CLIP, seed, steps)
    device = torch.device("cpu")
    shown = on_device(pictures, device)
    network = kaiming_start(architecture, shown.shape[1], task.outputs, seed)
    network.to(memory_format=torch.channels_last).train()
    optimizer = make_optimizer("adamw", network.parameters(), lr)
    losses = []
    for step in range(steps):
        rows = torch.from_numpy(plan.rows(step, 0, len(shown)))
        inputs, targets = task(shown[rows], plan.generator(step, 0, device))
        optimizer.param_groups[0]["lr"] = plan.rate(step)
        optimizer.zero_grad()
        loss = task.loss(network(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
        optimizer.step()
        losses.append(float(loss.detach()))
    numbers = {name: parameter.detach().clone() for name, parameter in body_of(network).items()}
    return OwnTraining(numbers, losses, time.perf_counter() - began)


def last_layer(network: nn.Module) -> nn.Linear:
    """The last linear layer, which belongs to the task.

    Raises:
        FormatError: when there is none.
    """
    found = [part for part in network.modules() if isinstance(part, nn.Linear)]
    if not found:
        raise FormatError(
            f"{type(network).__name__} has no linear layer at its end.", "Use a network with a head."
        )
    return found[-1]


def body_of(network: nn.Module) -> dict[str, nn.Parameter]:
    """All tensors by name, without those of the last layer."""
    own = {id(parameter) for parameter in last_layer(network).parameters()}
    return {name: p for name, p in network.named_parameters() if id(p) not in own}


def features_of(network: nn.Sequential) -> nn.Sequential:
    """The network up to the means over its last map: [B, C, H, W] to [B, features]; shares its numbers."""
    return network[:-1]
