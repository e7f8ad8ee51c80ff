"""Big image files: unpacked once, mapped, read in blocks, never held in memory."""

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from teachkit.data import arrays
from teachkit.errors import DataError, FormatError

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Twelve pictures in a compressed npz file."""
    images = np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3), np.uint8)
    np.savez_compressed(tmp_path / "big.npz", train_images=images)
    return tmp_path / "big.npz"


def original(packed: Path) -> np.ndarray:
    with np.load(packed) as stored:
        return stored["train_images"]


def test_the_mapped_array_equals_the_packed_one_and_cannot_be_written(packed: Path) -> None:
    images = arrays.open_images(packed, "train_images", "big-1")
    assert isinstance(images, np.memmap)
    assert (images == original(packed)).all()
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_a_file_is_unpacked_once(packed: Path) -> None:
    expected = original(packed)
    arrays.open_images(packed, "train_images", "big-1")
    packed.unlink()
    assert (arrays.open_images(packed, "train_images", "big-1") == expected).all()


@pytest.mark.parametrize("block_bytes", [1, 1200, 5000, 10**9])
def test_blocks_cover_every_row_once_and_keep_to_their_size(packed: Path, block_bytes: int) -> None:
    images = arrays.open_images(packed, "train_images", "big-1")
    seen = list(arrays.blocks(images, block_bytes))
    assert (np.concatenate([block for _, block in seen]) == images).all()
    assert [i for rows, _ in seen for i in range(len(images))[rows]] == list(range(12))
    assert all(block.nbytes <= max(block_bytes, 1200) for _, block in seen)  # one picture has 1,200 bytes


def test_too_little_space_is_refused_before_anything_is_written(
    packed: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40, 1000))
    with pytest.raises(DataError, match=r"needs 0\.00 GiB.*0\.00 GiB are free.*TEACHKIT_CACHE") as caught:
        arrays.open_images(packed, "train_images", "big-1")
    assert caught.value.values["needed"] == 12 * 1200 + 128  # the numbers and the header of the npy format
    assert not list(isolated.rglob("*.npy"))


def test_a_disk_that_fills_up_leaves_nothing_behind(
    packed: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(source: object, target: object, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    with pytest.raises(DataError, match="Free some space"):
        arrays.open_images(packed, "train_images", "big-1")
    assert not list(isolated.rglob("*.npy"))
    monkeypatch.undo()


def test_a_truncated_file_is_refused(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-300])
    with pytest.raises(FormatError, match=r"big\.npz.*damaged: remove it"):
        arrays.open_images(packed, "train_images", "big-1")


def test_a_flipped_byte_is_noticed_by_the_checksum(tmp_path: Path, isolated: Path) -> None:
    np.savez(tmp_path / "flat.npz", a=np.zeros((50, 28, 28), np.uint8))  # stored, not compressed
    content = bytearray((tmp_path / "flat.npz").read_bytes())
    content[5000] ^= 1
    (tmp_path / "flat.npz").write_bytes(content)
    with pytest.raises(FormatError, match=r"CRC.*damaged"):
        arrays.open_images(tmp_path / "flat.npz", "a", "flat-1")
    assert not list(isolated.rglob("*.npy"))


def test_a_missing_key_is_named(packed: Path) -> None:
    with pytest.raises(FormatError, match="'val_images' cannot be unpacked"):
        arrays.open_images(packed, "val_images", "big-1")


def test_two_processes_may_open_the_same_file_at_once(packed: Path, isolated: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from teachkit.data.arrays import open_images\n"
        "print(int(open_images(Path(sys.argv[1]), 'train_images', 'big-1').sum(dtype=int)))"
    )
    command = [sys.executable, "-c", script, str(packed)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {process.communicate()[0].strip() for process in started}
    assert sums == {str(int(original(packed).sum(dtype=int)))}
    assert len(list(isolated.rglob("*.npy"))) == 1


PASS = """
import sys
from pathlib import Path
import numpy as np
from teachkit.data import arrays
from teachkit.data.splits import Info, Split

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

path = arrays.unpacked_path("made", "train_images")
path.parent.mkdir(parents=True)
rows = 4 * 2**30 // (224 * 224 * 3) + 1
made = np.lib.format.open_memmap(path, "w+", np.uint8, (rows, 224, 224, 3))  # a hole: takes no disk
made[rows // 2] = 1
made[-1] = 2
del made
images = arrays.open_images(Path("absent.npz"), "train_images", "made")
assert images.nbytes > 4 * 2**30
info = Info("made", "Made", "binary", ("a", "b"), None, "", True, "", "")
split = Split(images, np.zeros((rows, 1), np.int64), info, "train", 224)
before, peak, total = anonymous(), 0, 0
for _, block in arrays.blocks(split[: rows - 1].images):
    total += int(block.max())  # the marked picture counts one, whatever block it falls into
    peak = max(peak, anonymous())
batch = split[np.arange(0, rows, rows // 63)]
peak = max(peak, anonymous())
total += int(split[-1].images.max())
print(total, peak, batch.images.shape[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_pass_over_four_gib_keeps_anonymous_memory_low(isolated: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PASS], capture_output=True, text=True, check=True, env=os.environ.copy()
    )
    total, peak, batch = map(int, done.stdout.split())
    assert total == 3  # both marked pictures were seen
    assert batch == 64
    assert peak < 2 * 2**30
    assert sum(file.stat().st_blocks for file in isolated.rglob("*.npy")) * 512 < 2**26
