"""The hyper-initializer on one thread: the numbers of a ResNet-50, and what it adds to pre-training."""

from collections.abc import Callable
from itertools import islice
from time import process_time

import torch
from timing import in_turns, report
from torch import Tensor
from torchvision.models import resnet50

from teachkit.hyperinit import HyperInitializer, architecture_graph
from teachkit.hyperinit.architectures import Stream
from teachkit.hyperinit.meta_nets import clip, meta_net, split_backward
from teachkit.hyperinit.pretext import Rotation

NETS, INPUTS, SETS = 4, 48, 5  # networks a step, inputs a network, steps a round
ALONE, STEP, FRESH = "the four networks alone", "a step of pre-training", "the same, new architectures"
ROUNDS = 7
Batch = tuple[Tensor, Tensor]


def initialise() -> None:
    """Graph and prediction of a ResNet-50, beside the initialisation that torchvision gives it."""
    initializer = HyperInitializer()
    with torch.device("meta"):
        shapes = resnet50()

    def predict() -> None:
        with torch.no_grad():
            initializer.predict([architecture_graph(shapes)])

    own, graph, whole = "torchvision's own initialisation", "graph alone", "graph and all numbers"
    ways: dict[str, Callable[[], object]] = {
        own: resnet50,
        graph: lambda: architecture_graph(shapes),
        whole: predict,
    }
    timings = in_turns(ways, ROUNDS, clock=process_time)
    report("hyperinit_resnet50", "First numbers of a ResNet-50, 1 thread, processor time", own, timings)


def pretrain() -> None:
    """Steps of pre-training, beside forward and backward of the same networks with numbers of their own."""
    task, initializer = Rotation(), HyperInitializer()
    initializer.grow_head(task.outputs)
    optimizer = torch.optim.AdamW(initializer.parameters(), lr=1e-4, fused=True)
    drawn = list(islice(Stream(), SETS * NETS))
    batches = [batch_of(task, place) for place in range(NETS)]
    alone = [architecture.build(1, task.outputs) for architecture in drawn]
    known = [meta_net(architecture, 1, task.outputs) for architecture in drawn]

    def step(places: range, fresh: bool) -> None:
        nets = [meta_net(drawn[place], 1, task.outputs) if fresh else known[place] for place in places]
        optimizer.zero_grad()
        predicted = initializer.predict([net.graph for net in nets], heads=task.outputs)
        split_backward(nets, predicted, batches, task)
        clip(initializer.parameters(), 5.0)
        optimizer.step()

    def without(places: range) -> None:
        for place, (inputs, targets) in zip(places, batches, strict=True):
            task.loss(alone[place](inputs), targets).backward()

    ways = {
        ALONE: several(without),
        STEP: several(lambda places: step(places, fresh=False)),
        FRESH: several(lambda places: step(places, fresh=True)),
    }
    timings = in_turns(ways, ROUNDS, clock=process_time)
    size = f"{NETS} networks × {INPUTS} inputs of 28×28"
    title = f"{SETS} steps of pre-training, {size}, 1 thread, processor time"
    report("hyperinit_step", title, ALONE, timings)


def several(one: Callable[[range], None]) -> Callable[[], None]:
    """All steps of a round, each with networks of its own."""

    def run() -> None:
        for index in range(SETS):
            one(range(NETS * index, NETS * (index + 1)))

    return run


def batch_of(task: Rotation, seed: int) -> Batch:
    """Random pictures in all turns."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(INPUTS // task.views, 1, 28, 28, generator=generator)
    return task(pictures, generator)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    initialise()
    pretrain()
