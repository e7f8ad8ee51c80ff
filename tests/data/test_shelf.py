"""The catalogue says what is here and what would be fetched; verify believes no memory."""

import os
from pathlib import Path
from typing import Any

import pytest

from teachkit import data
from teachkit.data import shelf


def states(name: str) -> dict[int | None, tuple[str, int | None, bool]]:
    return {row.size: (row.state, row.bytes, row.bound) for row in data.catalogue() if row.entry.name == name}


def test_public_files_are_to_be_fetched_until_they_are_here(
    isolated: Path, listed: Any, host: Any, tiny: bytes
) -> None:
    listed(host.url)
    bounds = {28: 24 * 28 * 28, 64: 24 * 64 * 64}
    assert states("tiny") == {size: ("to fetch", bound, True) for size, bound in bounds.items()}
    assert states("ihc_patches") == {28: ("embedded", None, False)}
    found = shelf.get("tiny")
    assert found is not None
    assert states("tiny")[28] == ("here", len(tiny), False)
    assert shelf.get("ihc_patches") is None


def test_offline_nothing_but_embedded_sets_is_offered(offline: Path, listed: Any) -> None:
    listed("http://127.0.0.1:9")
    assert {state for state, _, _ in states("tiny").values()} == {"not in this source"}


def test_own_files_are_listed_too(isolated: Path, save_npz: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_npz("biopsies")
    monkeypatch.setenv("TEACHKIT_DATA", str(file.parent))
    (file.parent / "notes.npz").write_bytes(b"no set at all")
    assert states("biopsies") == {28: ("here", file.stat().st_size, False)}
    assert states("notes") == {}


def test_verify_hashes_again_what_is_remembered(isolated: Path, listed: Any, host: Any) -> None:
    listed(host.url)
    found = shelf.get("tiny")
    assert found is not None
    assert [verdict.intact for verdict in shelf.verify(["tiny"])] == [True]
    before = found.path.stat()
    content = bytearray(found.path.read_bytes())
    content[-1] ^= 1
    found.path.write_bytes(content)
    os.utime(found.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # rot leaves no new date
    (verdict,) = shelf.verify(["tiny"])
    assert verdict.intact is False
    assert str(found.path) in verdict.message
