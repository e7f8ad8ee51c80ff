"""One training loop: gather a batch, augment it, step; after each pass validate and save."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from teachkit.data.splits import Split
from teachkit.errors import TrainingError
from teachkit.shapes import Inputs, Targets
from teachkit.training import checkpoints
from teachkit.training.batches import Batches
from teachkit.training.checks import check_fit, check_frozen_body
from teachkit.training.device import open_fabric
from teachkit.training.history import History
from teachkit.training.inference import score_split
from teachkit.training.losses import Loss, default_loss
from teachkit.training.modes import evaluating
from teachkit.training.naming import Settings, describe
from teachkit.training.plan import Augment, Plan, Schedule, make_optimizer, make_schedule
from teachkit.training.progress import progress_bar
from teachkit.training.seeds import reseed, seeded

EVALUATION_BATCH = 256


def fit(
    model: nn.Module,
    train: Split,
    val: Split | None = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    optimizer: str | Callable[..., Optimizer] = "adamw",
    lr: float = 1e-3,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "auto",
    loss: Loss | None = None,
    augment: Augment | None = None,
    schedule: Schedule = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> History:
    """Train `model` in place; it keeps the weights of the last step, in eval mode, on the training device.

    The last weights, not the best ones: an epoch picked on few validation images is noise that looks like
    skill. The seed decides data order, augmentation and dropout, so the same call gives the same weights;
    validation and checkpoints do not change them. The initial weights are the caller's.

    A model with a method ``frozen_body()`` and an attribute ``head`` trains faster when nothing is augmented:
    the features of a frozen body are computed once, and only the head is run.

    Args:
        model: takes float32 images ``[B, C, H, W]`` in [0, 1], or table rows ``[B, F]``; returns
            ``[B, outputs]``, for segmentation ``[B, outputs, H, W]``. Normalising and resizing belong to it.
        train: what to learn from.
        val: scored after each pass, or None.
        epochs: passes over `train`; or
        steps: optimiser steps. Exactly one of the two.
        optimizer: "adamw", "adam", "sgd", or a callable ``(parameters, lr=lr)``.
        lr: learning rate.
        batch_size: rows in a batch, over all devices together. A last batch of one row joins the one before.
        seed: 0 or larger.
        device: "auto", "cpu", "cuda", "cuda:1", "mps". Under torchrun all its processes share each batch.
        loss: function of outputs and targets, returns the batch mean; by default the task's own.
        augment: function of a batch of images on the device; for segmentation of images and masks, to both.
        schedule: None, "cosine", "onecycle", or a function from the share of steps done to a factor of `lr`.
        checkpoint: a file, written after each pass; where it exists, the run goes on from it and ends exactly
            as if it had never stopped.

    Returns:
        Losses and scores per pass, wall time, throughput.

    Raises:
        SettingsError: for settings that make no sense, before anything runs.
        FormatError: for data that the model cannot take: empty, wrong channels, labels beyond the outputs.
        TrainingError: when the loss stops being a number, or the checkpoint belongs to other settings.
    """
    fabric = open_fabric(device)
    plan = Plan(
        len(train), epochs, steps, optimizer, lr, batch_size, seed, loss, augment, schedule, fabric.world_size
    )
    with seeded(seed):
        run = _start(fabric, plan, model, train, val)
        path = None if checkpoint is None else Path(checkpoint)
        settings: Settings = {} if path is None else _settings(fabric, plan, model, train, val)
        if state := checkpoints.found(path, settings, fabric):
            run.go_on_from(state)
        run.train(train.info.title, path, settings)
    model.eval()
    return run.history


def _settings(fabric: Fabric, plan: Plan, model: nn.Module, train: Split, val: Split | None) -> Settings:
    """What a checkpoint must agree on with the run that reads it."""
    return {
        **plan.settings(),
        "model": f"{type(model).__name__}, {sum(p.numel() for p in model.parameters()):,} parameters",
        "train": describe(train),
        "val": describe(val),
        "precision": str(fabric._precision.precision),
    }


def _start(fabric: Fabric, plan: Plan, model: nn.Module, train: Split, val: Split | None) -> "_Run":
    """Put data and model on the device, check that they fit, and compute frozen features."""
    model.to(fabric.device)
    batches = Batches.of(train, fabric.device)
    check_fit(model, batches, train)
    validation = None
    if val is not None:
        validation = Batches.of(val, fabric.device)
        check_fit(model, validation, val)
    trained = model
    if plan.augment is None and (body := _frozen_body(model)) is not None:
        check_frozen_body(model, body, batches)
        with evaluating(body), fabric.autocast():
            batches = batches.through(body, EVALUATION_BATCH)
            validation = validation and validation.through(body, EVALUATION_BATCH)
        trained = model.get_submodule("head")
    optimizer = make_optimizer(plan.optimizer, trained.parameters(), plan.lr)
    schedule = make_schedule(plan.schedule, optimizer, plan.total_steps)
    net, stepper = fabric.setup(trained, optimizer)
    loss = plan.loss or default_loss(train.info.task)
    return _Run(
        fabric,
        plan,
        train.info.task,
        loss,
        model,
        trained,
        net,
        optimizer,
        stepper,
        schedule,
        batches,
        validation,
    )


def _frozen_body(model: nn.Module) -> nn.Module | None:
    method = getattr(model, "frozen_body", None)
    return method() if callable(method) else None


@dataclass
class _Run:
    """A run under way: the caller's `model`, its `trained` part, and `net`, that part under Fabric."""

    fabric: Fabric
    plan: Plan
    task: str
    loss: Loss
    model: nn.Module
    trained: nn.Module
    net: nn.Module
    optimizer: Optimizer
    stepper: Optimizer
    schedule: LRScheduler | None
    batches: Batches
    validation: Batches | None
    history: History = field(default_factory=History)

    def train(self, title: str, checkpoint: Path | None, settings: Settings) -> None:
        """All passes that are still to do."""
        earlier, began = self.history.seconds, time.perf_counter()
        with progress_bar(self.plan.total_steps, title, self.history.steps) as bar:
            for epoch in range(len(self.history.epochs), self.plan.passes):
                entry = self._one_pass(epoch, bar.update)
                if self.validation is not None:
                    entry |= self._validate(epoch, self.validation)
                self.history.epochs.append(entry)
                self.history.seconds = earlier + time.perf_counter() - began
                bar.set_postfix(loss=f"{entry['loss']:.3f}")
                if checkpoint is not None:
                    self._save(checkpoint, settings)

    def _one_pass(self, epoch: int, tick: Callable[[], object]) -> dict[str, float]:
        fabric, plan, history = self.fabric, self.plan, self.history
        reseed(plan.seed, epoch, fabric.global_rank)
        self.trained.train()
        began = time.perf_counter()
        # Asking a GPU for each loss would make it wait; every sixteenth step is soon enough to stop.
        patience = 1 if fabric.device.type == "cpu" else 16
        losses: list[Tensor] = []
        rows_of: list[np.ndarray] = []
        for rows in plan.batches(epoch):
            mine = rows[fabric.global_rank :: plan.world]
            inputs, targets = self.batches.gather(mine)
            inputs, targets = self._augmented(inputs, targets)
            loss = self.loss(self.net(inputs), targets)
            losses.append(loss.detach())
            rows_of.append(mine)
            if len(losses) % patience == 0:
                self._refuse_non_finite(losses, rows_of, epoch, patience)
            # Processes average their gradients; this factor makes that the mean over all rows of the batch.
            fabric.backward(loss * (len(mine) * plan.world / len(rows)) if plan.world > 1 else loss)
            rate = self.optimizer.param_groups[0]["lr"]
            self.stepper.step()
            self.stepper.zero_grad()
            history.steps += 1
            history.samples += len(rows)
            if self.schedule is not None and history.steps < plan.total_steps:
                self.schedule.step()
            tick()
        self._refuse_non_finite(losses, rows_of, epoch, patience)
        counts = torch.tensor([len(rows) for rows in rows_of], dtype=torch.float64)
        sums = torch.stack([(torch.stack(losses).cpu().double() * counts).sum(), counts.sum()])
        if plan.world > 1:
            sums = cast(Tensor, fabric.all_reduce(sums, reduce_op="sum"))
        seconds = time.perf_counter() - began
        history.train_seconds += seconds
        return {"epoch": epoch + 1, "loss": float(sums[0] / sums[1]), "lr": rate, "seconds": seconds}

    def _augmented(self, inputs: Inputs, targets: Targets) -> tuple[Inputs, Targets]:
        if self.plan.augment is None:
            return inputs, targets
        if self.task == "segmentation":
            images, masks = self.plan.augment(inputs, targets)
            return images, masks
        return cast(Tensor, self.plan.augment(inputs)), targets

    def _refuse_non_finite(
        self, losses: list[Tensor], rows_of: list[np.ndarray], epoch: int, newest: int
    ) -> None:
        recent = torch.stack(losses[-newest:])
        if bool(torch.isfinite(recent).all()):
            return
        where = len(losses) - len(recent) + int(torch.nonzero(~torch.isfinite(recent))[0])
        step, rows = epoch * self.plan.steps_per_epoch + where + 1, rows_of[where].tolist()
        raise TrainingError(
            f"The loss became {float(losses[where])} at step {step} (epoch {epoch + 1}), "
            f"on training rows {rows[:8]}{' …' if len(rows) > 8 else ''}.",
            f"Try a smaller lr (now {self.optimizer.param_groups[0]['lr']:.3g}), look at those rows, "
            "and check your loss or augment for a division by zero.",
            step=step,
            epoch=epoch + 1,
            rows=rows,
        )

    def _validate(self, epoch: int, batches: Batches) -> dict[str, float]:
        self.trained.eval()
        with self.fabric.autocast():
            found = score_split(self.trained, batches, self.task, self.loss, EVALUATION_BATCH)
        if found is None:
            raise TrainingError(
                f"After epoch {epoch + 1} the model's outputs on the validation split are not finite.",
                f"Try a smaller lr (now {self.optimizer.param_groups[0]['lr']:.3g}).",
                epoch=epoch + 1,
            )
        return {f"val_{name}": value for name, value in found.items()}

    def _save(self, path: Path, settings: Settings) -> None:
        if self.fabric.is_global_zero:
            state = {
                "settings": settings,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": None if self.schedule is None else self.schedule.state_dict(),
                "history": self.history.to_dict(),
            }
            checkpoints.save(path, state)
        self.fabric.barrier()

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Take over weights, optimiser, schedule and history from the checkpoint of this same run."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.history = History(**state["history"])
