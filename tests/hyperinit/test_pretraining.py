"""Pre-training: the gradient, the steps, going on from a checkpoint, networks that fail, unseen networks."""

import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError, TrainingError
from teachkit.hyperinit.architecture import ArchitectureGraph, architecture_graph
from teachkit.hyperinit.architectures import Stream, references
from teachkit.hyperinit.history import History
from teachkit.hyperinit.initializer import HyperInitializer
from teachkit.hyperinit.meta_nets import MetaNet, meta_net, split_backward
from teachkit.hyperinit.pictures import on_device
from teachkit.hyperinit.plan import Plan
from teachkit.hyperinit.pretext import Rotation
from teachkit.hyperinit.pretraining import pretrain
from teachkit.hyperinit.scoring import pretext_scores

STREAM = Stream(("vgg", "mobile1"), seed=3, size=6)


class Waves(nn.Module):
    """A hyper-network small enough for every test: each tensor is a mixture of sixteen fixed waves."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            self.kinds = nn.Embedding(16, 8)
            self.mixture = nn.Linear(8, 16)
        self.trained_steps = 0
        self.settings = {"waves": 16}

    def grow_head(self, outputs: int) -> None:
        """Heads are predicted like all else."""

    def graph(self, module: nn.Module) -> ArchitectureGraph:
        return architecture_graph(module)

    def predict(self, graphs: list[ArchitectureGraph], heads: int | None = None) -> list[dict[str, Tensor]]:
        return [self._one(graph) for graph in graphs]

    def _one(self, graph: ArchitectureGraph) -> dict[str, Tensor]:
        mixtures = self.mixture(self.kinds(torch.from_numpy(graph.ops).long()))
        return {
            parameter.name: self._tensor(mixture, parameter.shape)
            for mixture, covered in zip(mixtures, graph.parameters, strict=True)
            for parameter in covered
        }

    def _tensor(self, mixture: Tensor, shape: tuple[int, ...]) -> Tensor:
        count = math.prod(shape)
        waves = torch.sin(torch.arange(count).unsqueeze(1) * torch.arange(1, 17) * 0.7)
        flat = waves @ mixture * (2 / max(count // shape[0], 1)) ** 0.5
        return flat.view(shape) if len(shape) > 1 else 1 + 0.1 * flat


@pytest.fixture
def pictures() -> np.ndarray:
    """Bright at the top, dark at the bottom: turns can be told apart."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(200, 40, 16)[:, None] + rng.normal(0, 15, (30, 16, 16))
    return ramp.clip(0, 255).astype(np.uint8)


def numbers_of(initializer: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in initializer.parameters()])


@pytest.fixture
def three_nets() -> list[MetaNet]:
    return [meta_net(architecture, 1, 4) for architecture in islice(Stream(seed=8), 3)]


@pytest.fixture
def three_batches(pictures: np.ndarray) -> list[tuple[Tensor, Tensor]]:
    shown = on_device(pictures, torch.device("cpu"))
    return [Rotation()(shown[start : start + 4], torch.Generator().manual_seed(start)) for start in (0, 4, 8)]


def test_a_net_without_numbers_gives_what_the_same_net_with_these_numbers_gives(three_nets):
    architecture = Stream(seed=8)[0]
    real = architecture.build(1, 4)
    [predicted] = Waves().predict([three_nets[0].graph])
    with torch.no_grad():
        for name, parameter in real.named_parameters():
            parameter.copy_(predicted[name])
    x = torch.randn(5, 1, 28, 28)
    assert torch.equal(real(x), three_nets[0](predicted, x))


def ready() -> HyperInitializer:
    """The real one, small, with layers that predict a head of four outputs."""
    initializer = HyperInitializer(dim=8, max_channels=16, max_kernel=5)
    initializer.grow_head(4)
    return initializer


@pytest.mark.parametrize("make", [Waves, ready])
def test_the_gradient_net_by_net_is_that_of_the_joint_loss(make, three_nets, three_batches):
    split, joint, task = make(), make(), Rotation()
    predicted = split.predict([net.graph for net in three_nets], heads=4)
    outcomes = split_backward(three_nets, predicted, three_batches, task)
    predicted = joint.predict([net.graph for net in three_nets], heads=4)
    losses = [
        task.loss(net(numbers, inputs), targets)
        for net, numbers, (inputs, targets) in zip(three_nets, predicted, three_batches, strict=True)
    ]
    torch.stack(losses).mean().backward()
    for ours, theirs in zip(split.parameters(), joint.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)
    assert [outcome.loss for outcome in outcomes] == pytest.approx([loss.item() for loss in losses])


