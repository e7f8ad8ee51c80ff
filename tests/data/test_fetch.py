"""Downloads from a host that may lie, stop early, or be asked by two at once."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teachkit import data
from teachkit.data import fetch
from teachkit.data.registry import Item
from teachkit.errors import ChecksumError, FetchError

# What another process runs: the registry is the test's own, the cache comes by the environment.
LOAD_TINY = """
import pathlib, sys
from teachkit.data import fetch, load, registry
fetch.CHUNK = 10
registry.registry_path = lambda: pathlib.Path(sys.argv[1])
print(len(load("tiny", "test")))
"""


@pytest.fixture
def target(isolated: Path) -> Path:
    return isolated / "public" / "tiny.npz"


def left_behind(target: Path) -> list[str]:
    """Files beside the target, apart from the lock that everybody shares."""
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


def start_loading(registry_file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LOAD_TINY, str(registry_file)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_download_is_kept_and_not_asked_for_again(
    target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    first = data.load("tiny", "test")
    again = data.load("tiny", "train")
    assert (len(first), len(again)) == (8, 8)
    assert first.info.source == f"public host {host.url.removeprefix('http://')}"
    assert target.read_bytes() == tiny
    assert left_behind(target) == ["tiny.npz"]
    assert host.asked == [("/tiny.npz", "")]


def test_a_wrong_checksum_leaves_nothing(target: Path, host: Any, listed: Any, tiny: bytes) -> None:
    listed(host.url)
    host.files["/tiny.npz"] = tiny[:-1] + b"?"
    with pytest.raises(ChecksumError, match=r"md5:\w{32}, but the registered file has md5:\w{32}"):
        data.load("tiny")
    assert left_behind(target) == []


def test_a_line_that_drops_once_is_asked_for_the_rest(
    target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    host.cut = [1000]
    data.load("tiny")
    assert host.asked == [("/tiny.npz", ""), ("/tiny.npz", "bytes=1000-")]
    assert target.read_bytes() == tiny


def test_a_truncated_download_is_no_data_and_goes_on_next_time(
    target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    host.cut = [1000, 100, 10]
    with pytest.raises(FetchError, match=r"stopped early, after 1,110 bytes\. Run the same command again"):
        data.load("tiny")
    assert left_behind(target) == [".tiny.npz.part"]
    data.load("tiny")
    assert host.asked[-1] == ("/tiny.npz", "bytes=1110-")
    assert target.read_bytes() == tiny


def test_a_host_without_ranges_starts_over(target: Path, host: Any, listed: Any, tiny: bytes) -> None:
    listed(host.url)
    host.ranges = False
    host.cut = [1000]
    data.load("tiny")
    assert target.read_bytes() == tiny


@pytest.mark.parametrize("piece", ["all of it", "too much", "something else"])
def test_an_old_piece_is_used_or_replaced_but_never_believed(
    piece: str, target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    target.parent.mkdir(parents=True)
    old = {"all of it": tiny, "too much": tiny + b"more", "something else": b"?" * 500}[piece]
    (target.parent / ".tiny.npz.part").write_bytes(old)
    data.load("tiny")
    assert target.read_bytes() == tiny
    assert left_behind(target) == ["tiny.npz"]


def test_a_damaged_file_in_the_cache_is_fetched_again(
    target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    data.load("tiny")
    target.write_bytes(tiny[:-5])
    assert len(data.load("tiny")) == 8
    assert target.read_bytes() == tiny


def test_an_error_of_the_host_is_passed_on(isolated: Path, host: Any, listed: Any) -> None:
    listed(host.url)
    host.status = 503
    with pytest.raises(FetchError, match=r"refused to send the file: 503 .*Try again later"):
        data.load("tiny")


def test_no_network_is_said_with_a_way_out(isolated: Path, listed: Any) -> None:
    listed("http://127.0.0.1:9")  # nobody listens on the discard port
    with pytest.raises(FetchError, match=r"No answer from 127\.0\.0\.1:9\. .*TEACHKIT_OFFLINE=1"):
        data.load("tiny")


def test_a_full_disk_ends_in_one_sentence(target: Path, host: Any, listed: Any) -> None:
    """The system's own full device stands in for the disk."""
    listed(host.url)
    target.parent.mkdir(parents=True)
    (target.parent / ".tiny.npz.part").symlink_to("/dev/full")
    with pytest.raises(FetchError, match=r"The disk of .*public is full\. Make room, or set TEACHKIT_CACHE"):
        data.load("tiny")
    assert left_behind(target) == []


def test_another_error_of_the_system_is_not_called_a_full_disk(tmp_path: Path, isolated: Path) -> None:
    def bring(part: Path) -> None:
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        fetch.deliver(tmp_path / "file", Item("file"), bring)


def test_too_little_room_is_noticed_before_the_first_byte(
    target: Path, host: Any, listed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(host.url)
    usage = fetch.shutil.disk_usage(target.anchor)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(FetchError, match=r"needs 0 MiB and .* has 0 MiB free") as caught:
        data.load("tiny")
    assert caught.value.values["free"] == 100
    assert not target.exists()


def test_two_processes_fetch_once(target: Path, host: Any, listed: Any) -> None:
    registry_file = listed(host.url)
    host.cut, host.stall = [1000], threading.Event()  # the first answer hangs; the second process waits
    both = [start_loading(registry_file), start_loading(registry_file)]
    wait_for(lambda: len(host.asked) == 1)
    time.sleep(0.3)
    host.stall.set()
    answers = [process.communicate(timeout=60) for process in both]
    assert [out.strip() for out, _ in answers] == ["8", "8"], answers
    assert [range_ for _, range_ in host.asked] == ["", "bytes=1000-"]


def test_a_killed_process_leaves_a_piece_that_the_next_one_completes(
    target: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    registry_file = listed(host.url)
    host.cut, host.stall = [1000], threading.Event()
    process = start_loading(registry_file)
    part = target.parent / ".tiny.npz.part"
    wait_for(lambda: part.exists() and part.stat().st_size == 1000)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert part.exists()
    assert not target.exists()
    host.stall.set()
    assert len(data.load("tiny")) == 8
    assert host.asked[-1] == ("/tiny.npz", "bytes=1000-")
    assert target.read_bytes() == tiny
    assert left_behind(target) == ["tiny.npz"]


def test_a_file_is_hashed_once_and_again_when_it_changes(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    digest = fetch.digest
    monkeypatch.setattr(fetch, "digest", lambda path, how: hashed.append(path) or digest(path, how))
    file = tmp_path / "file"
    file.write_bytes(b"first")
    assert fetch.known_digest(file, "md5:") == fetch.known_digest(file, "md5:") == digest(file, "md5")
    assert len(hashed) == 1
    file.write_bytes(b"other")
    os.utime(file, ns=(1, 1))
    assert fetch.known_digest(file, "md5:") == digest(file, "md5")
    assert len(hashed) == 2


def test_a_damaged_or_unwritable_memory_only_costs_time(tmp_path: Path, isolated: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    value = fetch.known_digest(file, "sha256:")
    fetch._note(file).write_text("[1")
    assert fetch.known_digest(file, "sha256:") == value
    fetch._note(file).write_text("[1]")
    assert fetch.known_digest(file, "sha256:") == value
