"""A corpus of bad prediction files: each is refused, at the right line and column, and for nothing else."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.big import PredictionFileError, Suite, read_predictions

# Each edit turns the file of conftest.py, whose lines it counts from 1, into a bad one. What is expected are
# all faults, as (line, column, part of the value, part of the message).
Edit = Callable[[str], str | bytes]
Expected = list[tuple[int, str, str, str]]


def line(number: int, new: str) -> Edit:
    """Write `new` over a line."""

    def edit(text: str) -> str:
        lines = text.splitlines()
        lines[number - 1] = new
        return "\n".join(lines) + "\n"

    return edit


def add(new: str, after: int = 12) -> Edit:
    """Put a line behind another."""

    def edit(text: str) -> str:
        lines = text.splitlines()
        return "\n".join([*lines[:after], new, *lines[after:]]) + "\n"

    return edit


def drop(*numbers: int) -> Edit:
    """Leave lines out."""
    return lambda text: "".join(
        one + "\n" for number, one in enumerate(text.splitlines(), 1) if number not in numbers
    )


def swap(old: str, new: str) -> Edit:
    """Write `new` for `old` everywhere."""
    return lambda text: text.replace(old, new)


CORPUS: dict[str, tuple[Edit, Expected]] = {
    # the file as a whole
    "empty": (lambda _: "", [(1, "", "", "the file is empty")]),
    "only spaces": (lambda _: " \n\n", [(1, "", "", "the file is empty")]),
    "header alone": (drop(*range(2, 13)), [(1, "", "", "no line of predictions")]),
    "UTF-16": (lambda text: text.encode("utf-16"), [(1, "", "", "not UTF-8")]),
    "UTF-16 without mark": (lambda text: text.encode("utf-16-le"), [(1, "", "", "not UTF-8")]),
    "a picture": (
        lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        [(1, "dataset", "", "must be called dataset")],
    ),
    "one endless line": (lambda _: "0," * 5000, [(1, "", "", "longer than 2,000 bytes")]),
    "a page of HTML": (lambda _: "<!doctype html>\n<p>404</p>\n", [(1, "dataset", "<!doctype", "dataset")]),
    # the header
    "no header": (drop(1), [(1, "", "breast,0", "the header is missing")]),
    "semicolons": (swap(",", ";"), [(1, "", "dataset;id", "separated by ';'")]),
    "tabs": (swap(",", "\t"), [(1, "", r"dataset\tid", r"separated by '\t'")]),
    "another first name": (line(1, "set,id,p0,p1,p2,p3"), [(1, "dataset", "set", "must be called dataset")]),
    "no id": (line(1, "dataset,p0,p1,p2,p3"), [(1, "id", "p0", "must be called id")]),
    "classes counted from one": (
        line(1, "dataset,id,p1,p2,p3,p4"),
        [(1, f"p{k}", f"p{k + 1}", f"must be called p{k}") for k in range(4)],
    ),
    "two names exchanged": (
        line(1, "dataset,id,p0,p2,p1,p3"),
        [(1, "p1", "p2", "must be called p1"), (1, "p2", "p1", "must be called p2")],
    ),
    "a column of truth": (
        line(1, "dataset,id,truth,p0,p1,p2"),
        [(1, "p0", "truth", "neither truth nor decisions")],
    ),
    "a column of truth at the end": (
        line(1, "dataset,id,p0,p1,p2,p3,label"),
        [(1, "label", "label", "leave this column out")],
    ),
    "one column too many": (line(1, "dataset,id,p0,p1,p2,p3,p4"), [(1, "p4", "p4", "one column too many")]),
    "no probabilities": (line(1, "dataset,id"), [(1, "", "dataset,id", "no column of probabilities")]),
    # names of sets
    "unknown set": (
        add("brain,0,0.5,0.5,,"),
        [(13, "dataset", "brain", "suite 'toy' has no such set. Did you mean 'breast'")],
    ),
    "capital letters": (add("Breast,0,0.5,0.5,,"), [(13, "dataset", "Breast", "Did you mean 'breast'")]),
    "no name": (add(",0,0.5,0.5,,"), [(13, "dataset", "", "has no such set")]),
    "no name, where a whole set is missing": (
        lambda text: line(10, ",0,0.9,0.8,0.7,0.6")(drop(11, 12)(text)),
        [(10, "dataset", "", "has no such set")],
    ),
    # ids
    "id twice": (add("breast,2,0.5,0.5,,"), [(13, "id", "2", "breast has this id in line 4 already")]),
    "id beyond the last": (
        add("breast,4,0.5,0.5,,"),
        [(13, "id", "4", "out of range; the ids of breast are 0 to 3")],
    ),
    "id of twenty digits": (
        add("breast,18446744073709551616,0.5,0.5,,"),
        [(13, "id", "18446744", "out of range")],
    ),
    "negative id": (add("breast,-1,0.5,0.5,,"), [(13, "id", "-1", "out of range")]),
    "id between two": (
        line(3, "breast,1.5,0.5,0.5,,"),
        [(3, "id", "1.5", "is not a whole number"), (5, "id", "1", "1 of 4 ids of breast have no line")],
    ),
    "id that is a word": (add("breast,first,0.5,0.5,,"), [(13, "id", "first", "is not a whole number")]),
    "id 100000 as R writes it": (add("breast,1e+05,0.5,0.5,,"), [(13, "id", "1e+05", "out of range")]),
    "endless id": (add("breast,1e999,0.5,0.5,,"), [(13, "id", "1e999", "out of range")]),
    "id missing in a line": (add("breast,,0.5,0.5,,"), [(13, "id", "", "the id is missing")]),
    "ids counted from one": (
        lambda text: "\n".join(
            f"breast,{int(one[7]) + 1}{one[8:]}" if one.startswith("breast") else one
            for one in text.splitlines()
        ),
        [(5, "id", "4", "out of range"), (5, "id", "0", "1 of 4 ids of breast have no line")],
    ),
    "rows left out": (drop(7, 8), [(7, "id", "1-2", "2 of 4 ids of grades have no line")]),
    # numbers of probabilities
    "too few": (
        line(7, "grades,1,0.6,0.4"),
        [(7, "p2", "", "the line ends after 2 of 3 probabilities of grades")],
    ),
    "one left blank": (line(7, "grades,1,0.6,,0.4,"), [(7, "p1", "", "a probability is missing")]),
    "too many for the set": (
        line(2, "breast,0,0.2,0.3,0.5,"),
        [(2, "p2", "0.5", "breast has 2 probabilities, so nothing may stand here")],
    ),
    "more fields than columns": (
        add("finds,2,1,1,1,1,1"),
        [(13, "id", "2", "already"), (13, "p4", "1", "nothing")],
    ),
    "a name and nothing else": (
        add("breast"),
        [(13, "", "breast", "the line ends before its probabilities")],
    ),
    # values
    "nan": (line(8, "grades,2,nan,0.5,0.5,"), [(8, "p0", "nan", "not a number")]),
    "NA, as R writes it": (line(8, "grades,2,NA,0.5,0.5,"), [(8, "p0", "NA", "not a number")]),
    "infinite": (line(8, "grades,2,0.5,inf,0.5,"), [(8, "p1", "inf", "infinite")]),
    "minus infinity": (line(8, "grades,2,0.5,-Infinity,0.5,"), [(8, "p1", "-Infinity", "infinite")]),
    "too large for a number": (line(8, "grades,2,0.5,1e400,0.5,"), [(8, "p1", "1e400", "too large")]),
    "negative": (line(8, "grades,2,-0.1,0.6,0.5,"), [(8, "p0", "-0.1", "not negative")]),
    "above one": (line(8, "grades,2,1.5,0,0,"), [(8, "p0", "1.5", "not above one")]),
    "percent": (
        line(8, "grades,2,20,30,50,"),
        [(8, f"p{k}", value, "not above one") for k, value in enumerate(("20", "30", "50"))],
    ),
    "percent sign": (line(8, "grades,2,20%,0.3,0.5,"), [(8, "p0", "20%", "is not a number")]),
    "a word": (line(8, "grades,2,high,0.3,0.5,"), [(8, "p0", "high", "is not a number")]),
    "an underscore, which Python reads": (line(8, "grades,2,0.1_5,0.3,0.5,"), [(8, "p0", "0.1_5", "is not")]),
    "foreign digits, which Python reads": (
        line(8, "grades,2,٠.٢,0.3,0.5,"),
        [(8, "p0", "٠.٢", "is not a number")],
    ),
    "sum below one": (line(6, "grades,0,0.2,0.3,0.4,"), [(6, "p0 to p2", "0.9", "of a row sum to one")]),
    "sum above one": (line(3, "breast,1,0.5,0.502,,"), [(3, "p0 to p1", "1.002", "of a row sum to one")]),
    "logits": (
        line(6, "grades,0,2.5,-1.5,0.3,"),
        [(6, "p0", "2.5", "not above one"), (6, "p1", "-1.5", "not negative")],
    ),
    # how it is written
    "decimal commas": (line(2, "breast,0,0,25,0,75"), [(2, "p2", "0", "is the decimal mark a comma?")]),
    "decimal commas in quotes": (
        line(2, 'breast,0,"0,25","0,75",,'),
        [(2, "p0", "0,25", "has a decimal comma"), (2, "p1", "0,75", "has a decimal comma")],
    ),
    "a quotation mark alone": (
        line(2, 'breast,0,"0.25,0.75,,'),
        [(2, "", 'breast,0,"', "marks do not match"), (5, "id", "0", "have no line")],
    ),
    "a line of Latin-1": (
        lambda text: text.encode().replace(b"grades,0", b"gr\xe4des,0"),
        [(6, "dataset", r"\xe4", "not UTF-8"), (9, "id", "0", "have no line")],
    ),
    "a NUL": (lambda text: text.replace("0.125", "0.1\0"), [(5, "p0", r"0.1\x00", "is not a number")]),
    "an empty line between": (add("", after=5), [(6, "", "", "an empty line between")]),
    "a line of spaces between": (add("   ", after=5), [(6, "", "", "an empty line between")]),
    "a very long line": (add("breast,0," + "0" * 3000), [(13, "", "", "longer than 2,000 bytes")]),
    "old line ends of the Macintosh": (swap("\n", "\r"), [(1, "", "", r"lines end in \r alone")]),
    "cut off inside a number": (
        lambda text: text[: text.index("0.125") + 3],
        [
            (5, "p1", "", "ends after 1 of 2 probabilities of breast; the file ends here and may be cut off"),
        ],
    ),
    "cut off between lines": (drop(9, 10, 11, 12), [(8, "id", "3", "1 of 4 ids of grades have no line")]),
    "several faults at once": (
        lambda text: text.replace("0.75", "nan").replace("finds,1", "finds,7").replace("0.199", "0.3"),
        [
            (2, "p1", "nan", "not a number"),
            (8, "p0 to p2", "1.101", "sum to one"),
            (11, "id", "7", "out of range"),
            (12, "id", "1", "1 of 3 ids of finds have no line"),
        ],
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_every_fault_is_named_with_its_line_column_and_value(
    name: str, in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    edit, expected = CORPUS[name]
    with pytest.raises(PredictionFileError) as refused:
        read_predictions(file_of(edit(in_order)), suite=suite)
    faults = refused.value.faults
    assert [fault[:3] for fault in faults] == [("predictions.csv", *one[:2]) for one in expected]
    for (_, _, _, value, message), (_, _, part_of_value, part_of_message) in zip(
        faults, expected, strict=True
    ):
        assert part_of_value in value
        assert part_of_message in message


def test_the_corpus_has_at_least_fifty_files() -> None:
    assert len(CORPUS) >= 50


@pytest.mark.parametrize("name", CORPUS)
def test_packing_a_bad_file_hides_nothing(
    name: str, in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    edit, expected = CORPUS[name]
    content = edit(in_order)
    packed = gzip.compress(content.encode() if isinstance(content, str) else content)
    with pytest.raises(PredictionFileError) as refused:
        read_predictions(file_of(packed, "predictions.csv.gz"), suite=suite)
    assert [fault[1:3] for fault in refused.value.faults] == [one[:2] for one in expected]


def test_the_file_without_an_edit_is_in_order(
    in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    found = read_predictions(file_of(in_order), suite=suite)
    assert tuple(found.sets) == suite.names
    assert found.missing == ()


def test_the_message_lists_the_first_faults_and_counts_all(
    in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    with pytest.raises(PredictionFileError) as refused:
        read_predictions(file_of(in_order.replace("0.", "x.")), suite=suite)
    said = str(refused.value)
    assert "'predictions.csv' cannot be scored; it has 18 faults:" in said
    assert "predictions.csv, line 2, column p0, found 'x.25': is not a number" in said
    assert said.count("\n  predictions.csv, line") == 10
    assert said.endswith("teachkit big check FILE")


def test_a_file_that_is_wrong_throughout_is_not_read_to_its_end(
    in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    with pytest.raises(PredictionFileError, match="1,000 or more faults") as refused:
        read_predictions(file_of(in_order + "brain,0,0.5,0.5,,\n" * 100_000), suite=suite)
    assert len(refused.value.faults) == 1000
    assert refused.value.faults[-1].line == 1012


def test_a_fault_cannot_send_commands_to_a_terminal(
    in_order: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    with pytest.raises(PredictionFileError) as refused:
        read_predictions(file_of(in_order + "\x1b[2J\x07,0,0.5,0.5,,\n"), suite=suite)
    assert "\x1b" not in str(refused.value)
    assert "\x1b" not in str(refused.value.faults[0])


def zipped(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


BREAST = "0,0.25,0.75\n1,0.5,0.5\n2,1,0\n3,0.125,0.875\n"
BAD_ARCHIVES: dict[str, tuple[dict[str, str], tuple[str, int, str, str]]] = {
    "unknown set": ({"brain_test.csv": BREAST}, ("brain_test.csv", 0, "", "Did you mean 'breast'")),
    "another split": ({"breast_val.csv": BREAST}, ("breast_val.csv", 0, "", "only predictions of the test")),
    "another size": ({"breast_224_test.csv": BREAST}, ("breast_224_test.csv", 0, "", "another size than 28")),
    "a header": (
        {"breast_test.csv": ",0,1\n" + BREAST},
        ("breast_test.csv", 1, "id", "the id is missing"),
    ),
    "a column too many": (
        {"breast_test.csv": BREAST.replace("2,1,0", "2,1,0,0")},
        ("breast_test.csv", 3, "p2", "breast has 2 probabilities"),
    ),
    "two of the same": (
        {"breast_test@1.csv": BREAST, "breast_test@2.csv": BREAST},
        ("breast_test@2.csv", 0, "dataset", "another file of this archive has this set too"),
    ),
    "a row missing": (
        {"breast_test.csv": BREAST[:-14]},
        ("breast_test.csv", 3, "id", "1 of 4 ids of breast"),
    ),
    "another name": ({"results.csv": BREAST}, ("results.csv", 1, "dataset", "must be called dataset")),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_a_fault_in_an_archive_names_the_member(
    name: str, suite: Suite, file_of: Callable[..., Path]
) -> None:
    members, (member, line_number, column, words) = BAD_ARCHIVES[name]
    with pytest.raises(PredictionFileError) as refused:
        read_predictions(file_of(zipped(members), "all.zip"), suite=suite)
    (fault,) = refused.value.faults
    assert fault[:3] == (f"all.zip/{member}", line_number, column)
    assert words in fault.message
