"""Prediction files that are in order: what is written is read back, whatever the packing and the dialect."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teachkit import big, data
from teachkit.big.careful import CarefulReader
from teachkit.big.faults import Faults, TooManyFaults
from teachkit.big.layouts import Layout, layout_of
from teachkit.big.quick import read_quickly
from teachkit.big.unpacking import Text
from teachkit.errors import DataError, FormatError, SettingsError, UnknownNameError

ENDINGS = (".csv", ".csv.gz", ".zip")
Make = Callable[..., tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]
FileOf = Callable[..., Path]


def careful(text: Text, layout: Layout, suite: big.Suite) -> tuple[dict[str, np.ndarray], Faults]:
    faults = Faults()
    try:
        return CarefulReader(text, layout, suite, faults).read(), faults
    except TooManyFaults:
        return {}, faults


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    """The same sets and, to the last bit, the same numbers."""
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_what_is_written_is_read_back_to_the_last_digit(
    ending: str, precision: type, tmp_path: Path, suite: big.Suite, make: Make
) -> None:
    _, made = make(suite)
    given_ = {name: array.astype(precision) for name, array in made.items()}
    path = big.write_predictions(tmp_path / f"mine{ending}", given_, suite=suite)
    found = big.read_predictions(path, suite=suite)
    for name, array in given_.items():
        np.testing.assert_array_equal(found.sets[name].astype(precision), array)
    assert [file.name for file in tmp_path.iterdir()] == [f"mine{ending}"]


def test_order_and_ties_of_float32_survive(tmp_path: Path, suite: big.Suite) -> None:
    positive = np.nextafter(np.float32(0.5), [0, 0, 1, 1], dtype=np.float32)
    path = big.write_predictions(tmp_path / "near.csv", {"breast": positive}, suite=suite)
    read = big.read_predictions(path, suite=suite).sets["breast"][:, 1]
    assert read[0] == read[1] < 0.5 < read[2] == read[3]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: text.rstrip("\n"), id="no line end at the end"),
        pytest.param(lambda text: text + "\n\n", id="empty lines at the end"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark of Excel"),
        pytest.param(lambda text: text.replace(",,\n", "\n"), id="without trailing commas"),
        pytest.param(lambda text: text.replace(",", " , "), id="spaces around fields"),
        pytest.param(lambda text: text.replace("breast", '"breast"'), id="names in quotes, as R writes them"),
        pytest.param(
            lambda text: "\n".join([text.splitlines()[0], *sorted(text.splitlines()[1:], reverse=True)]),
            id="another order of lines",
        ),
        pytest.param(lambda text: text.replace("breast,2", "breast,2.0"), id="whole ids with a point"),
        pytest.param(lambda text: text.replace("0.875", "8.75E-01"), id="exponents"),
    ],
)
def test_dialects_that_leave_no_doubt_are_read(
    edit: Callable[[str], str], in_order: str, suite: big.Suite, file_of: FileOf
) -> None:
    plain = big.read_predictions(file_of(in_order), suite=suite)
    other = big.read_predictions(file_of(edit(in_order), "other.csv"), suite=suite)
    assert same(dict(plain.sets), dict(other.sets))


def test_sets_may_be_missing_and_are_named(in_order: str, suite: big.Suite, file_of: FileOf) -> None:
    only = "".join(one for one in in_order.splitlines(keepends=True) if not one.startswith("grades"))
    found = big.read_predictions(file_of(only), suite=suite)
    assert found.missing == ("grades",)
    assert repr(found) == "<Predictions 'predictions.csv': 2 of 3 sets of 'toy'>"


def test_columns_that_no_set_of_the_file_needs_may_be_missing(suite: big.Suite, file_of: FileOf) -> None:
    rows = "".join(f"breast,{row},0.25,0.75\n" for row in range(4))
    assert list(big.read_predictions(file_of("dataset,id,p0,p1\n" + rows), suite=suite).sets) == ["breast"]


# --- quick and careful ---

PIECES = ["0.5", "1", ",", "\n", "\r\n", "nan", "-", "e", ".", " ", '"', "\0", "x", "0", "breast", "_", "9"]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """`text` with a few pieces put in or taken out somewhere."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 3))
        text = text[:place] + draw(st.sampled_from(["", *PIECES])) + text[place + gone :]
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_the_quick_reader_takes_nothing_that_the_careful_one_refuses(
    draw: st.DataObject, in_order: str, suite: big.Suite
) -> None:
    text = Text("file", "file.csv", draw.draw(mutated(in_order)).encode())
    layout = layout_of(text, suite, 28, Faults())
    if layout is None:
        return
    quick = read_quickly(text, layout, suite)
    if quick is not None:
        tables, faults = careful(text, layout, suite)
        assert faults.found == []
        assert same(quick, tables)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.text("0123456789.eE+-_naifN xd", min_size=1, max_size=7))
