"""In bfloat16, as on a GPU: arithmetic is short, weights and statistics are not."""

import lightning_fabric
import numpy as np
import pytest
import torch

from teachkit import mmpt
from teachkit.mmpt import model as model_module
from teachkit.mmpt import pretraining


@pytest.fixture
def short(monkeypatch):
    """What `open_fabric` gives on a GPU with bfloat16, on this processor."""

    def fabric(device: str = "auto", *, distributed: bool = True) -> lightning_fabric.Fabric:
        made = lightning_fabric.Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
        made.launch()
        return made

    monkeypatch.setattr(pretraining, "open_fabric", fabric)
    monkeypatch.setattr(model_module, "open_fabric", fabric)


@pytest.mark.parametrize(
    ("norm", "sampling"),
    [("shared", "homogeneous"), ("recalibrated", "mixed"), ("domain", "mixed"), ("group", "mixed")],
)
def test_in_bfloat16_all_norms_learn_and_numbers_stay_float32(four, tiny, short, norm: str, sampling: str):
    model = mmpt.pretrain(four, tiny, norm=norm, sampling=sampling, epochs=3, batch_size=16, lr=0.02)
    assert model.settings["precision"] == "bf16-mixed"
    losses = [entry["loss"] for entry in model.history.epochs]
    assert losses[-1] < losses[0]
    assert {value.dtype for value in model.net.state_dict().values()} == {torch.float32}
    for _, val in four.values():
        said = model.predict(val)
        assert said.dtype == np.float32
        assert np.isfinite(said).all()


def test_in_bfloat16_a_step_is_that_of_float32_to_two_digits(four, tiny, short, monkeypatch):
    told = {"norm": "shared", "sampling": "homogeneous", "steps": 6, "batch_size": 16, "seed": 2}
    rough = mmpt.pretrain(four, tiny, **told)
    monkeypatch.undo()
    exact = mmpt.pretrain(four, tiny, device="cpu", **told)
    assert rough.history.seen == exact.history.seen
    assert rough.history.epochs[0]["loss"] == pytest.approx(exact.history.epochs[0]["loss"], rel=0.02)


def test_in_bfloat16_a_run_that_goes_on_ends_with_the_same_bits(four, tiny, short, tmp_path):
    told = {"norm": "recalibrated", "sampling": "mixed", "epochs": 2, "batch_size": 16, "select": "last"}
    whole = mmpt.pretrain(four, tiny, **told).net.state_dict()

    class Stop(Exception):
        pass

    def stop(history):
        raise Stop

    path = tmp_path / "run.ckpt"
    with pytest.raises(Stop):
        mmpt.pretrain(four, tiny, checkpoint=path, on_epoch=stop, **told)
    again = mmpt.pretrain(four, tiny, checkpoint=path, **told).net.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
