"""From a file to texts: plain, gzip or zip, with bounds that hold whatever the file claims about itself."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from teachkit.big.faults import Faults
from teachkit.errors import DataError

MOST_BYTES = 64 * 2**20  # of the file, and of all that comes out of it; the full suite takes 14 to 27 MB
MOST_DIRECTORY_BYTES = 64 * 2**10  # of the table of contents of a zip file: several hundred members
MOST_GZIP_MEMBERS = 1000  # bgzip makes one of every 64 kB
PIECE_BYTES = 2**16
GZIP, ZIP, ZIP_EMPTY = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
ZIP64_LOCATOR = b"PK\x06\x07"
END_BYTES = 22  # of the record that ends a zip file, without its comment
NOT_ZIPPED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OSError,
)


class Text(NamedTuple):
    """One CSV: its name in messages, its own file name, its bytes, and whether they end too early."""

    label: str
    name: str
    data: bytes
    cut: bool = False


def unpack(path: Path, faults: Faults) -> list[Text]:
    """The CSV texts inside `path`. What is inside decides, not the ending of the name.

    Raises:
        DataError: when there is no such file, or it cannot be opened.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            faults.add(path.name, 0, "", f"{size:,} bytes", f"the file is larger than {_mib(MOST_BYTES)}")
            return []
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"'{path}' cannot be opened ({error.strerror}).",
            "Give the path of a prediction file: .csv, .csv.gz or .zip.",
            path=str(path),
        ) from error
    if packed.startswith(GZIP):
        return _gunzip(path.name, packed, faults)
    if packed.startswith((ZIP, ZIP_EMPTY)):
        return _unzip(path.name, packed, faults)
    return [Text(path.name, path.name, packed)]


def _gunzip(label: str, packed: bytes, faults: Faults) -> list[Text]:
    name = label.removesuffix(".gz")
    data, trouble = _inflate(packed)
    if len(data) > MOST_BYTES:
        faults.add(label, 0, "", "", f"unpacks to more than {_mib(MOST_BYTES)}")
        return []
    if not trouble:
        return [Text(label, name, data)]
    faults.add(label, data.count(b"\n") + 1, "", "", f"the gzip data are damaged or cut off here ({trouble})")
    whole_lines = data[: data.rfind(b"\n") + 1]
    return [Text(label, name, whole_lines, cut=True)] if whole_lines else []


def _inflate(packed: bytes) -> tuple[bytes, str]:
    """What comes out, at most one byte more than allowed, and why it ended early; "" when it did not.

    Not `gzip.GzipFile`: that keeps what it has when it meets the end of a file that was cut.
    """
    parts: list[bytes] = []
    left = MOST_BYTES + 1
    view, place = memoryview(packed), 0
    for _ in range(MOST_GZIP_MEMBERS):
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        while not stream.eof:
            if place >= len(packed):
                return b"".join(parts), "the end is missing"
            piece = view[place : place + PIECE_BYTES]
            try:
                part = stream.decompress(piece, left)
            except zlib.error as error:
                return b"".join(parts), str(error)
            parts.append(part)
            left -= len(part)
            if left <= 0:
                return b"".join(parts), ""
            place += len(piece) - len(stream.unused_data) - len(stream.unconsumed_tail)
        if packed.count(b"\0", place) == len(packed) - place:  # nothing, or zeros that fill a block
            return b"".join(parts), ""
    return b"".join(parts), f"more than {MOST_GZIP_MEMBERS} pieces"


def _unzip(label: str, packed: bytes, faults: Faults) -> list[Text]:
    if trouble := _directory_trouble(packed):
        faults.add(label, 0, "", "", trouble)
        return []
    texts: list[Text] = []
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            for member in archive.infolist():
                name = member.filename.rpartition("/")[2]
                # Folders, and what macOS adds, hold no predictions.
                if not name or name.startswith(".") or member.filename.startswith("__MACOSX/"):
                    continue
                # Other methods could ask for gigabytes of memory before they give a byte.
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise NotImplementedError(f"{member.filename} is not deflated")
                with archive.open(member) as stream:
                    data = stream.read(left + 1)
                if len(data) > left:
                    faults.add(label, 0, "", name, f"its members unpack to more than {_mib(MOST_BYTES)}")
                    return []
                left -= len(data)
                texts.append(Text(f"{label}/{member.filename}", name, data))
    except NOT_ZIPPED as error:
        faults.add(label, 0, "", "", f"the zip file is damaged, encrypted or packed in a rare way ({error})")
        return []
    if not texts:
        faults.add(label, 0, "", "", "the zip file holds no CSV")
    return texts


def _directory_trouble(packed: bytes) -> str:
    """Why the table of contents of a zip file is not worth reading; "" when it is.

    `zipfile` makes an object of every entry before anybody can look, so its length is read off first. The
    record is looked for where `zipfile` does: at the very end, else before a comment.
    """
    place = len(packed) - END_BYTES
    if place < 0 or packed[place : place + 4] != ZIP_EMPTY or packed[-2:] != b"\0\0":
        place = packed.rfind(ZIP_EMPTY, max(0, len(packed) - END_BYTES - 2**16))
    if place < 0 or len(packed) - place < END_BYTES:
        return "the zip file is cut off: its table of contents is missing"
    if packed[max(0, place - 20) : place].startswith(ZIP64_LOCATOR):
        return "the zip file has the form for more than 4 GiB"
    (directory,) = struct.unpack_from("<L", packed, place + 12)
    if directory > MOST_DIRECTORY_BYTES:
        return f"the zip file has a table of contents of {directory:,} bytes; one CSV for each set is enough"
    return ""


def _mib(count: int) -> str:
    return f"{count // 2**20} MiB"
