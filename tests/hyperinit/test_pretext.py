"""Tasks without labels: what is asked, what an answer costs, and that a seed decides the draws."""

import math

import pytest
import torch
from torch import Tensor

from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.hyperinit.pretext import PRETEXTS, BarlowTwins, Rotation, SimCLR, pretext_named, random_crop


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(6, 1, 12, 12, generator=seeded(9))


@pytest.mark.parametrize("all_four", [True, False])
def test_turning_back_by_the_target_gives_the_original(images: Tensor, all_four: bool):
    inputs, targets = Rotation(all_four, zoom=(1, 1))(images, seeded())
    originals = images.repeat(4, 1, 1, 1) if all_four else images
    for turned, turns, original in zip(inputs, targets.tolist(), originals, strict=True):
        assert torch.equal(turned.rot90(-turns, (1, 2)), original)


def test_every_picture_is_shown_in_all_four_turns(images: Tensor):
    inputs, targets = Rotation()(images, seeded())
    assert inputs.shape == (24, 1, 12, 12)
    assert targets.bincount().tolist() == [6, 6, 6, 6]


def test_one_random_turn_is_any_of_the_four():
    _, targets = Rotation(all_four=False)(torch.rand(400, 1, 4, 4), seeded())
    assert all(60 < count < 140 for count in targets.bincount(minlength=4))


def test_pixels_from_0_to_255_become_shares():
    white = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    for name in ("rotation", "simclr"):
        inputs, _ = pretext_named(name)(white, seeded())
        assert inputs.dtype == torch.float32
        assert 0 <= float(inputs.min()) <= float(inputs.max()) <= 1


def test_a_picture_that_is_not_square_cannot_be_turned():
    with pytest.raises(FormatError, match="8 × 6 pixels"):
        Rotation()(torch.rand(2, 1, 8, 6), seeded())


def test_a_guess_about_turns_costs_ln_4():
    task = Rotation()
    targets = torch.arange(4)
    assert float(task.loss(torch.zeros(4, 4), targets)) == pytest.approx(math.log(4))
    assert float(task.accuracy(torch.eye(4), targets)) == 1
    assert task.chance(48) == 0.25


@pytest.mark.parametrize("task", [SimCLR(), BarlowTwins()])
def test_the_target_of_a_view_is_the_other_view_of_its_picture(images: Tensor, task: SimCLR | BarlowTwins):
    inputs, targets = task(images, seeded())
    assert inputs.shape == (12, 1, 12, 12)
    assert targets.tolist() == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]
    assert not torch.equal(inputs[:6], inputs[6:])


def test_views_without_any_change_are_the_picture_twice(images: Tensor):
    inputs, _ = SimCLR(crop=(1, 1), flip=False, intensity=0, noise=0)(images, seeded())
    assert torch.allclose(inputs, images.repeat(2, 1, 1, 1), atol=1e-6)


def test_nt_xent_is_the_sum_that_the_formula_says(images: Tensor):
    outputs = torch.randn(8, 5, generator=seeded(3))
    task, targets = SimCLR(outputs=5, temperature=0.3), torch.arange(8).roll(4)
    costs = []
    for i in range(8):
        cosines = [float(outputs[i] @ outputs[j] / (outputs[i].norm() * outputs[j].norm())) for j in range(8)]
        twin = math.exp(cosines[(i + 4) % 8] / 0.3)
        others = sum(math.exp(cosines[j] / 0.3) for j in range(8) if j != i)
        costs.append(-math.log(twin / others))
    assert float(task.loss(outputs, targets)) == pytest.approx(sum(costs) / 8, rel=1e-5)


def test_barlow_twins_is_the_sum_that_the_formula_says():
    outputs = torch.randn(10, 3, generator=seeded(4))
    first, second = outputs[:5], outputs[5:]
    cost = 0.0
    for i in range(3):
        for j in range(3):
            a, b = first[:, i] - first[:, i].mean(), second[:, j] - second[:, j].mean()
            correlation = float((a * b).sum() / (a.square().sum() * b.square().sum()).sqrt())
            cost += (1 - correlation) ** 2 if i == j else 0.02 * correlation**2
    task = BarlowTwins(outputs=3)
    assert float(task.loss(outputs, torch.arange(10))) == pytest.approx(cost / 3, rel=1e-4)


def test_equal_and_independent_outputs_cost_barlow_twins_nothing():
    signs = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert float(BarlowTwins(outputs=2).loss(signs.repeat(2, 1), torch.arange(8))) == pytest.approx(
        0, abs=1e-6
    )


def test_the_nearest_view_is_the_answer_of_simclr():
    outputs = torch.tensor([[1.0, 0], [0, 1], [1, 0.1], [0.1, 1]])
    task, targets = SimCLR(outputs=2), torch.tensor([2, 3, 0, 1])
    assert float(task.accuracy(outputs, targets)) == 1
    assert float(task.accuracy(outputs[[0, 1, 3, 2]], targets)) == 0
    assert task.chance(4) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", PRETEXTS)
def test_the_generator_alone_decides_the_draws(images: Tensor, name: str):
    task = pretext_named(name)
    torch.manual_seed(1)
    first, _ = task(images, seeded(5))
    torch.manual_seed(2)
    again, _ = task(images, seeded(5))
    other, _ = task(images, seeded(6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", PRETEXTS)
def test_every_task_says_which_head_it_needs(images: Tensor, name: str):
    task = pretext_named(name)
    inputs, targets = task(images, seeded())
    assert len(inputs) == task.views * len(images)
    outputs = torch.randn(len(inputs), task.outputs, generator=seeded(), requires_grad=True)
    task.loss(outputs, targets).backward()
    assert bool(outputs.grad.isfinite().all())
    assert 0 <= float(task.accuracy(outputs, targets)) <= 1


def test_a_crop_shows_that_share_of_the_area_and_nothing_from_outside():
    ramp = torch.linspace(0, 1, 64).repeat(200, 1, 64, 1)
    seen = random_crop(ramp, (0.25, 0.25), seeded())
    spans = (seen.amax((1, 2, 3)) - seen.amin((1, 2, 3))).tolist()
    assert all(span == pytest.approx(0.5, abs=0.02) for span in spans)
    assert float(seen.min()) < 0.02
    assert float(seen.max()) > 0.98


def test_settings_without_sense_are_refused():
    with pytest.raises(SettingsError, match="zoom is"):
        Rotation(zoom=(1.2, 0.8))
    with pytest.raises(SettingsError, match="make no views"):
        SimCLR(outputs=1)
    with pytest.raises(UnknownNameError, match="'rotation'"):
        pretext_named("rotations")
