"""Two processes that share each batch take the steps that one process takes alone."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
import numpy as np, torch
from torch import nn
from teachkit import training
from teachkit.data.splits import Info, Split

torch.set_num_threads(1)
rng = np.random.default_rng(0)
labels = rng.integers(0, 2, (45, 1))  # the last of three batches is smaller, and odd
images = (rng.integers(0, 150, (45, 6, 6)) + 60 * labels[:, :, None]).astype(np.uint8)
info = Info("toy", "Toy", "binary", ("a", "b"), 1, "CC0", True, "", "made up")
split = Split(images, labels, info, "train", 6)
torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.GELU(), nn.Linear(8, 2))
history = training.fit(net, split, split, epochs=3, lr=0.05, batch_size=20, schedule="cosine",
                       checkpoint=sys.argv[1] + ".pt", device="cpu")
scores = training.evaluate(net, split, device="cpu")
if os.environ.get("RANK", "0") == "0":
    losses = [[epoch["loss"], epoch["val_loss"]] for epoch in history.epochs]
    weights = [value.flatten().tolist() for value in net.state_dict().values()]
    found = {"losses": losses, "weights": weights, "steps": history.steps, "samples": history.samples,
             "scores": scores}
    open(sys.argv[1], "w").write(json.dumps(found))
"""


@pytest.mark.slow
def test_two_processes_give_the_losses_and_weights_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, alone, shared = tmp_path / "program.py", tmp_path / "alone.json", tmp_path / "shared.json"
    program.write_text(PROGRAM)
    monkeypatch.setattr(sys, "argv", ["program.py", str(alone)])
    runpy.run_path(str(program))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, str(program), str(shared)], check=True, timeout=300, capture_output=True)
    one, two = (json.loads(path.read_text()) for path in (alone, shared))
    assert (two["steps"], two["samples"]) == (one["steps"], one["samples"])
    for ours, theirs in zip(two["losses"], one["losses"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)
    for ours, theirs in zip(two["weights"], one["weights"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert two["scores"] == pytest.approx(one["scores"], abs=1e-3)
