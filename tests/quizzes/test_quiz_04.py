"""The quiz of lesson 04: what is special about it."""

import nbformat
import pytest

QUIZ = "04_regression/quiz.ipynb"


@pytest.fixture
def marks_of_quiz(root, marks_of, run_results):
    """`marks_of_quiz(question, answers)`: the points when these answers follow the reference's own."""
    notebook = nbformat.read(root / "quizzes" / "source" / QUIZ, as_version=4)
    sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}

    def marks(question, answers, run=""):
        name = f"{question}-answer"
        lines = [f"{key} = {text}" for key, text in dict(answers).items()]
        replace = {name: "\n".join([sources[name], *lines])}
        return marks_of(QUIZ, replace, before=run_results("04", run))

    return marks


def test_keys_on_errors_are_those_of_scikit_learn(marks_of_quiz, points_of):
    check = {
        "mae_b": "metrics.mean_absolute_error(np.zeros(6), errors_b)",
        "rmse_b": "metrics.root_mean_squared_error(np.zeros(6), errors_b)",
    }
    assert marks_of_quiz("q1", {"metrics": "__import__('sklearn.metrics').metrics", **check}) == points_of(
        QUIZ
    )
    r2 = "metrics.r2_score(test_labels, [training_mean] * 4)"
    assert marks_of_quiz(
        "q2", {"metrics": "__import__('sklearn.metrics').metrics", "r2_mean": r2}
    ) == points_of(QUIZ)


def test_keys_on_splits_and_bands_are_those_of_teachkit(marks_of_quiz, points_of):
    """The lesson computes with these functions, so the quiz must not contradict them."""
    margin = "__import__('teachkit.metrics').metrics.conformal_margin(absolute_errors)"
    assert marks_of_quiz("q9", {"margin": margin}) == points_of(QUIZ)
    interval = (
        "__import__('teachkit.tabular').tabular.corrected_interval("
        "0.05 * stats.zscore(np.arange(100), ddof=1), train_rows=2, test_rows=1)"
    )
    error = f"(lambda i: (i.high - i.value) / stats.t.ppf(0.975, 99))({interval})"
    assert marks_of_quiz("q8", {"corrected_error": error}) == points_of(QUIZ)


def test_a_verdict_by_rule_of_thumb_is_wrong_when_the_other_arm_wins(marks_of_quiz):
    answers = {"own_difference": "3.3", "own_low": "2.0", "own_verdict": "'absolute'"}
    assert marks_of_quiz("q12", answers, "squared wins")["q12-test"] == 0
