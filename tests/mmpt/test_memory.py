"""Twelve sets on disk are trained on within a memory that does not grow with their pictures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from teachkit.data import registry
from teachkit.data.formats import BIG_BYTES

SETS, EDGE = 12, 64
BIG = 1 << 20  # bytes from which on the test maps a set instead of reading it

CODE = """
import json, sys
import torch
from torch import nn
from teachkit import data, mmpt
from teachkit.data import formats

torch.set_num_threads(1)
formats.BIG_BYTES = {big}
names = {names}

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 8, 8), nn.BatchNorm2d(4))
    def forward(self, x):
        return self.body(x).mean((2, 3))

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])

small = {{"warm": data.load(names[0], "train", {edge})[:64]}}
mmpt.pretrain(small, Tiny(), steps=2, batch_size=64)  # libraries take what they need once
before, most = anonymous(), 0

def note(history):
    global most
    most = max(most, anonymous())

mmpt.pretrain(names, Tiny(), size={edge}, epochs=1, batch_size=64, select="loss", on_epoch=note)
print(json.dumps(max(most, anonymous()) - before))
"""


def write_sets(folder: Path, rows: int) -> int:
    """Twelve made sets; returns the bytes of their pictures."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(SETS):
        arrays = {}
        for part, count in (("train", rows), ("val", rows // 2)):
            arrays[f"{part}_images"] = rng.integers(0, 256, (count, EDGE, EDGE), dtype=np.uint8)
            arrays[f"{part}_labels"] = (np.arange(count) % 2).reshape(-1, 1)
        np.savez(folder / f"made{number}.npz", **arrays)
    return SETS * (rows + rows // 2) * EDGE**2


def growth(folder: Path, cache: Path) -> int:
    """Anonymous memory that a pass over the twelve sets adds, in bytes."""
    names = [f"made{number}" for number in range(SETS)]
    code = CODE.format(big=BIG, names=names, edge=EDGE)
    env = {
        "TEACHKIT_DATA": str(folder),
        "TEACHKIT_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured in /proc")
def test_memory_grows_with_rows_and_not_with_pictures(tmp_path: Path):
    rows = (600, 1800)
    pictures = [write_sets(tmp_path / str(count), count) for count in rows]
    used = [growth(tmp_path / str(count), tmp_path / "cache") for count in rows]
    assert pictures[1] > 120e6
    assert max(used) < pictures[1] / 3
    # Labels and the order of a pass grow with the rows.
    per_row = max(used[1] - used[0], 0) / (SETS * 1.5 * (rows[1] - rows[0]))
    # The twelve sets at 224 pixels: their rows, and twice the splits that are small enough to be read whole.
    bound = used[1] + per_row * (518_175 + 70_467) + 2 * read_whole()
    assert bound < 16 * 2**30


def read_whole() -> int:
    """Bytes of those splits of the twelve sets at 224 pixels that are read and not mapped."""
    sets = [entry for entry in registry.entries().values() if 224 in entry.items]
    assert len(sets) == 12
    sizes = [entry.counts[part] * entry.channels * 224**2 for entry in sets for part in ("train", "val")]
    return sum(size for size in sizes if size < BIG_BYTES)
