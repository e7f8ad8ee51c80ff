"""The quiz and challenge of lesson 04: the references earn all; a mistake costs its own points only."""

import nbformat
import pytest

QUIZ = "04_regression/quiz.ipynb"
CHALLENGE = "04_regression/challenge.ipynb"
FULL = {
    "q1-test": 6,
    "q2-test": 3,
    "q3-test": 4,
    "q4-test": 4,
    "q5-test": 3,
    "q6-test": 5,
    "q7-test": 3,
    "q8-test": 4,
    "q9-test": 3,
    "q10-test": 5,
    "q11-test": 3,
    "q12-test": 3,
}
RUN = {
    "inside_small": 58,
    "count_small": 60,
    "inside_large": 44,
    "count_large": 60,
    "mae_squared_by_seed": [41.0, 43.5, 42.0],
    "mae_absolute_by_seed": [38.0, 39.5, 39.0],
}
RUNS = {
    "clear gain": {},
    "one seed": {"mae_squared_by_seed": [40.0], "mae_absolute_by_seed": [39.0]},
    "two seeds": {"mae_squared_by_seed": [2.0, 1.0], "mae_absolute_by_seed": [9.0, 0.1]},
    "all equal": {"mae_squared_by_seed": [5.0] * 3, "mae_absolute_by_seed": [5.0] * 3},
    "squared wins": {"mae_squared_by_seed": [3.0, 3.1, 3.2], "mae_absolute_by_seed": [5.0, 5.2, 5.1]},
    "unclear": {"mae_squared_by_seed": [3.0, 4.1, 5.2], "mae_absolute_by_seed": [5.0, 4.2, 3.1]},
    "all inside": {"inside_small": 60, "inside_large": 60},
    "large ones better": {"inside_small": 30, "inside_large": 59},
}

# What a student who holds one of the lesson's misconceptions would write, and the points that it costs.
MISTAKES = {
    "MAE and RMSE rank alike": ("q1", {"large_errors": "'MAE'", "choice": "'b'"}, 2),
    "R² is a share, so never negative": ("q2", {"r2_mean": "0.0", "below_zero": "False"}, 2),
    "R² of 0.999 is a triumph": ("q3", {"restated": "[]", "honest_r2": "0.999", "said": "'a'"}, 4),
    "only preprocessing": ("q4", {"leaky": "['4']", "noise": "['4']"}, 4),
    "numbers have no unit": (
        "q5",
        {"network_um": "0.031", "network_sd_um": "0.0024", "smaller": "'network'"},
        3,
    ),
    "the narrow box is reliable": ("q6", {"test_errors_network": "8", "conclude": "'network'"}, 3),
    "a new split is a new test": (
        "q7",
        {"seen_in_second": "0", "seen_in_third": "0", "honest_tests": "3"},
        3,
    ),
    "more splits, more knowledge": (
        "q8",
        {"corrected_error": "0.005", "times": "1", "ten_thousand": "True"},
        3,
    ),
    "the 90 % quantile is the margin": ("q9", {"margin": "np.quantile(absolute_errors, 0.9)"}, 1),
    "90 % for everybody": ("q10", {"promised": "['a', 'b', 'c']"}, 2),
    "the promise instead of the count": ("q11", {"own_coverage": "0.9"}, 1),
}


@pytest.fixture
def marks_of_quiz(root, marks_of, run_results):
    """`marks_of_quiz(question, answers)`: the points when these answers follow the reference's own."""
    notebook = nbformat.read(root / "quizzes" / "source" / QUIZ, as_version=4)
    sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}

    def marks(question="", answers=(), run=None):
        name = f"{question}-answer"
        lines = [f"{key} = {text}" for key, text in dict(answers).items()]
        replace = {name: "\n".join([sources[name], *lines])} if question else {}
        return marks_of(QUIZ, replace, before=run_results(RUN, **(run or {})))

    return marks


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_earns_everything_on_any_run(marks_of_quiz, run):
    assert marks_of_quiz(run=RUNS[run]) == FULL


@pytest.mark.parametrize("belief", MISTAKES)
def test_a_misconception_costs_its_own_points_and_no_other(marks_of_quiz, belief):
    question, answers, cost = MISTAKES[belief]
    marks = marks_of_quiz(question, answers)
    assert {name: FULL[name] - marks[name] for name in FULL if marks[name] != FULL[name]} == {
        f"{question}-test": cost
    }


def test_keys_on_errors_are_those_of_scikit_learn(marks_of_quiz):
    check = {
        "mae_b": "metrics.mean_absolute_error(np.zeros(6), errors_b)",
        "rmse_b": "metrics.root_mean_squared_error(np.zeros(6), errors_b)",
    }
    assert marks_of_quiz("q1", {"metrics": "__import__('sklearn.metrics').metrics", **check}) == FULL
    r2 = "metrics.r2_score(test_labels, [training_mean] * 4)"
    assert marks_of_quiz("q2", {"metrics": "__import__('sklearn.metrics').metrics", "r2_mean": r2}) == FULL


def test_keys_on_splits_and_bands_are_those_of_teachkit(marks_of_quiz):
    """The lesson computes with these functions, so the quiz must not contradict them."""
    margin = "__import__('teachkit.metrics').metrics.conformal_margin(absolute_errors)"
    assert marks_of_quiz("q9", {"margin": margin}) == FULL
    interval = (
        "__import__('teachkit.tabular').tabular.corrected_interval("
        "0.05 * stats.zscore(np.arange(100), ddof=1), train_rows=2, test_rows=1)"
    )
    error = f"(lambda i: (i.high - i.value) / stats.t.ppf(0.975, 99))({interval})"
    assert marks_of_quiz("q8", {"corrected_error": error}) == FULL


def test_a_verdict_by_rule_of_thumb_is_wrong_when_the_other_arm_wins(marks_of_quiz):
    answers = {"own_difference": "3.3", "own_low": "2.0", "own_verdict": "'absolute'"}
    assert marks_of_quiz("q12", answers, RUNS["squared wins"])["q12-test"] == 0


def test_challenge_reference_earns_everything(marks_of, offline):
    assert marks_of(CHALLENGE) == {"form-test": 2, "score-test": 8}


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        ("return None, None, None", {"form-test": 0, "score-test": 0}),
        ("return np.zeros(3), np.zeros(3), np.ones(3)", {"form-test": 0, "score-test": 0}),
        (  # always the mean, and a band that holds nearly everybody
            "mean = np.full(len(blind), train.labels.mean())\n    return mean, mean - 8, mean + 8",
            {"form-test": 2, "score-test": 2},
        ),
        (  # a good model that promises too much: its band is as narrow as its training errors of 50 %
            "from sklearn.linear_model import LinearRegression\n"
            "    line = LinearRegression().fit(train.table, train.labels[:, 0])\n"
            "    found = line.predict(blind.table)\n    return found, found - 0.7, found + 0.7",
            {"form-test": 2, "score-test": 3},
        ),
    ],
)
def test_challenge_gives_points_for_what_is_there(marks_of, offline, answer, points):
    solve = f"def solve(train, val, blind):\n    {answer}"
    assert marks_of(CHALLENGE, {"solve": solve}) == points