def test_both_readers_read_a_field_alike_or_leave_it_to_the_careful_one(
    field: str, in_order: str, suite: big.Suite
) -> None:
    for old in ("0.9", "finds,1"):  # a probability of a set whose rows need no sum, and an id
        new = field if old == "0.9" else f"finds,{field}"
        text = Text("file", "file.csv", in_order.replace(old, new).encode())
        layout = layout_of(text, suite, 28, Faults())
        assert layout is not None
        quick = read_quickly(text, layout, suite)
        tables, faults = careful(text, layout, suite)
        assert quick is None or (not faults and same(quick, tables))


def test_the_quick_reader_reads_plain_files_itself(
    in_order: str, suite: big.Suite, make: Make, tmp_path: Path
) -> None:
    written = big.write_predictions(tmp_path / "mine.csv", make(suite)[1], suite=suite).read_bytes()
    for content in (in_order.encode(), written, written.replace(b"\n", b"\r\n")):
        text = Text("file", "file.csv", content)
        layout = layout_of(text, suite, 28, Faults())
        assert layout is not None
        quick = read_quickly(text, layout, suite)
        assert quick is not None
        assert same(quick, careful(text, layout, suite)[0])


# --- MedMNIST's own files ---


def test_the_files_of_medmnists_evaluator_are_read(suite: big.Suite, make: Make, tmp_path: Path) -> None:
    """Written as `medmnist.Evaluator.evaluate` does: a frame without a header, scores in the name."""
    made = make(suite)[1]["grades"].astype(np.float32)
    file = tmp_path / "grades_test_[AUC]0.672_[ACC]0.892@3.csv"
    pd.DataFrame(made).to_csv(file, header=None)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(file, f"results/{file.name}")
        archive.writestr("__MACOSX/results/._x.csv", b"\0")
        archive.writestr("results/.DS_Store", b"\0")
    for path in (file, tmp_path / "all.zip"):
        found = big.read_predictions(path, suite=suite)
        np.testing.assert_array_equal(found.sets["grades"].astype(np.float32), made)


def test_one_column_of_a_binary_set_is_its_positive_class(suite: big.Suite, file_of: FileOf) -> None:
    found = big.read_predictions(file_of("0,0.25\n1,1\n2,0\n3,0.5\n", "breast_test.csv"), suite=suite)
    np.testing.assert_array_equal(found.sets["breast"], [[0.75, 0.25], [0, 1], [1, 0], [0.5, 0.5]])


def test_the_size_stands_in_the_names_inside_a_zip(tmp_path: Path, make: Make) -> None:
    members = tuple(big.Member(f"set_{k}", "S", "multi-class", ("a", "b", "c"), 3) for k in range(2))
    suite = big.Suite("two", "1", members, (28, 64))
    path = big.write_predictions(tmp_path / "all.zip", make(suite)[1], suite=suite, size=64)
    assert zipfile.ZipFile(path).namelist() == ["set_0_64_test.csv", "set_1_64_test.csv"]
    assert len(big.read_predictions(path, suite=suite, size=64).sets) == 2
    with pytest.raises(SettingsError, match="no size 128"):
        big.read_predictions(path, suite=suite, size=128)


