"""What a predicted start costs, beside pre-training of the network itself; in seconds of one processor."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torchvision.models
from _grid import Grid
from _hyperinit_arms import DEVELOPMENT, INPUTS, NETS, Recipe
from _hyperinit_choice import Choice, chosen
from _hyperinit_training import pictures, untrained
from torch import nn

from teachkit.hyperinit import HyperInitializer, Stream, references
from teachkit.hyperinit.pretext import Rotation

LARGE = ("resnet18", "resnet50", "resnet101", "regnet_y_1_6gf")
SMALL = ("resnet14", "mobilenet2")
OWN_STEPS = (100, 1_000)
REPEATS, TIMED_STEPS, TIMED_PRETRAINING = 3, 3, 40


def run_cost(grid: Grid) -> None:
    """Pre-training once, then each network."""
    choice = chosen(grid)
    grid.run("cost_pretraining", choice.__dict__ | {"timed": TIMED_PRETRAINING}, lambda: pretraining(choice))
    for name in (*SMALL, *LARGE):
        grid.run(f"cost_{name}", _settings(name), partial(cost, name))


def _settings(name: str) -> dict[str, Any]:
    return {"network": name, "pixels": 28, "inputs": INPUTS["rotation"], "threads": 1, "own": "rotation"}


def pretraining(choice: Choice) -> dict[str, float]:
    """Seconds of the chosen pre-training, from a short one: every step costs the same."""
    torch.set_num_threads(1)
    recipe: Recipe = choice.recipe(DEVELOPMENT, 0)
    stream = Stream(families=recipe.settings["families"], seed=0, size=recipe.collection)
    initializer = HyperInitializer(seed=0)
    began = time.process_time()
    initializer.pretrain(
        pictures(DEVELOPMENT, "train"),
        steps=TIMED_PRETRAINING,
        pretext=choice.pretext,
        stream=stream,
        nets=NETS,
        images_per_net=INPUTS[choice.pretext],
        unseen={},
        device="cpu",
    )
    step = (time.process_time() - began) / TIMED_PRETRAINING
    return {"step": step, "seconds": step * choice.steps}


def cost(name: str) -> dict[str, float]:
    """Graph, numbers, and one step of rotation training, each the fastest of a few."""
    torch.set_num_threads(1)
    network, channels = build(name)
    initializer = untrained(0)
    graph = initializer.graph(network)
    read = fastest(lambda: initializer.graph(network))
    with torch.no_grad():
        predict = fastest(lambda: initializer.predict([graph]))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "nodes": graph.num_nodes,
        "graph": read,
        "predict": predict,
        "own_step": own_step(network, channels),
    }


def build(name: str) -> tuple[nn.Module, int]:
    """A network with four outputs, and its input channels: small ones are ours, large ones torchvision's."""
    if name in SMALL:
        return references()[name].build(1, Rotation.outputs, running_statistics=True), 1
    return torchvision.models.get_model(name, weights=None, num_classes=Rotation.outputs), 3


def own_step(network: nn.Module, channels: int) -> float:
    """Seconds of one step of rotation training of the network itself."""
    task = Rotation()
    images = torch.rand(INPUTS["rotation"] // task.views, channels, 28, 28)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    network.train()

    def step() -> None:
        inputs, targets = task(images, torch.Generator().manual_seed(0))
        optimizer.zero_grad()
        task.loss(network(inputs), targets).backward()
        optimizer.step()

    step()
    return fastest(step, TIMED_STEPS)


def break_even(pretraining_seconds: float, values: dict[str, float], steps: int) -> float:
    """Networks from which on one pre-training of a hyper-initializer is cheaper than one of each network."""
    saved = values["own_step"] * steps - values["graph"] - values["predict"]
    return math.ceil(pretraining_seconds / saved) if saved > 0 else math.inf


def fastest(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Processor seconds of the fastest repeat."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)