def test_a_net_whose_loss_is_no_number_counts_as_a_gradient_of_zero(three_nets, three_batches):
    spoilt = [*three_batches]
    spoilt[1] = (torch.full_like(spoilt[1][0], math.nan), spoilt[1][1])
    one, two, task = Waves(), Waves(), Rotation()
    outcomes = split_backward(three_nets, one.predict([n.graph for n in three_nets]), spoilt, task)
    kept = [three_nets[0], three_nets[2]]
    split_backward(kept, two.predict([n.graph for n in kept]), [spoilt[0], spoilt[2]], task)
    assert [outcome.finite for outcome in outcomes] == [True, False, True]
    for ours, theirs in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad * 2 / 3, rtol=1e-3, atol=1e-5)


def test_networks_may_compute_in_half_precision_while_the_gradient_stays_whole(three_nets, three_batches):
    whole, half, task = Waves(), Waves(), Rotation()
    exact = split_backward(three_nets, whole.predict([n.graph for n in three_nets]), three_batches, task)
    rough = split_backward(
        three_nets, half.predict([n.graph for n in three_nets]), three_batches, task,
        lambda: torch.autocast("cpu", torch.bfloat16),
    )  # fmt: skip
    assert [o.loss for o in rough] == pytest.approx([o.loss for o in exact], rel=0.1)
    assert [o.loss for o in rough] != [o.loss for o in exact]
    assert all(parameter.grad.dtype == torch.float32 for parameter in half.parameters())


def test_unseen_networks_solve_the_task_with_numbers_that_were_only_predicted(pictures):
    initializer = HyperInitializer(dim=16, max_kernel=5, seed=1)
    stream = Stream(("vgg",), seed=1, size=40)
    history = initializer.pretrain(
        pictures, steps=60, stream=stream, nets=1, images_per_net=32, lr=0.01, every=60, seed=1, device="cpu",
        unseen={"vgg6": references()["vgg6"]},
    )  # fmt: skip
    first, last = history.unseen
    assert first["loss"] > math.log(4) - 0.1
    assert last["loss"] < math.log(4) - 0.2
    assert last["accuracy"] > 0.5


def test_pre_training_lowers_the_loss_and_asks_unseen_networks_on_the_way(pictures):
    initializer = Waves()
    history = pretrain(
        initializer, pictures, steps=30, stream=STREAM, nets=2, lr=0.02, every=20, device="cpu",
        unseen={"vgg6": references()["vgg6"]},
    )  # fmt: skip
    assert np.mean(history.losses[-6:]) < np.mean(history.losses[:6]) - 0.2
    assert list(history.table.index) == [0, 20, 30]
    assert list(history.table.columns) == ["vgg6"]
    assert history.steps == initializer.trained_steps == 30
    assert history.inputs == 30 * 2 * 48
    assert history.images_per_s > 0
    assert "30 steps" in repr(history)
    assert "vgg6 goes from" in history.plot().alt
    assert "a guess goes from 0.250 to 0.250" in history.plot().alt


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(pictures):
    found = []
    for seed in (1, 1, 2):
        initializer = Waves()
        pretrain(initializer, pictures, steps=2, stream=STREAM, nets=1, seed=seed, unseen={}, device="cpu")
        found.append(numbers_of(initializer))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


