"""The quiz of lesson 02: the reference is right for any run; a mistake costs its own points only."""

import re
from pathlib import Path

import nbformat
import pytest

SOURCES = Path(__file__).resolve().parents[2] / "quizzes" / "source"
QUIZ = "02_augmentation/quiz.ipynb"
FULL = {
    "q1-test": 4,
    "q2-test": 4,
    "q3-test": 6,
    "q4-test": 5,
    "q5-test": 4,
    "q6-test": 4,
    "q7-test": 3,
    "q8-test": 4,
    "q9-test": 3,
    "q10-test": 3,
    "q11-test": 3,
    "q12-test": 4,
}
RUN = {
    "images_all": 156,
    "cases_all": 42,
    "images_without": 97,
    "cases_without": 33,
    "auc_augmented_without_by_seed": [0.84, 0.86, 0.85],
    "auc_plain_without_by_seed": [0.80, 0.82, 0.83],
}
RUNS = {
    "clear gain": {},
    "one seed": {"auc_augmented_without_by_seed": [0.9], "auc_plain_without_by_seed": [0.8]},
    "two seeds": {"auc_augmented_without_by_seed": [0.2, 1.0], "auc_plain_without_by_seed": [0.9, 0.1]},
    "all equal": {"auc_augmented_without_by_seed": [1.0] * 3, "auc_plain_without_by_seed": [1.0] * 3},
    "plain wins": {
        "auc_augmented_without_by_seed": [0.70, 0.71, 0.72],
        "auc_plain_without_by_seed": [0.90, 0.92, 0.91],
    },
    "unclear": {
        "auc_augmented_without_by_seed": [0.90, 0.80, 0.95],
        "auc_plain_without_by_seed": [0.85, 0.90, 0.90],
    },
    "no twins": {"images_all": 220, "images_without": 220, "cases_without": 100},
    "mostly cases": {"images_without": 10, "cases_without": 9},
}

# What a student who holds one of the lesson's misconceptions would write, and the points that it costs.
MISTAKES = {
    "every test picture is new": (
        "q1",
        "leaked, accuracy_all, accuracy_new, right_order = 0, 0.625, 0.625, 'b'",
        3,
    ),
    "variants are patients": (
        "q2",
        "n_that_counts, too_narrow = 5000, 1\n"
        "half_width = half_width_wrong = 1.96 * np.sqrt(0.84 * 0.16 / n_that_counts)",
        3,
    ),
    "every transform is safe": (
        "q3",
        "mirrored_chest = turned_patch = hue_stain = 'safe'\n"
        "hue_ultrasound = flipped_fundus = zoomed_nucleus = 'safe'",
        5,
    ),
    "class 1 is the disease": (
        "q4",
        "sensitivity_cancer, specificity_cancer = 112 / 114, 5 / 42\n"
        "accuracy, majority, found_by_majority = 117 / 156, 114 / 156, 42",
        3,
    ),
    "only augmentation differs": (
        "q5",
        "steps_plain, steps_mixed, other_differences, lesion_px = 340, 340, [], 7",
        3,
    ),
    "chosen on test": ("q9", "chosen = '3'\nreported = test[chosen]\ntoo_high_by = 0.0", 3),
    "versions are patients": (
        "q10",
        "called_ill = (views[:, 0] >= 0.5).sum()\nchanged = 0\npatients_tested = 20",
        2,
    ),
    "the wrong group": (
        "q11",
        "own_twins = own['images_without']\nown_prevalence_without = own['cases_all'] / own['images_all']\n"
        "own_majority_without = 1 - own_prevalence_without",
        3,
    ),
}


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_earns_everything_on_any_run(marks_of, run_results, run):
    assert marks_of(QUIZ, before=run_results(RUN, **RUNS[run])) == FULL


@pytest.mark.parametrize("belief", MISTAKES)
def test_a_misconception_costs_its_own_points_and_no_other(marks_of, run_results, belief):
    question, written, cost = MISTAKES[belief]
    marks = marks_of(QUIZ, {f"{question}-answer": written}, before=run_results(RUN))
    assert {name: FULL[name] - marks[name] for name in FULL if marks[name] != FULL[name]} == {
        f"{question}-test": cost
    }


def test_the_key_of_the_auc_question_is_the_auc_of_scikit_learn(marks_of, run_results):
    check = (
        "from sklearn.metrics import roc_auc_score\nkept = nearest <= 0.95\ntwins = (~kept).sum()\n"
        "auc_all, auc_without = roc_auc_score(label, score), roc_auc_score(label[kept], score[kept])\n"
        "to_report = 'without'"
    )
    assert marks_of(QUIZ, {"q6-answer": check}, before=run_results(RUN))["q6-test"] == FULL["q6-test"]


def test_a_verdict_by_rule_of_thumb_is_wrong_when_the_other_arm_wins(marks_of, run_results):
    answer = "own_difference, own_low, own_high, own_verdict = 0.033, 0.02, 0.05, 'augmented'"
    marks = marks_of(QUIZ, {"q12-answer": answer}, before=run_results(RUN, **RUNS["plain wins"]))
    assert marks["q12-test"] == 0


@pytest.mark.parametrize("notebook", [QUIZ, "02_augmentation/challenge.ipynb"])
def test_an_untouched_release_earns_nothing(offline, marks_of, run_results, notebook):
    answers = {
        cell.metadata["nbgrader"]["grade_id"]: re.sub(
            r" *### BEGIN SOLUTION.*?### END SOLUTION", "", cell.source, flags=re.DOTALL
        )
        for cell in nbformat.read(SOURCES / notebook, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    assert not any(marks_of(notebook, answers, before=run_results(RUN)).values())