def test_a_suite_of_one_size_need_not_be_told_it(tmp_path: Path, make: Make) -> None:
    members = tuple(big.Member(f"set_{k}", "S", "multi-class", ("a", "b", "c"), 3) for k in range(2))
    suite = big.Suite("two", "1", members, (64,))
    truth, made = make(suite)
    path = big.write_predictions(tmp_path / "all.zip", made, suite=suite)
    assert zipfile.ZipFile(path).namelist() == ["set_0_64_test.csv", "set_1_64_test.csv"]
    assert big.score(path, suite=suite, truth=truth).size == 64


# --- writing ---


def test_writing_wrong_numbers_leaves_nothing_behind(tmp_path: Path, suite: big.Suite) -> None:
    wrong = np.full((4, 2), 0.5)
    wrong[1] = [np.nan, 0.5]
    wrong[2] = [0.9, 0.9]
    with pytest.raises(big.PredictionFileError) as refused:
        big.write_predictions(tmp_path / "mine.csv", {"breast": wrong}, suite=suite)
    assert [fault[1:3] for fault in refused.value.faults] == [(3, "p0"), (4, "p0 to p1")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((3, 2), 0.5), "1 of 4 ids of breast have no line"),
        (np.full((5, 2), 0.5), "out of range"),
        (np.full((4, 3), 1 / 3), "breast has 2 probabilities"),
        (np.full((4, 7), 0.5), "one column too many|breast has 2 probabilities"),
    ],
)
def test_writing_another_shape_is_refused(
    array: np.ndarray, words: str, tmp_path: Path, suite: big.Suite
) -> None:
    with pytest.raises(big.PredictionFileError, match=words):
        big.write_predictions(tmp_path / "mine.csv", {"breast": array}, suite=suite)


def test_writing_asks_for_a_known_ending_set_and_form(tmp_path: Path, suite: big.Suite) -> None:
    half = {"breast": np.full((4, 2), 0.5)}
    with pytest.raises(SettingsError, match=r"'mine.parquet' does not end in .csv"):
        big.write_predictions(tmp_path / "mine.parquet", half, suite=suite)
    with pytest.raises(UnknownNameError, match=r"no set 'brest'\. Did you mean 'breast'"):
        big.write_predictions(tmp_path / "mine.csv", {"brest": half["breast"]}, suite=suite)
    with pytest.raises(FormatError, match=r"shape \[4, 2, 1\]"):
        big.write_predictions(tmp_path / "mine.csv", {"breast": half["breast"][..., None]}, suite=suite)


def test_gzip_files_are_the_same_bytes_for_the_same_numbers(
    tmp_path: Path, suite: big.Suite, make: Make
) -> None:
    first, second = (
        big.write_predictions(tmp_path / name, make(suite)[1], suite=suite)
        for name in ("a.csv.gz", "b.csv.gz")
    )
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()).startswith(b"dataset,id,p0")


def test_a_suite_of_ones_own_is_written_beside_the_file(offline: Path, tmp_path: Path) -> None:
    splits = [data.load(name, "test") for name in ("ihc_patches", "ihc_contents", "digits")]
    made = {
        split.info.name: np.full((len(split), len(split.info.classes)), 1 / len(split.info.classes))
        for split in splits
    }
    path = big.write_predictions(tmp_path / "mine.csv", made, suite="course", splits=splits)
    found = big.read_predictions(path, suite="course")
    assert found.suite.name == "course"
    assert found.suite == big.Suite.of("course", splits)
    assert list(found.sets) == [split.info.name for split in splits]
    scored = big.score(path, suite="course")  # truth from the data source
    assert scored.complete
    assert scored.mean["auc"] == 0.5


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be opened"):
            big.read_predictions(path)


def test_pandas_reads_what_is_written(tmp_path: Path, suite: big.Suite, make: Make) -> None:
    path = big.write_predictions(tmp_path / "mine.csv", make(suite)[1], suite=suite)
    frame = pd.read_csv(path)
    assert list(frame) == ["dataset", "id", "p0", "p1", "p2", "p3"]
    assert len(frame) == suite.rows