class Stopped(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_as_if_it_never_had(pictures, tmp_path: Path):
    def run(initializer: Waves, checkpoint: Path, stop: int = 0) -> History:
        def on_step(history: History) -> None:
            if history.steps == stop:
                raise Stopped

        return pretrain(
            initializer, pictures, steps=7, stream=STREAM, nets=2, images_per_net=16, every=3, device="cpu",
            checkpoint=checkpoint, on_step=on_step, unseen={"vgg6": references()["vgg6"]},
        )  # fmt: skip

    whole, parts = Waves(), Waves()
    history = run(whole, tmp_path / "whole.pt")
    with pytest.raises(Stopped):
        run(parts, tmp_path / "parts.pt", stop=5)
    parts = Waves()
    resumed = run(parts, tmp_path / "parts.pt")
    assert resumed.losses == history.losses
    assert resumed.unseen == history.unseen
    assert torch.equal(numbers_of(whole), numbers_of(parts))
    assert parts.trained_steps == 7


def test_a_checkpoint_of_another_run_is_refused_by_name(pictures, tmp_path: Path):
    def run(lr: float) -> None:
        pretrain(
            Waves(), pictures, steps=1, stream=STREAM, nets=1, lr=lr, unseen={}, device="cpu",
            checkpoint=tmp_path / "run.pt",
        )  # fmt: skip

    run(0.001)
    with pytest.raises(TrainingError, match=r"lr was 0\.001 and is now 0\.002"):
        run(0.002)


class Spoilt(Waves):
    """Every second network gets numbers that are none."""

    def predict(self, graphs, heads=None):
        found = super().predict(graphs, heads)
        for numbers in found[1::2]:
            for name in numbers:
                numbers[name] = numbers[name] * math.nan
        return found


def test_networks_that_fail_are_skipped_and_counted(pictures):
    initializer = Spoilt()
    history = pretrain(initializer, pictures, steps=3, stream=STREAM, nets=2, unseen={}, device="cpu")
    assert history.skipped == 3
    assert np.isfinite(history.losses).all()
    assert bool(numbers_of(initializer).isfinite().all())


def test_a_run_without_any_usable_network_stops(pictures, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("teachkit.hyperinit.pretraining.PATIENCE", 3)
    initializer = Waves()
    with torch.no_grad():
        initializer.mixture.bias.fill_(math.inf)
    with pytest.raises(TrainingError, match="At step 3 no network"):
        pretrain(initializer, pictures, steps=9, stream=STREAM, nets=1, unseen={}, device="cpu")


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    plan = Plan(100, 1, 48, 4, lr=1.0, warmup=0.1, clip=1, seed=0, every=1)
    rates = [plan.rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[54] == pytest.approx(0.5 * (1 + math.cos(math.pi * 45 / 91)))
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert 0 < rates[-1] < 0.001


def test_no_picture_is_drawn_twice_for_one_batch_and_batches_differ():
    plan = Plan(10, 1, 48, 4, lr=1, warmup=0, clip=1, seed=0, every=1)
    rows = [plan.rows(step, slot, 100) for step in (0, 1) for slot in (0, 1)]
    assert all(len(set(batch.tolist())) == 12 for batch in rows)
    assert len({tuple(batch) for batch in rows}) == 4
    assert len(plan.rows(0, 0, 5)) == 5


def test_scores_of_predicted_networks_are_those_of_networks_with_copied_numbers(pictures):
    initializer, architecture, task = Waves(), references()["vgg6"], Rotation()
    found = pretext_scores(initializer, {"net": architecture}, pictures, seed=5, batch_size=64)["net"]
    network = architecture.build(1, 4)
    [numbers] = initializer.predict([meta_net(architecture, 1, 4).graph])
    network.load_state_dict(numbers)
    shown = on_device(pictures, torch.device("cpu"))
    inputs, targets = task(shown, torch.Generator().manual_seed(5))
    with torch.no_grad():
        outputs = network(inputs)
    assert found["loss"] == pytest.approx(float(task.loss(outputs, targets)), rel=1e-5)
    assert found["accuracy"] == pytest.approx(float(task.accuracy(outputs, targets)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"images_per_net": 6}, "images_per_net is 6"),
        ({"lr": 0.0}, "lr is 0.0"),
        ({"warmup": 1.0}, "warmup is 1.0"),
    ],
)
def test_settings_without_sense_are_refused(pictures, changes: dict, said: str):
    with pytest.raises(SettingsError, match=said):
        pretrain(Waves(), pictures, **({"steps": 2, "device": "cpu"} | changes))


def test_pictures_come_from_splits_arrays_and_tensors(make_pictures):
    cpu = torch.device("cpu")
    assert on_device(make_pictures((3, 8, 8)), cpu).shape == (3, 1, 8, 8)
    assert on_device(make_pictures((3, 8, 8, 3)), cpu).shape == (3, 3, 8, 8)
    assert on_device(torch.rand(3, 2, 8, 8), cpu).shape == (3, 2, 8, 8)
    with pytest.raises(FormatError, match=r"shape \[0, 1, 8, 8\]"):
        on_device(make_pictures((0, 8, 8)), cpu)


@pytest.fixture
def make_pictures():
    return lambda shape: np.zeros(shape, dtype=np.uint8)


def test_a_split_gives_its_pictures_and_nobody_looks_at_labels(offline):
    from teachkit import data

    split = data.load("digits", "train")
    shown = on_device(split, torch.device("cpu"))
    assert np.array_equal(shown[:, 0].numpy(), split.images)
    with pytest.raises(FormatError, match="has no pictures"):
        on_device(data.load("wisconsin", "train"), torch.device("cpu"))
