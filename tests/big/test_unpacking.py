"""Archives that lie about themselves: memory and time stay bounded, and the file is refused with a reason."""

import gzip
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.big import PredictionFileError, Suite, read_predictions, unpacking

FileOf = Callable[..., Path]


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound of 100 kB, so that a test need not make a large file."""
    monkeypatch.setattr(unpacking, "MOST_BYTES", 100_000)


def refused(path: Path, suite: Suite) -> tuple[int, str]:
    """Line and message of the only fault."""
    with pytest.raises(PredictionFileError) as found:
        read_predictions(path, suite=suite)
    (fault,) = found.value.faults
    assert fault.file == path.name
    return fault.line, fault.message


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.usefixtures("small_bounds")
def test_a_file_that_is_too_large_is_not_read(suite: Suite, file_of: FileOf) -> None:
    assert "larger than" in refused(file_of(b"0" * 100_001), suite)[1]


@pytest.mark.usefixtures("small_bounds")
def test_a_gzip_bomb_is_stopped_at_the_bound(suite: Suite, file_of: FileOf) -> None:
    assert "unpacks to more than" in refused(file_of(gzip.compress(b"0" * 10**7), "x.csv.gz"), suite)[1]


@pytest.mark.usefixtures("small_bounds")
def test_the_members_of_a_zip_share_one_bound(suite: Suite, file_of: FileOf) -> None:
    members = [(f"{name}_test.csv", b"0" * 60_000) for name in ("breast", "grades")]
    assert "members unpack to more than" in refused(file_of(zipped(*members), "x.zip"), suite)[1]


@pytest.mark.usefixtures("small_bounds")
def test_a_zip_that_states_a_wrong_length_is_refused(suite: Suite, file_of: FileOf) -> None:
    packed = bytearray(zipped(("breast_test.csv", b"0" * 10**6)))
    place = packed.rfind(b"PK\x01\x02")
    struct.pack_into("<L", packed, place + 24, 100)  # says that 100 bytes come out
    assert refused(file_of(bytes(packed), "x.zip"), suite)[0] == 0


def test_a_zip_with_very_many_members_is_not_opened(suite: Suite, file_of: FileOf) -> None:
    packed = zipped(*((f"{k}", b"") for k in range(1500)))
    assert "table of contents of" in refused(file_of(packed, "x.zip"), suite)[1]


def test_a_comment_does_not_hide_a_long_table_of_contents(suite: Suite, file_of: FileOf) -> None:
    stream = io.BytesIO(zipped(*((f"{k}", b"") for k in range(1500))))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"a comment" * 100
    assert "table of contents of" in refused(file_of(stream.getvalue(), "x.zip"), suite)[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(("breast_test.csv", b"0,1,0\n"), method=zipfile.ZIP_LZMA), "packed in a rare way"),
        (zipped(("breast_test.csv", b"0,1,0\n"))[:-30], "cut off: its table of contents is missing"),
        (zipped(), "holds no CSV"),
        (zipped(("folder/", b""), (".DS_Store", b"")), "holds no CSV"),
        (b"PK\x03\x04" + b"\0" * 100, "cut off"),
        (b"PK\x05\x06" + b"\xff" * 18, "table of contents of 4,294,967,295 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "zip",  # packed bytes hold the time of packing
)
def test_what_is_no_plain_zip_is_refused(content: bytes, words: str, suite: Suite, file_of: FileOf) -> None:
    assert words in refused(file_of(content, "x.zip"), suite)[1]


def test_an_encrypted_zip_is_refused(suite: Suite, file_of: FileOf) -> None:
    packed = bytearray(zipped(("breast_test.csv", b"0,1,0\n")))
    packed[6] |= 1  # the flag, in the header of the member and in the table of contents
    packed[packed.rfind(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(file_of(bytes(packed), "x.zip"), suite)[1]


def test_a_changed_byte_in_a_zip_is_found_by_its_checksum(suite: Suite, file_of: FileOf) -> None:
    packed = bytearray(
        zipped(("breast_test.csv", b"0,1,0\n1,1,0\n2,1,0\n3,1,0\n"), method=zipfile.ZIP_STORED)
    )
    packed[packed.find(b"0,1,0\n")] = ord("7")
    assert "Bad CRC-32" in refused(file_of(bytes(packed), "x.zip"), suite)[1]


def test_a_cut_gzip_names_the_line_where_it_ends(suite: Suite, in_order: str, file_of: FileOf) -> None:
    packed = gzip.compress(in_order.encode(), compresslevel=0)  # stored, so that a cut stays where it is
    line, message = refused(file_of(packed[:150], "x.csv.gz"), suite)
    assert "cut off here (the end is missing)" in message
    assert line == in_order[: 150 - packed.find(b"dataset")].count("\n") + 1


def test_a_gzip_file_in_many_pieces_is_read_whole(suite: Suite, in_order: str, file_of: FileOf) -> None:
    half = len(in_order) // 2
    pieces = [gzip.compress(part.encode()) for part in (in_order[:half], in_order[half:])]
    assert len(read_predictions(file_of(b"".join(pieces), "x.csv.gz"), suite=suite).sets) == 3
    padded = file_of(b"".join(pieces) + b"\0" * 512, "x.csv.gz")
    assert len(read_predictions(padded, suite=suite).sets) == 3


def test_gzip_data_in_very_many_pieces_are_not_read_on(suite: Suite, file_of: FileOf) -> None:
    assert "more than 1000 pieces" in refused(file_of(gzip.compress(b"") * 1001, "x.csv.gz"), suite)[1]


def test_a_changed_byte_in_a_gzip_file_is_found(suite: Suite, in_order: str, file_of: FileOf) -> None:
    packed = bytearray(gzip.compress(in_order.encode(), compresslevel=0))
    packed[packed.find(b"0.25") + 2] = ord("3")
    with pytest.raises(PredictionFileError) as found:
        read_predictions(file_of(bytes(packed), "x.csv.gz"), suite=suite)
    assert "incorrect data check" in found.value.faults[0].message


def test_faults_before_the_cut_are_named_too(suite: Suite, in_order: str, file_of: FileOf) -> None:
    packed = gzip.compress(in_order.replace("0.75", "nan").encode(), compresslevel=0)
    with pytest.raises(PredictionFileError) as found:
        read_predictions(file_of(packed[:150], "x.csv.gz"), suite=suite)
    assert [fault.column for fault in found.value.faults] == ["", "p1"]


def test_what_is_inside_decides_and_not_the_ending(suite: Suite, in_order: str, file_of: FileOf) -> None:
    path = file_of(gzip.compress(in_order.encode()), "predictions.csv")
    assert len(read_predictions(path, suite=suite).sets) == 3


def test_hostile_files_of_full_size_stay_within_memory_and_time(tmp_path: Path) -> None:
    """Bombs and walls of commas against the true bounds: 450 MB more memory, 20 s of the processor."""
    many = b"\n" * 60_000_000
    hostile = {
        "bomb.csv.gz": gzip.compress(b"dataset,id,p0\n" + b"0" * 70_000_000, 1),
        "commas.csv.gz": gzip.compress(b"dataset,id,p0,p1\n" + b"," * 60_000_000, 1),
        "lines.csv.gz": gzip.compress(b"dataset,id,p0,p1\n" + many, 1),
        "short.csv.gz": gzip.compress(b"dataset,id,p0,p1\n" + b"a\n" * 30_000_000, 1),
        "quotes.csv.gz": gzip.compress(b'dataset,id,p0,p1\n"' + b"a\n" * 30_000_000, 1),
        "bomb.zip": zipped(("pathmnist_test.csv", b"0" * 70_000_000)),
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
    code = """
import resource, sys
from teachkit import big
big.find_suite("big")
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (START + 450_000_000,) * 2)
for path in sys.argv[1:]:
    try:
        big.read_predictions(path)
    except big.PredictionFileError as error:
        print(len(error.faults))
""".replace(
        "START", "1024 * int(next(l for l in open('/proc/self/status') if l.startswith('VmSize')).split()[1])"
    )
    files = [str(tmp_path / name) for name in hostile]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.split()) == len(hostile)
