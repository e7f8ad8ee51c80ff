"""What one call of fit promises about settings, data, losses and weights."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from teachkit import training
from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError, TrainingError, UnknownNameError

MakeSplit = Callable[..., Split]
MakeNet = Callable[..., nn.Module]


def weights_equal(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def jitter(images: Tensor) -> Tensor:
    return images + 0.1 * torch.rand_like(images)


def test_a_small_net_learns_what_brightness_tells(make_split: MakeSplit, small_net: MakeNet) -> None:
    net, val = small_net(), make_split(split="val", rows=40)
    history = training.fit(net, make_split(), val, epochs=15, lr=1e-2, batch_size=20, device="cpu")
    assert history.epochs[-1]["loss"] < 0.5 * history.epochs[0]["loss"]
    assert training.evaluate(net, val, device="cpu")["auc"] > 0.95
    assert history.steps == 45
    assert history.samples == 15 * 60
    assert history.samples_per_s > 0


def test_the_loop_equals_one_written_out_in_plain_torch(make_split: MakeSplit, small_net: MakeNet) -> None:
    split, ours, plain = make_split(), small_net()[:4], small_net()[:4]
    ours.append(nn.Linear(144, 2)), plain.append(nn.Linear(144, 2))
    plain.load_state_dict(ours.state_dict())
    training.fit(ours, split, epochs=2, optimizer="sgd", lr=0.05, batch_size=20, seed=3, device="cpu")
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9)
    plain.train()
    for epoch in range(2):
        order = np.random.default_rng([3, epoch]).permutation(60)
        for rows in order.reshape(3, 20):
            images = torch.from_numpy(split.images[rows]).unsqueeze(1).float() / 255
            loss = F.cross_entropy(plain(images), torch.from_numpy(split.labels[rows, 0]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    make_split: MakeSplit, small_net: MakeNet
) -> None:
    nets = [small_net() for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        training.fit(net, make_split(), epochs=2, batch_size=20, seed=seed, augment=jitter, device="cpu")
    assert weights_equal(nets[0], nets[1])
    assert not weights_equal(nets[0], nets[2])


def test_validation_does_not_change_the_weights(make_split: MakeSplit, small_net: MakeNet) -> None:
    alone, watched = small_net(), small_net()
    settings = {"epochs": 3, "batch_size": 20, "augment": jitter, "device": "cpu"}
    training.fit(alone, make_split(), **settings)
    training.fit(watched, make_split(), make_split(split="val"), **settings)
    assert weights_equal(alone, watched)


def test_the_callers_random_numbers_go_on_as_if_nothing_had_been_trained(
    make_split: MakeSplit, small_net: MakeNet
) -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    training.fit(small_net(), make_split(), epochs=1, device="cpu")
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002


def test_epoch_means_weigh_samples_and_not_batches(make_split: MakeSplit, small_net: MakeNet) -> None:
    """Batches of 50 and 10 rows; a mean of batch means would weigh the small one fivefold."""
    split, seen = make_split(), []

    def spy(outputs: Tensor, targets: Tensor) -> Tensor:
        loss = F.cross_entropy(outputs, targets)
        seen.append((loss.item(), len(targets)))
        return loss

    history = training.fit(small_net(), split, split, epochs=1, batch_size=50, loss=spy, device="cpu")
    losses, counts = (np.asarray(column) for column in zip(*seen[:2], strict=True))
    assert sorted(counts) == [10, 50]
    assert history.epochs[0]["loss"] == pytest.approx(np.average(losses, weights=counts), rel=1e-6)
    assert history.epochs[0]["loss"] != pytest.approx(losses.mean(), rel=1e-3)


def test_the_last_validation_equals_evaluate(make_split: MakeSplit, small_net: MakeNet) -> None:
    net, val = small_net(), make_split(split="val", rows=300)  # more than one evaluation batch
    history = training.fit(net, make_split(), val, epochs=2, device="cpu")
    scores = training.evaluate(net, val, device="cpu")
    assert {f"val_{key}": value for key, value in scores.items()}.items() <= history.epochs[-1].items()
    logits = net(torch.from_numpy(val.images).unsqueeze(1) / 255)
    expected = F.cross_entropy(logits, torch.from_numpy(val.labels[:, 0])).item()
    assert history.epochs[-1]["val_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("rows", [1, 21, 41])
def test_a_last_batch_of_one_image_joins_the_one_before(
    make_split: MakeSplit, rows: int, small_net: MakeNet
) -> None:
    sizes: list[int] = []

    def spy(outputs: Tensor, targets: Tensor) -> Tensor:
        sizes.append(len(targets))
        return F.cross_entropy(outputs, targets)

    training.fit(small_net(), make_split(rows=rows), epochs=1, batch_size=20, loss=spy, device="cpu")
    assert sum(sizes) == rows
    assert 1 not in sizes or rows == 1


def test_steps_may_stop_in_the_middle_of_a_pass(make_split: MakeSplit, small_net: MakeNet) -> None:
    history = training.fit(small_net(), make_split(), steps=4, batch_size=20, device="cpu")
    assert history.steps == 4
    assert [epoch["epoch"] for epoch in history.epochs] == [1, 2]
    assert history.samples == 80


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, [1.0, 1.0, 1.0, 1.0]),
        ("cosine", [0.5 * (1 + np.cos(np.pi * step / 4)) for step in range(4)]),
        (lambda done: 1 - done, [1.0, 0.75, 0.5, 0.25]),
    ],
)
def test_the_learning_rate_follows_its_schedule(
    make_split: MakeSplit, small_net: MakeNet, schedule: object, expected: list[float]
) -> None:
    history = training.fit(
        small_net(), make_split(), epochs=4, lr=0.1, batch_size=60, schedule=schedule, device="cpu"
    )
    assert [epoch["lr"] / 0.1 for epoch in history.epochs] == pytest.approx(expected)


def test_onecycle_rises_to_lr_and_falls_below_its_start(make_split: MakeSplit, small_net: MakeNet) -> None:
    history = training.fit(
        small_net(), make_split(), epochs=10, lr=0.1, batch_size=60, schedule="onecycle", device="cpu"
    )
    rates = [epoch["lr"] for epoch in history.epochs]
    assert max(rates) == pytest.approx(0.1, rel=0.05)
    assert rates[-1] < rates[0] < 0.1


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", torch.optim.RMSprop])
def test_every_optimizer_lowers_the_loss(
    make_split: MakeSplit, small_net: MakeNet, optimizer: object
) -> None:
    history = training.fit(
        small_net(), make_split(), epochs=6, lr=3e-3, batch_size=20, optimizer=optimizer, device="cpu"
    )
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


@pytest.mark.parametrize(
    ("task", "outputs", "metric"),
    [("multi-class", 3, "acc"), ("ordinal", 3, "acc"), ("multi-label", 3, "acc"), ("regression", 1, "r2")],
)
def test_each_task_has_its_loss_and_its_scores(
    make_split: MakeSplit, small_net: MakeNet, task: str, outputs: int, metric: str
) -> None:
    net, split = small_net(outputs), make_split(task)
    before = training.evaluate(net, split, device="cpu")[metric]
    training.fit(net, split, epochs=30, lr=1e-2, batch_size=20, device="cpu")
    assert training.evaluate(net, split, device="cpu")[metric] > before
    found = training.predict(net, split, device="cpu")
    assert found.shape == (60, outputs)
    if task in ("multi-class", "ordinal"):
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_segmentation_learns_masks_and_augments_them_with_the_image(make_split: MakeSplit) -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1))

    def flip(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        return images.flip(-1), masks.flip(-1)

    split = make_split("segmentation")
    training.fit(net, split, epochs=40, lr=3e-2, batch_size=20, augment=flip, device="cpu")
    assert training.evaluate(net, split, device="cpu")["dice"] > 0.9
    assert training.predict(net, split, device="cpu").shape == (60, 2, 8, 8)


def test_a_table_is_learned_from_without_images(make_split: MakeSplit) -> None:
    split = make_split("regression").replace(images=None)
    with training.seeded(7):
        net = nn.Linear(2, 1)
    training.fit(net, split, epochs=200, lr=5e-2, batch_size=20, device="cpu")
    assert training.evaluate(net, split, device="cpu")["r2"] > 0.9


def test_a_non_finite_loss_stops_with_step_rows_and_advice(make_split: MakeSplit, small_net: MakeNet) -> None:
    def breaks_at_the_fifth(outputs: Tensor, targets: Tensor) -> Tensor:
        breaks_at_the_fifth.calls += 1  # type: ignore[attr-defined]
        loss = F.cross_entropy(outputs, targets)
        return loss * float("nan") if breaks_at_the_fifth.calls == 5 else loss  # type: ignore[attr-defined]

    breaks_at_the_fifth.calls = 0  # type: ignore[attr-defined]
    net = small_net()
    with pytest.raises(TrainingError, match=r"nan at step 5 \(epoch 2\).*Try a smaller lr") as caught:
        training.fit(net, make_split(), epochs=3, batch_size=20, loss=breaks_at_the_fifth, device="cpu")
    expected = np.random.default_rng([0, 1]).permutation(60)[20:40]
    assert caught.value.rows == expected.tolist()
    assert all(bool(value.isfinite().all()) for value in net.state_dict().values())


def test_outputs_that_overflow_on_validation_stop_the_run(make_split: MakeSplit) -> None:
    class Overflows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(64, 2)

        def forward(self, images: Tensor) -> Tensor:
            logits = self.linear(images.flatten(1))
            return logits if self.training else logits * float("inf")

    with pytest.raises(TrainingError, match=r"After epoch 1 .* not finite"):
        training.fit(Overflows(), make_split(), make_split(split="val"), epochs=1, device="cpu")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "epochs is None and steps is None"),
        ({"epochs": 1, "steps": 1}, "epochs is 1 and steps is 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size is 0"),
        ({"epochs": 1, "lr": -1.0}, "lr is -1.0"),
        ({"epochs": 1, "seed": -1}, "seed is -1"),
        ({"epochs": 1, "device": "gpuu"}, "No device 'gpuu'"),
        ({"epochs": 1, "device": "cuda:99"}, "'cuda:99' is not here"),
    ],
)
def test_settings_without_sense_are_refused_by_name_and_value(
    make_split: MakeSplit, small_net: MakeNet, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        training.fit(small_net(), make_split(), **{"device": "cpu", **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"optimizer": "adm"}, "Did you mean 'adam'"), ({"schedule": "cosinus"}, "Did you mean 'cosine'")],
)
def test_an_unknown_name_offers_the_nearest(
    make_split: MakeSplit, small_net: MakeNet, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UnknownNameError, match=words):
        training.fit(small_net(), make_split(), epochs=1, device="cpu", **settings)


def test_a_model_with_nothing_to_train_is_refused(make_split: MakeSplit, small_net: MakeNet) -> None:
    with pytest.raises(SettingsError, match="no parameter that may change"):
        training.fit(small_net().requires_grad_(False), make_split(), epochs=1, device="cpu")


def test_data_that_the_model_cannot_take_is_refused_before_training(
    make_split: MakeSplit, small_net: MakeNet
) -> None:
    def fit(net: nn.Module, split: Split, val: Split | None = None) -> None:
        training.fit(net, split, val, epochs=1, device="cpu")

    good = make_split()
    with pytest.raises(FormatError, match="the split is empty"):
        fit(small_net(), good[:0])
    with pytest.raises(FormatError, match="has 3 channels, but the model's first layer takes 1"):
        fit(small_net(), make_split(channels=3))
    with pytest.raises(FormatError, match="label 2 has no output, the model has 2"):
        fit(small_net(2), make_split("multi-class"))
    with pytest.raises(FormatError, match="label -1 has no output"):
        fit(small_net(2), good, good.replace(labels=good.labels - 1))
    with pytest.raises(FormatError, match=r"returns \[2, 2\] for labels \[2, 3\]"):
        fit(small_net(2), make_split("multi-label"))
    with pytest.raises(FormatError, match="differ in size"):
        fit(small_net(), good.replace(images=[*good.images[:-1], np.zeros((9, 9), np.uint8)]))
    with pytest.raises(FormatError, match="neither images nor a table"):
        fit(small_net(), good.replace(images=None))
    words = pd.DataFrame({"size": range(60), "site": "left"})
    with pytest.raises(FormatError, match=r"columns \['site'\] are not numbers"):
        fit(small_net(), good.replace(images=None, table=words))
    with pytest.raises(FormatError, match="has no masks"):
        fit(small_net(), make_split("segmentation").replace(masks=None))


def test_a_fault_inside_the_model_shows_itself_unchanged(make_split: MakeSplit) -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(99, 2))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        training.fit(net, make_split(), epochs=1, device="cpu")


def test_predicting_keeps_each_parts_mode_and_batch_size_does_not_matter(
    make_split: MakeSplit, small_net: MakeNet
) -> None:
    net = small_net().train()
    net[1].eval()
    small, large = (training.predict(net, make_split(), batch_size=b, device="cpu") for b in (7, 60))
    np.testing.assert_allclose(small, large, atol=1e-6)
    assert net[4].training
    assert not net[1].training


def test_a_split_is_not_changed_by_training_on_it(make_split: MakeSplit, small_net: MakeNet) -> None:
    split = make_split()
    before = split.images.copy()
    split.images.setflags(write=False)
    training.fit(small_net(), split, epochs=1, augment=lambda images: images.zero_() + 1, device="cpu")
    assert np.array_equal(split.images, before)


def test_a_run_shows_its_course(make_split: MakeSplit, small_net: MakeNet) -> None:
    history = training.fit(small_net(), make_split(), epochs=2, device="cpu")
    assert "2 steps" in repr(history)
    assert list(history.table.index) == [1, 2]
    assert "<table" in history._repr_html_()


@pytest.mark.parametrize(("environment", "quiet"), [({"TEACHKIT_HEADLESS": "1"}, True), ({}, False)])
def test_the_progress_bar_is_for_terminals_only(
    make_split: MakeSplit,
    small_net: MakeNet,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    environment: dict[str, str],
    quiet: bool,
) -> None:
    monkeypatch.delenv("TEACHKIT_HEADLESS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    training.fit(small_net(), make_split(), epochs=1, device="cpu")
    assert (capfd.readouterr().err == "") == quiet


def test_the_device_line_says_threads_and_precision() -> None:
    assert training.device_summary("cpu").startswith("CPU, 1 thread, float32, torch 2.")
