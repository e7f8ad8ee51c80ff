"""Pre-training of the hyper-network: all networks of a stream should solve a task that needs no labels.

Only the hyper-network learns. The numbers of a network are a function of its architecture, so the gradient of
the network's loss goes through them into the hyper-network (Shang et al. 2022, equation 3).
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from teachkit.errors import TrainingError
from teachkit.hyperinit.architectures import Architecture, Stream, references
from teachkit.hyperinit.history import History
from teachkit.hyperinit.meta_nets import MetaNet, Outcome, clip, meta_net, split_backward
from teachkit.hyperinit.pictures import Pictures, on_device
from teachkit.hyperinit.plan import Plan
from teachkit.hyperinit.pretext import Pretext, pretext_named
from teachkit.hyperinit.scoring import pretext_scores
from teachkit.training import checkpoints
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings, describe
from teachkit.training.plan import make_optimizer
from teachkit.training.progress import progress_bar

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

COLLECTION = 1000  # architectures of the default stream; drawing and tracing each of them once is cheap
SHOWN = 64  # pictures that the unseen networks are asked about during a run
PATIENCE = 50  # steps in a row without any usable network


class Shardable(Protocol):
    """What pre-training wants from a stream: an architecture for each place, and a part for each process."""

    def __getitem__(self, index: int) -> Architecture: ...
    def shard(self, worker: int, workers: int) -> "Shardable": ...


def pretrain(
    initializer: "HyperInitializer",
    images: Pictures,
    *,
    steps: int,
    pretext: str | Pretext = "rotation",
    stream: Shardable | None = None,
    nets: int = 4,
    images_per_net: int = 48,
    lr: float = 2e-3,
    warmup: float = 0.05,
    clip: float = 5.0,
    seed: int = 0,
    device: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 100,
    unseen: Mapping[str, Architecture] | None = None,
    val: Pictures | None = None,
    on_step: Callable[[History], object] | None = None,
) -> History:
    """Train `initializer` in place, on pictures without labels.

    In each step new networks are drawn, each gets a batch of its own, and the mean of their losses is
    lowered. Seed and step alone decide pictures and draws, so a run that goes on from a checkpoint ends
    exactly as if it had never stopped.

    Args:
        images: a split, whose labels are not looked at, or an array of pictures.
        steps: optimiser steps.
        pretext: "rotation" (the published task), "simclr", "barlow", or a task with settings of its own.
        stream: where architectures come from; by default a collection of 1,000 small ones of all families.
        nets: networks in a step, in each process: under torchrun every process draws its own.
        images_per_net: inputs that each network sees in a step. A task that makes v of one picture draws
            images_per_net / v pictures.
        lr: highest learning rate of AdamW; it rises over the share `warmup` of the steps and then falls to 0
            along a cosine.
        clip: largest norm of the gradient.
        seed: 0 or larger.
        device: "auto", "cpu", "cuda", ... On GPUs the networks compute in bfloat16, and the hyper-network in
            float32.
        checkpoint: a file, written every `every` steps; where it exists, the run goes on from it.
        every: steps between two questions to the `unseen` networks.
        unseen: networks by name that are asked with predicted numbers; by default `references()`. Keep them
            out of the stream.
        val: pictures for that; without, the first ones of `images`.
        on_step: called after each step.

    Returns:
        Losses, accuracies, what the unseen networks could do, and the throughput.

    Raises:
        SettingsError: for settings that make no sense.
        FormatError: for pictures that cannot be used.
        TrainingError: when no network gives usable numbers any more, or the checkpoint is another run's.
    """
    task = pretext_named(pretext) if isinstance(pretext, str) else pretext
    plan = Plan(steps, nets, images_per_net, task.views, lr, warmup, clip, seed, every)
    fabric = open_fabric(device)
    stream = Stream(seed=seed, size=COLLECTION) if stream is None else stream
    pictures = on_device(images, fabric.device)
    shown = pictures if val is None else on_device(val, fabric.device)
    initializer.grow_head(task.outputs)
    initializer.to(fabric.device).train()
    if fabric.world_size > 1:  # all processes start from the numbers of the first
        initializer.load_state_dict(fabric.broadcast(initializer.state_dict()))
    optimizer = make_optimizer("adamw", initializer.parameters(), lr)
    make = partial(meta_net, channels=pictures.shape[1], outputs=task.outputs, read=initializer.graph)
    settings: Settings = {
        **plan.settings(),
        "pretext": describe(task),
        "stream": describe(stream),
        "images": describe(pictures),
        "initializer": describe(initializer.settings),
        "processes": fabric.world_size,
        "precision": str(fabric._precision.precision),
    }
    run = _Run(
        fabric,
        plan,
        initializer,
        optimizer,
        task,
        stream.shard(fabric.global_rank, fabric.world_size),
        lru_cache(maxsize=COLLECTION)(make),
        pictures,
        references() if unseen is None else unseen,
        shown,
        None if checkpoint is None else Path(checkpoint),
        settings,
        before=initializer.trained_steps,
        history=History(chance=task.chance(min(SHOWN, len(shown)) * task.views)),
    )
    run.go_on()
    run.train(on_step)
    initializer.eval()
    return run.history


@dataclass
class _Run:
    """A run under way, in one of its processes."""

    fabric: Fabric
    plan: Plan
    initializer: "HyperInitializer"
    optimizer: Optimizer
    task: Pretext
    stream: Shardable
    net_of: Callable[[Architecture], MetaNet]
    pictures: Tensor
    unseen: Mapping[str, Architecture]
    shown: Tensor  # to the unseen networks
    checkpoint: Path | None
    settings: Settings
    before: int  # steps that the hyper-network was trained in earlier runs
    history: History = field(default_factory=History)
    idle: int = 0  # steps in a row without any usable network

    def train(self, on_step: Callable[[History], object] | None) -> None:
        """All steps that are still to do."""
        history, plan = self.history, self.plan
        if not history.steps:
            self._ask_unseen()
        with progress_bar(plan.steps, "pre-training", history.steps) as bar:
            while history.steps < plan.steps:
                began = time.perf_counter()
                self._step(history.steps)
                history.seconds += time.perf_counter() - began
                self.initializer.trained_steps = self.before + history.steps
                if history.steps % plan.every == 0 or history.steps == plan.steps:
                    self._ask_unseen()
                    self._save()
                bar.update()
                self._describe(bar.set_postfix)
                if on_step is not None:
                    on_step(history)

    def _step(self, step: int) -> None:
        """Draw networks and batches, take the gradient, share it with the other processes, step."""
        fabric, plan, world = self.fabric, self.plan, self.fabric.world_size
        places = range(plan.nets)
        nets = [self.net_of(self.stream[step * plan.nets + place]) for place in places]
        batches = [self._batch(step, place * world + fabric.global_rank) for place in places]
        self.optimizer.zero_grad()
        predicted = self.initializer.predict([net.graph for net in nets], heads=self.task.outputs)
        outcomes = split_backward(nets, predicted, batches, self.task, fabric.autocast)
        loss, accuracy, usable = self._share(outcomes)
        self.idle = 0 if usable else self.idle + 1
        if self.idle == PATIENCE:
            raise TrainingError(
                f"At step {step + 1} no network had given usable numbers for {PATIENCE} steps.",
                f"Use an lr below {plan.lr:g}, or a smaller clip than {plan.clip:g}.",
                step=step + 1,
            )
        clip(self.initializer.parameters(), plan.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate(step)
        self.optimizer.step()
        self.history.losses.append(loss)
        self.history.accuracies.append(accuracy)
        self.history.skipped += plan.nets * world - usable
        self.history.inputs += sum(len(inputs) for inputs, _ in batches) * world

    def _batch(self, step: int, slot: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one network: they follow from seed, step and slot, whoever runs it."""
        device = self.pictures.device
        rows = torch.from_numpy(self.plan.rows(step, slot, len(self.pictures))).to(device)
        return self.task(self.pictures[rows], self.plan.generator(step, slot, device))

    def _share(self, outcomes: Sequence[Outcome]) -> tuple[float, float, int]:
        """Average gradients over processes; returns loss and accuracy over usable networks, and their number.

        A process whose networks all failed takes part with a gradient of zero: the others need not wait.
        """
        parameters = [p for p in self.initializer.parameters() if p.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [cast(Tensor, parameter.grad) for parameter in parameters]
        norm = torch.stack(torch._foreach_norm(gradients)).sum()
        usable = [outcome for outcome in outcomes if outcome.finite]
        if not bool(torch.isfinite(norm)):  # every network was fine, and still the way back was not
            torch._foreach_zero_(gradients)
            usable = []
        sums = torch.tensor(
            [sum(o.loss for o in usable), sum(o.accuracy for o in usable), len(usable)],
            device=self.fabric.device,
            dtype=torch.float32,
        )
        if (world := self.fabric.world_size) > 1:
            flat = torch.cat([sums, *(gradient.flatten() for gradient in gradients)])
            torch.distributed.all_reduce(flat)  # Fabric's would let all wait for each other first
            sums, rest = flat[:3], flat[3:] / world
            parts = rest.split([gradient.numel() for gradient in gradients])
            torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])
        loss, accuracy, count = sums.tolist()
        return (loss / count, accuracy / count, int(count)) if count else (math.nan, math.nan, 0)

    def _ask_unseen(self) -> None:
        if not self.unseen:
            return
        found = pretext_scores(
            self.initializer, self.unseen, self.shown, self.task, limit=SHOWN, seed=self.plan.seed
        )
        self.history.unseen += [
            {"step": self.history.steps, "network": name, **scores} for name, scores in found.items()
        ]

    def _describe(self, say: Callable[..., object]) -> None:
        history = self.history
        numbers = {"loss": history.losses[-1], "accuracy": history.accuracies[-1]}
        if history.unseen:
            numbers["unseen"] = history.unseen_mean()
        say({name: f"{value:.3f}" for name, value in numbers.items()}, refresh=False)

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        if self.fabric.is_global_zero:
            state = {
                "settings": self.settings,
                "initializer": self.initializer.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "history": self.history.to_dict(),
                "before": self.before,
                "idle": self.idle,
            }
            checkpoints.save(self.checkpoint, state)
        self.fabric.barrier()

    def go_on(self) -> None:
        """Take over numbers, optimiser and history where this same run left a checkpoint."""
        state = checkpoints.found(self.checkpoint, self.settings, self.fabric)
        if state is None:
            return
        self.initializer.load_state_dict(state["initializer"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = History(**state["history"])
        self.before, self.idle = state["before"], state["idle"]
        self.initializer.trained_steps = self.before + self.history.steps
