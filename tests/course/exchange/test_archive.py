"""Archives: whole, the same for the same files, and safe to open whoever made them."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.course.exchange.archive import MANIFEST, Limits, check_name, gather, pack, unpack
from teachkit.errors import ExchangeRefusedError

SMALL = Limits(files=5, file_bytes=1000, total_bytes=2000)


def write(folder: Path, **contents: bytes) -> Path:
    """A folder with these files."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def everything(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """`gather` without a filter."""
    return gather(folder, lambda *_: [])


def made(files: Mapping[str, bytes], promised: Mapping[str, Any] | None = None, **member: Any) -> bytes:
    """An archive as a stranger could make it; `promised` replaces what the manifest says of the files."""
    entries = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    manifest = json.dumps({"format": 1, "files": entries if promised is None else promised}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {MANIFEST: manifest, **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name != MANIFEST:
                for field, value in member.items():
                    setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return packed.getvalue()


def test_what_goes_in_comes_out_and_the_manifest_is_first(tmp_path: Path) -> None:
    folder = write(tmp_path / "ps1", **{"a.ipynb": b"{}", "ü +*..csv": b"1,2"})
    write(folder / "sub", **{"deep.txt": b"x"})
    files, notes = everything(folder)
    content = pack(files, SMALL)
    (tmp_path / "out").mkdir()
    assert notes == []
    assert unpack(content, tmp_path / "out", SMALL) == ["a.ipynb", "sub/deep.txt", "ü +*..csv"]
    assert (tmp_path / "out" / "sub" / "deep.txt").read_bytes() == b"x"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames()[0] == MANIFEST


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one = everything(write(tmp_path / "one", a=b"1", b=b"2"))[0]
    two = everything(write(tmp_path / "two", b=b"2", a=b"1"))[0]
    assert pack(one, SMALL) == pack(two, SMALL)


def test_links_and_hidden_files_stay_here_and_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "ps1", **{"a.ipynb": b"{}", ".bashrc": b"secret"})
    write(folder / ".git", config=b"x")
    (folder / "shortcut").symlink_to("/etc/passwd")
    (folder / "folder").symlink_to("/etc")
    files, notes = everything(folder)
    assert list(files) == ["a.ipynb"]
    assert notes == [
        "'folder' is a link and is left out.",
        "'.bashrc' is a hidden file and is left out.",
        "'shortcut' is a link and is left out.",
    ]


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        ({str(number): b"" for number in range(6)}, "6 files, and 5 are the limit"),
        ({"big": b"x" * 1001}, "'big' has 1,001 bytes, and 1,000 are the limit"),
        ({str(number): b"x" * 900 for number in range(3)}, "more than 2,000 bytes together"),
        ({"a": b"", "A": b""}, "'A' and 'a' would be one file"),
        ({"a\nb": b""}, "cannot be the name of a file"),
    ],
)
def test_too_much_or_a_bad_name_is_refused_before_it_is_sent(
    contents: dict[str, bytes], complaint: str, tmp_path: Path
) -> None:
    files = everything(write(tmp_path / "ps1", **contents))[0]
    with pytest.raises(ExchangeRefusedError, match=complaint):
        pack(files, SMALL)


def test_a_file_of_two_gigabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "volume.npz"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)  # holds no blocks on disk
    with pytest.raises(ExchangeRefusedError, match="2,147,483,648 bytes"):
        pack({"volume.npz": path}, Limits())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "damaged|does not begin"),
        (b"PK\x03\x04", "damaged"),
        (made({"a": b"1"})[:60], "damaged"),
        (made({"../a": b"1"}), r"'\.\./a' cannot be the name"),
        (made({"/etc/passwd": b"1"}), "cannot be the name"),
        (made({".hidden": b"1"}), "cannot be the name"),
        (made({"a": b"1"}, type=tarfile.SYMTYPE, linkname="/etc/passwd"), "does not list so"),
        (made({"a": b"1"}, type=tarfile.LNKTYPE, linkname="b"), "does not list so"),
        (made({"a": b"1"}, type=tarfile.CHRTYPE), "does not list so"),
        (made({"a": b"1"}, {}), "does not list so"),
        (made({"a": b"1"}, {"a": {"size": 1, "sha256": "0" * 64}}), "not what the manifest promises"),
        (made({}, {"a": {"size": 1, "sha256": "0" * 64}}), "lacks 'a'"),
        (made({}, {"a": {"size": -5, "sha256": ""}}), "-5 bytes"),
        (made({}, {"a": 1}), "damaged"),
        (made({}, {str(n): {"size": 0, "sha256": ""} for n in range(6)}), "lists 6 files"),
        (made({"a": b"x" * 1001}), "1,001 bytes"),
        (made({"a": b"x", "A": b"y"}), "would be one file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "archive",  # packed bytes hold the time of packing
)
def test_an_archive_of_a_stranger_is_refused_with_a_reason(
    content: bytes, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ExchangeRefusedError, match=complaint):
        unpack(content, tmp_path, SMALL)
    assert [path for path in tmp_path.rglob("*") if path.is_symlink()] == []


def test_an_archive_that_unfolds_to_far_more_is_stopped_early(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * 5_000_000}
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.addfile(info)
    with pytest.raises(ExchangeRefusedError, match="unfolds to more"):
        unpack(packed.getvalue(), tmp_path, SMALL)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_do_anything_but_be_refused(content: bytes) -> None:
    with pytest.raises(ExchangeRefusedError):
        unpack(content, Path("/nonexistent"), SMALL)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_name_that_passes_stays_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except ExchangeRefusedError:
        return
    assert (Path("/work") / name).resolve().is_relative_to("/work")
    assert not Path(name).is_absolute()
