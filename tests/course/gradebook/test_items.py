"""Item analysis: figures against hand-made classes, and no figure about few students."""

import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from scipy import stats

from teachkit.course.gradebook.items import FEW, chosen, distractors, item_analysis
from teachkit.course.gradebook.reading import Grades, read_grades

# Eight students, strong ones first: q1 is easy, q2 tells strong from weak, q3 has its key upside down.
CLASS = [(2, 4, 0), (2, 4, 0), (2, 4, 1), (2, 3, 1), (2, 1, 2), (2, 1, 2), (2, 0, 4), (2, 0, 3)]


def book(make_book: Any, points: list[tuple[float, ...]], **more: Any) -> Grades:
    return read_grades(make_book({f"s{i}": {"ps1": row} for i, row in enumerate(points)}, **more))


def test_difficulty_and_discrimination_are_those_of_the_definition(make_book) -> None:
    table = item_analysis(book(make_book, CLASS)).set_index("question")
    scores = np.array(CLASS, float)
    assert table.loc["q2-test", "difficulty"] == pytest.approx(scores[:, 1].mean() / 4)
    rest = scores[:, 0] + scores[:, 2] + 2  # with the two points for the text
    assert table.loc["q2-test", "discrimination"] == pytest.approx(
        stats.pearsonr(scores[:, 1], rest).statistic
    )
    assert table.loc["q2-test", "sd"] == pytest.approx(np.std(scores[:, 1] / 4, ddof=1))
    assert set(table["n"]) == {8}


def test_the_notes_name_what_to_look_at(make_book) -> None:
    notes = item_analysis(book(make_book, CLASS)).set_index("question")["note"]
    assert notes["q1-test"] == "nearly everybody has it"
    assert notes["q3-test"] == "weak students do better here: look at the key"


def test_a_question_that_all_answer_alike_has_no_discrimination(make_book) -> None:
    table = item_analysis(book(make_book, CLASS)).set_index("question")
    assert math.isnan(table.loc["q1-test", "discrimination"])


def test_four_students_give_no_figures_and_five_do(make_book) -> None:
    few = item_analysis(book(make_book, CLASS[:4]))
    assert few[["difficulty", "sd", "discrimination"]].isna().all(axis=None)
    assert set(few["note"]) == {FEW}
    five = item_analysis(book(make_book, CLASS[2:7]))
    assert five["difficulty"].notna().all()


def test_what_waits_for_a_person_is_left_out(make_book) -> None:
    waiting = tuple((f"s{i}", "ps1") for i in range(4))
    table = item_analysis(book(make_book, CLASS, waiting=waiting)).set_index("question")
    assert table.loc["report", "n"] == 4
    assert table.loc["q2-test", "n"] == 8


def quiz(answer: str) -> Any:
    """A handed-in quiz with this answer cell."""

    def about(grade_id: str, **kind: bool) -> dict[str, Any]:
        return {"nbgrader": {"grade_id": grade_id, "grade": False, "solution": False, **kind}}

    test = 'marks = Marks("Q1", globals(), points=2)\nmarks.wants_choice("pick", "a", "b", "c")'
    return new_notebook(
        cells=[
            new_code_cell(answer, metadata=about("q1-answer", solution=True)),
            new_code_cell(test, metadata=about("q1-test", grade=True)),
        ]
    )


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("pick = 'b'", "'b'"),
        ("pick = None\npick = 'c'", "'c'"),
        ("pick = None", "not answered"),
        ("pick = max('a', 'b')", "no plain answer"),
        ("pick = 'a'\npick = pick.upper()", "no plain answer"),
        ("pick = None\nother, pick = 1, 'a'", "'a'"),
        ("pick = 'a", "no plain answer"),
        ("other = pick = True", "True"),
    ],
)
def test_the_last_plain_value_is_the_answer(cell: str, answer: str) -> None:
    assert list(chosen(quiz(cell))) == [{"question": "q1-test", "name": "pick", "answer": answer}]


def hand_in(folder: Path, picks: str) -> Path:
    """One quiz for each letter in `picks`, by students s0, s1, …"""
    for number, pick in enumerate(picks):
        path = folder / "autograded" / f"s{number}" / "ps1" / "quiz.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(quiz(f"pick = {pick!r}"), path)
    return folder / "autograded"


def tally(make_book: Any, folder: Path, picks: str) -> dict[str, int]:
    table = distractors(book(make_book, [CLASS[0]] * len(picks)), hand_in(folder, picks))
    return dict(zip(table["answer"], table["n"], strict=True))


def test_answers_are_counted_and_rare_ones_are_added_up(make_book, tmp_path: Path) -> None:
    assert tally(make_book, tmp_path, "aaaaaabbbbbccddee") == {"'a'": 6, "'b'": 5, "other": 6}


def test_no_small_group_can_be_calculated_from_the_others(make_book, tmp_path: Path) -> None:
    # Three took c; with only them hidden, the class size would tell their number.
    assert tally(make_book, tmp_path, "aaaaaabbbbbccc") == {"'a'": 6, "other": 8}


def test_a_small_class_gets_no_counts_of_answers(make_book, tmp_path: Path) -> None:
    assert tally(make_book, tmp_path, "aab") == {FEW: 3}


def test_the_rest_of_a_distractor_leaves_its_own_question_out(make_book, tmp_path: Path) -> None:
    points = [(2, 4, 4)] * 5 + [(0, 1, 1)] * 5
    table = distractors(book(make_book, points), hand_in(tmp_path, "a" * 5 + "b" * 5)).set_index("answer")
    assert table["rest"].to_dict() == pytest.approx({"'a'": 10 / 10, "'b'": 4 / 10})
