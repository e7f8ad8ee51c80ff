"""A run that was stopped ends where an uninterrupted one ends, to the last bit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachkit import training
from teachkit.data.splits import Split
from teachkit.errors import TrainingError

MakeSplit = Callable[..., Split]
MakeNet = Callable[..., nn.Module]


class Stopped(Exception):
    """The plug is pulled."""


class Jitter:
    """A random augmentation, which can stop the run at one of its calls."""

    def __init__(self) -> None:
        self.stop_at, self.calls = 0, 0

    def __call__(self, images: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stopped
        return images + 0.1 * torch.rand_like(images)

    def __repr__(self) -> str:
        return "Jitter()"


def state_of(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("length", [{"epochs": 4}, {"steps": 11}])
@pytest.mark.parametrize("schedule", [None, "cosine", "onecycle", lambda done: 1 - done])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_resuming_equals_never_having_stopped(
    tmp_path: Path,
    make_split: MakeSplit,
    small_net: MakeNet,
    length: dict[str, int],
    schedule: object,
    optimizer: str,
) -> None:
    def run(net: nn.Module, jitter: Jitter, checkpoint: Path | None) -> training.History:
        return training.fit(
            net, make_split(), make_split(split="val"), batch_size=20, optimizer=optimizer, lr=1e-2,
            schedule=schedule, augment=jitter, checkpoint=checkpoint, device="cpu", **length,
        )  # fmt: skip

    whole, path = small_net(), tmp_path / "run.pt"
    expected = run(whole, Jitter(), None)
    stopping = Jitter()
    stopping.stop_at = 8  # in the third pass of three batches each
    with pytest.raises(Stopped):
        run(small_net(), stopping, path)
    resumed = small_net()
    history = run(resumed, Jitter(), path)
    for name, value in state_of(whole).items():
        assert torch.equal(resumed.state_dict()[name], value), name
    timing = ("seconds",)
    for ours, theirs in zip(history.epochs, expected.epochs, strict=True):
        assert {k: v for k, v in ours.items() if k not in timing} == {
            k: v for k, v in theirs.items() if k not in timing
        }
    assert (history.steps, history.samples) == (expected.steps, expected.samples)


def test_a_finished_run_is_read_back_without_a_step(
    tmp_path: Path, make_split: MakeSplit, small_net: MakeNet
) -> None:
    first, second, jitter = small_net(), small_net(), Jitter()
    settings = {"epochs": 2, "augment": jitter, "checkpoint": tmp_path / "run.pt", "device": "cpu"}
    training.fit(first, make_split(), **settings)
    calls = jitter.calls
    history = training.fit(second, make_split(), **settings)
    assert jitter.calls == calls
    assert history.steps == 2
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_checkpoint_of_other_settings_is_refused_with_the_difference(
    tmp_path: Path, make_split: MakeSplit, small_net: MakeNet
) -> None:
    path, split = tmp_path / "run.pt", make_split()

    def fit(net: nn.Module, train: Split, **changes: object) -> None:
        training.fit(net, train, **{"epochs": 1, "checkpoint": path, "device": "cpu", **changes})

    fit(small_net(), split)
    with pytest.raises(
        TrainingError, match=r"lr was 0.001 and is now 0.01; seed was 0 and is now 5"
    ) as caught:
        fit(small_net(), split, lr=0.01, seed=5)
    assert caught.value.changed == {"lr": (0.001, 0.01), "seed": (0, 5)}
    with pytest.raises(TrainingError, match="augment was None"):
        fit(small_net(), split, augment=Jitter())
    other = split.replace(labels=1 - split.labels)
    with pytest.raises(TrainingError, match="train was 'Toy, 8×8, train"):
        fit(small_net(), other)
    with pytest.raises(TrainingError, match="model was 'Sequential, 338 parameters'"):
        fit(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), split)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_a_file_that_is_no_checkpoint_is_refused_untouched(
    tmp_path: Path, make_split: MakeSplit, small_net: MakeNet, content: bytes
) -> None:
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="not a checkpoint that can be read"):
        training.fit(small_net(), make_split(), epochs=1, checkpoint=path, device="cpu")
    assert path.read_bytes() == content


def test_a_checkpoint_runs_no_code_when_it_is_read(
    tmp_path: Path, make_split: MakeSplit, small_net: MakeNet
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    path = tmp_path / "run.pt"
    torch.save({"settings": Trap()}, path)
    with pytest.raises(TrainingError, match="not a checkpoint"):
        training.fit(small_net(), make_split(), epochs=1, checkpoint=path, device="cpu")
    assert not (tmp_path / "sprung").exists()


def test_saving_that_fails_leaves_the_last_checkpoint_whole(
    tmp_path: Path, make_split: MakeSplit, small_net: MakeNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.pt"
    saves: list[bytes] = []
    real_save = torch.save

    def full_disk_at_the_second(state: object, target: Path) -> None:
        if saves:
            Path(target).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real_save(state, target)
        saves.append(Path(target).read_bytes())

    monkeypatch.setattr(torch, "save", full_disk_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        training.fit(small_net(), make_split(), epochs=3, checkpoint=path, device="cpu")
    assert path.read_bytes() == saves[0]
    assert list(tmp_path.iterdir()) == [path]
