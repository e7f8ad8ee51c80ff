"""A run under way: passes over batches, losses by domain, selection, checkpoints."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from teachkit.data.splits import Split
from teachkit.errors import TrainingError
from teachkit.mmpt.domains import Domain, Shelf
from teachkit.mmpt.history import History
from teachkit.mmpt.live import Live
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.plan import Recipe, weights_of_domains
from teachkit.mmpt.sampling import Batch, Sampler
from teachkit.mmpt.validation import recalibrated, rule_of, validated, weights_of_losses
from teachkit.training import checkpoints
from teachkit.training.naming import Settings
from teachkit.training.plan import make_optimizer
from teachkit.training.seeds import reseed


@dataclass
class Run:
    """A run in one of its processes.

    Attributes:
        passes: steps of each pass.
        planned: rows of each domain in the whole run, for "temperature" their expectation.
        weights: of a row of each domain in the loss.
        best: numbers of the network after the best pass so far.
    """

    fabric: Fabric
    recipe: Recipe
    domains: tuple[Domain, ...]
    net: DomainNet
    optimizer: Optimizer
    train_shelf: Shelf
    val_shelf: Shelf | None
    sampler: Sampler
    passes: list[int]
    planned: NDArray[np.float64]
    weights: Tensor
    watch_idle: bool
    history: History
    best: dict[str, Tensor] | None = None

    @classmethod
    def of(
        cls,
        fabric: Fabric,
        recipe: Recipe,
        domains: tuple[Domain, ...],
        splits: Mapping[str, tuple[Split, Split | None]],
        net: DomainNet,
        watch_idle: bool,
    ) -> "Run":
        """Put data on the device and make ready what the run needs."""
        names = [domain.name for domain in domains]
        train = Shelf.of([one for one, _ in splits.values()], fabric.device)
        vals = [val for _, val in splits.values() if val is not None]
        sampler = recipe.sampler(train.counts, fabric.world_size)
        passes = recipe.passes(sampler)
        planned = np.zeros(len(names))
        for number, steps in enumerate(passes):
            planned += sampler.rows_of(number) * (steps / sampler.length(number))
        weights = weights_of_domains(recipe.domain_weights, names, train.counts, sampler.batches_of)
        return cls(
            fabric,
            recipe,
            domains,
            net,
            _optimizer(net, recipe),
            train,
            Shelf.of(vals, fabric.device) if len(vals) == len(names) else None,
            sampler,
            passes,
            planned,
            torch.tensor(weights, dtype=torch.float32, device=fabric.device),
            watch_idle,
            History(names, seen=[0] * len(names), idle_change=0.0 if watch_idle else float("nan")),
        )

    def train(
        self,
        checkpoint: Path | None,
        settings: Settings,
        on_epoch: Callable[[History], object] | None,
        progress: bool,
    ) -> None:
        """All passes that are still to do; at the end the network has the weights that were selected."""
        history = self.history
        earlier, began = history.seconds, time.perf_counter()
        with Live(history, sum(self.passes), progress and self.fabric.is_global_zero) as live:
            for number in range(len(history.epochs), len(self.passes)):
                if history.stopped:
                    break
                live.begins(number, self.sampler.rows_of(number))
                self._pass(number, live)
                self._judge(number)
                history.seconds = earlier + time.perf_counter() - began
                live.ends()
                self._save(checkpoint, settings)
                if on_epoch is not None:
                    on_epoch(history)
        if self.best is not None:
            self.net.load_state_dict(self.best)
        if self.recipe.norm == "shared":  # for whoever wants to switch later; "everyone" stays the rule
            recalibrated(self.net, self.train_shelf, self.fabric)

    def _pass(self, number: int, live: Live) -> None:
        """One pass over the batches; notes losses by domain."""
        reseed(self.recipe.seed, number, self.fabric.global_rank)
        self.net.train()
        began, history = time.perf_counter(), self.history
        # Asking a GPU for each loss would make it wait; every sixteenth step is soon enough to stop.
        patience = 1 if self.fabric.device.type == "cpu" else 16
        sums = torch.zeros(len(self.domains), 2, dtype=torch.float64, device=self.fabric.device)
        batches = self.sampler.batches(number)[: self.passes[number]]
        rates: dict[str, float] = {}
        for step, batch in enumerate(batches, start=1):
            rates = self._set_rates(number)
            self._step(batch, sums)
            if step % patience == 0 or step == len(batches):
                self._refuse_non_finite(sums, number)
            history.steps += 1
            for domain, rows in zip(*np.unique(batch.domains, return_counts=True), strict=True):
                history.seen[domain] += int(rows)
            live.step()
        if self.fabric.world_size > 1:
            sums = cast(Tensor, self.fabric.all_reduce(sums, reduce_op="sum"))
        total, rows_of = sums.cpu().T.numpy()
        seconds = time.perf_counter() - began
        history.train_seconds += seconds
        mean = float(total.sum() / rows_of.sum())
        history.epochs.append({"epoch": number + 1, "loss": mean, **rates, "seconds": seconds})
        for domain, loss, rows in zip(history.domains, total, rows_of, strict=True):
            mean = float(loss / rows) if rows else float("nan")
            history.scores.append({"epoch": number + 1, "domain": domain, "rows": int(rows), "loss": mean})

    def _step(self, batch: Batch, sums: Tensor) -> None:
        """Forward, backward, share gradients with the other processes, step; losses go to `sums`."""
        fabric, net, present = self.fabric, self.net, batch.present
        mine = batch.part(fabric.global_rank, fabric.world_size)
        images, targets = self.train_shelf.gather(mine, present)
        with net.route.set(processes=fabric.world_size), fabric.autocast():
            outputs = net(images, present)
        counts = np.bincount(batch.domains, minlength=len(self.domains))
        loss = torch.zeros((), device=fabric.device)
        for domain, output, target in zip(present, outputs, targets, strict=True):
            losses = net.head(domain).row_losses(output.float(), target)
            # Every process divides by the rows of the whole batch: the sum over processes is its mean.
            alike = self.recipe.domain_weights == "domains"
            share = int(counts[domain]) * len(present) if alike else len(batch)
            loss = loss + self.weights[domain] * losses.sum() / share
            sums[domain, 0] += losses.detach().sum()
            sums[domain, 1] += len(losses)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._share_gradients()
        if self.recipe.clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), self.recipe.clip)
        idle = self._idle(present)
        self.optimizer.step()
        for parameter, before in idle:
            self.history.idle_change = max(self.history.idle_change, float((parameter - before).abs().max()))

    def _share_gradients(self) -> None:
        """Sum gradients over processes. All know the whole batch, so all have gradients of the same heads."""
        if self.fabric.world_size > 1:
            used = [p.grad for p in self.net.parameters() if p.grad is not None]
            flat = torch.cat([g.flatten() for g in used])
            torch.distributed.all_reduce(flat)  # Fabric's would let all wait for each other first
            for gradient, part in zip(used, flat.split([g.numel() for g in used]), strict=True):
                gradient.copy_(part.view_as(gradient))
        if self.recipe.idle_heads == "zeroed":
            for parameter in self.net.parameters():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)

    def _idle(self, present: list[int]) -> list[tuple[Tensor, Tensor]]:
        """Parameters of the heads without pictures in this step, each with a copy."""
        if not self.watch_idle:
            return []
        heads = [head for domain, head in enumerate(self.net.heads) if domain not in present]
        return [(p.detach(), p.detach().clone()) for head in heads for p in head.parameters()]

    def _set_rates(self, number: int) -> dict[str, float]:
        """Learning rates of the backbone and of each head, for the next step."""
        recipe, history = self.recipe, self.history
        shared = recipe.factor(self._progress(number), number)
        body, *heads = self.optimizer.param_groups
        body["lr"] = recipe.lr * shared
        for group, seen, planned in zip(heads, history.seen, self.planned, strict=True):
            own = recipe.factor(seen / max(planned, 1), number)
            group["lr"] = (recipe.head_lr or recipe.lr) * (own if recipe.head_schedule == "own" else shared)
        return {"lr": body["lr"], "head_lr": float(np.mean([group["lr"] for group in heads]))}

    def _progress(self, number: int) -> float:
        """Share of the steps done; of those of the domain under way, where one comes after the other."""
        epochs, first, last = self.sampler.epochs, 0, len(self.passes)
        if self.sampler.kind == "sequential":
            first = number // epochs * epochs
            last = first + epochs
        return (self.history.steps - sum(self.passes[:first])) / sum(self.passes[first:last])

    def _refuse_non_finite(self, sums: Tensor, number: int) -> None:
        broken = torch.nonzero(~torch.isfinite(sums[:, 0])).flatten().tolist()
        if not broken:
            return
        name, step = self.domains[broken[0]].name, self.history.steps + 1
        raise TrainingError(
            f"The loss of '{name}' is no longer a number at step {step} (epoch {number + 1}).",
            f"Try a smaller lr (now {self.optimizer.param_groups[0]['lr']:.3g}), or clip=1.",
            step=step,
            epoch=number + 1,
            domain=name,
        )

    def _judge(self, number: int) -> None:
        """Statistics of the domains, validation, selection."""
        history, recipe = self.history, self.recipe
        if recipe.norm == "recalibrated":
            recalibrated(self.net, self.train_shelf, self.fabric)
        entry = history.epochs[-1]
        if self.val_shelf is not None:
            found = validated(self.net, self.val_shelf, self.domains, self.fabric, rule_of(recipe.norm))
            for row, scores in zip(history.scores[-len(self.domains) :], found, strict=True):
                row |= scores
            losses = np.array([scores["val_loss"] for scores in found])
            entry["val_loss"] = float(weights_of_losses(recipe, history.domains, self.val_shelf) @ losses)
            entry["val_auc"] = float(np.mean([scores["val_auc"] for scores in found]))
        if recipe.select == "last":
            history.best_epoch = number + 1
            return
        what, sign = f"val_{recipe.select}", 1 if recipe.select == "auc" else -1
        if all(sign * entry[what] > sign * before[what] for before in history.epochs[:-1]):
            history.best_epoch = number + 1
            self.best = {name: value.cpu().clone() for name, value in self.net.state_dict().items()}
        history.stopped = bool(recipe.patience) and number + 1 - history.best_epoch >= recipe.patience

    def _save(self, path: Path | None, settings: Settings) -> None:
        if path is None:
            return
        if self.fabric.is_global_zero:
            state: dict[str, Any] = {
                "settings": settings,
                "net": self.net.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "history": self.history.to_dict(),
                "best": self.best,
            }
            checkpoints.save(path, state)
        self.fabric.barrier()

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Take over weights, optimiser, history and selection from the checkpoint of this same run."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = History(**state["history"])
        self.best = state["best"]


def _optimizer(net: DomainNet, recipe: Recipe) -> Optimizer:
    """One group of parameters for the backbone, and one for each head."""
    # torch's fused SGD fails where some numbers of a group have a momentum and others not yet.
    kind = partial(torch.optim.SGD, momentum=0.9) if recipe.optimizer == "sgd" else recipe.optimizer
    optimizer = make_optimizer(kind, net.backbone.parameters(), recipe.lr)
    for head in net.heads:
        optimizer.add_param_group({"params": list(head.parameters())})
    for group in optimizer.param_groups:
        group["weight_decay"] = recipe.weight_decay
    return optimizer
