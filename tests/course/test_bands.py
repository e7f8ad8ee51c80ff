"""Invariants, bands and sanity ranges: when each applies, and what a miss says."""

from typing import Any

import pytest

from teachkit.course.bands import judge


def results(size: str = "smoke", data: str = "", **values: Any) -> dict[str, Any]:
    named = {name: {"value": value, "interval": None, "unit": ""} for name, value in values.items()}
    return {"size": size, "data": data, "values": named}


@pytest.fixture
def lesson(make_course, expectations: str):
    return make_course(("t1", "good", expectations)).lessons[0]


def verdicts(lesson, content: dict[str, Any], **options: bool) -> dict[str, str]:
    return {finding.kind: finding.verdict for finding in judge(lesson, content, **options)}


def test_all_expectations_are_met_by_a_sound_run(lesson) -> None:
    met = verdicts(lesson, results(steps_differ=0, score=0.5, answer=42))
    assert met == {"invariant": "met", "band": "met", "sanity": "met"}


@pytest.mark.parametrize(
    ("score", "verdict"), [(0.45, "met"), (0.55, "met"), (0.4499, "missed"), (0.56, "missed")]
)
def test_the_ends_of_a_band_belong_to_it(lesson, score: float, verdict: str) -> None:
    assert verdicts(lesson, results(score=score))["band"] == verdict


def test_a_list_meets_a_band_when_each_number_does(lesson) -> None:
    assert verdicts(lesson, results(score=[0.46, 0.54]))["band"] == "met"
    assert verdicts(lesson, results(score=[0.46, 0.56]))["band"] == "missed"


def test_a_band_applies_at_its_sizes_only_but_sanity_everywhere(lesson) -> None:
    assert verdicts(lesson, results(size="class", answer=42, steps_differ=0)) == {
        "invariant": "met",
        "sanity": "met",
    }


def test_a_band_for_one_data_set_says_nothing_about_another(make_course, expectations: str) -> None:
    tail = expectations.replace('sizes = ["smoke"]', 'sizes = ["smoke"]\ndata = ["digits"]')
    lesson = make_course(("t1", "good", tail)).lessons[0]
    assert "band" not in verdicts(lesson, results(data="ihc_patches", score=0.9))
    assert verdicts(lesson, results(data="digits", score=0.9))["band"] == "missed"


def test_a_miss_names_value_and_range(lesson) -> None:
    sentences = [f.sentence for f in judge(lesson, results(steps_differ=3, score=0.99, answer=42))]
    assert "'steps_differ' is 3 and must equal 0: all arms take the same steps" in sentences
    assert "'score' is 0.99, outside its band range of 0.45 to 0.55." in sentences


def test_what_was_not_recorded_is_missed_unless_deeper_cells_were_left_out(lesson) -> None:
    assert set(verdicts(lesson, results()).values()) == {"missed"}
    assert set(verdicts(lesson, results(), core_only=True).values()) == {"not run"}


@pytest.mark.parametrize("value", [False, "0", [0]])
def test_an_invariant_is_not_met_by_something_of_another_kind(lesson, value: object) -> None:
    assert verdicts(lesson, results(steps_differ=value))["invariant"] == "missed"


def test_a_text_or_truth_value_never_lies_in_a_range(lesson) -> None:
    assert verdicts(lesson, results(score=True))["band"] == "missed"
    assert verdicts(lesson, results(score="0.5"))["band"] == "missed"
