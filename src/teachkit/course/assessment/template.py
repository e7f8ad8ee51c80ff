"""A quiz, a challenge and their keys to begin with: ``teachkit quiz new 09``.

They follow the conventions and run from top to bottom. What is left to write is what ``teachkit quiz check``
then says.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from teachkit.errors import LessonError

KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEYS = """# What the quizzes of lesson {lesson} promise; `teachkit quiz check` holds them to it.

[run]
auc_new_by_seed = [0.84, 0.86, 0.85]
auc_old_by_seed = [0.80, 0.82, 0.83]

[runs."all equal"]
auc_new_by_seed = [0.8, 0.8, 0.8]
auc_old_by_seed = [0.8, 0.8, 0.8]

[runs."the old one wins"]
auc_new_by_seed = [0.70, 0.71, 0.72]
auc_old_by_seed = [0.90, 0.92, 0.91]

[[mistakes]]
belief = "takes the share of right alarms for the sensitivity"
cell = "q1-answer"
answer = "sensitivity, missed = 8 / 12, 4"
loses = {{ q1-test = 2 }}

[[mistakes]]
belief = "turns the difference round"
cell = "q2-answer"
answer = 'own_difference, own_better = -0.0333, "old"'
loses = {{ q2-test = 2 }}

[[mistakes]]
belief = "names one class for everybody"
notebook = "challenge"
cell = "solve"
answer = '''
def solve(train, val, blind):
    return np.eye(len(train.info.classes))[np.zeros(len(blind), dtype=int)], 0
'''
loses = {{ score-test = 7 }}
"""
INTRO = """# {title}: quiz

Questions with 4 points, and one short text with 2 points. You may use NumPy, SciPy, paper and your notes.

- Replace each `None` by a number, a name or a calculation. A calculation is better: you can check it later.
- Numbers count as right within 0.005, unless the question says otherwise. Write shares as 0.25, not as 25 %.
- The check cell below an answer looks at its *form* only. Hidden tests look at the answer after you hand in.
- Q2 is about **your own run** of lesson {lesson}. Any run can get all points.

Before you hand in: *Kernel*, *Restart Kernel and Run All Cells*, then save."""
SETUP = """import numpy as np
from scipy import stats

from teachkit import course
from teachkit.course.marking import Marks, own_results

course.place_results("{lesson}")"""
Q1 = """## Q1. Ten people who are ill (2 points)

A test rings for 8 of 10 people who are ill, and for 4 of 90 who are well.

- `sensitivity`: its sensitivity
- `missed`: how many people who are ill does it miss?"""
Q1_ANSWER = """sensitivity = None
missed = None
### BEGIN SOLUTION
sensitivity = 8 / 10
missed = 10 - 8
### END SOLUTION"""
Q1_TEST = """marks = Marks("Q1", globals(), points=2, reread="the heading in the lesson that helps")
marks.wants_number("sensitivity", low=0, high=1)
marks.wants_number("missed", low=0, high=10)
### BEGIN HIDDEN TESTS
marks.close("sensitivity", 0.8)
marks.close("missed", 2)
marks.total()
### END HIDDEN TESTS"""
Q2 = """## Q2. Your run (2 points)

`own["auc_new_by_seed"]` and `own["auc_old_by_seed"]` hold one AUC for each seed, in the same order.

- `own_difference`: the mean of new minus old (within 0.001)
- `own_better`: `"new"` or `"old"`, whichever has the higher mean, or `"neither"`"""
Q2_GIVEN = "own = own_results()"
Q2_ANSWER = """own_difference = None
own_better = None
### BEGIN SOLUTION
own_difference = np.mean(own["auc_new_by_seed"]) - np.mean(own["auc_old_by_seed"])
own_better = "new" if own_difference > 0 else "old" if own_difference < 0 else "neither"
### END SOLUTION"""
Q2_TEST = """marks = Marks("Q2", globals(), points=2, reread="the heading in the lesson that helps")
marks.wants_number("own_difference", low=-1, high=1)
marks.wants_choice("own_better", "new", "old", "neither")
### BEGIN HIDDEN TESTS
new_auc, old_auc = own_results("auc_new_by_seed", "auc_old_by_seed").values()
gap_key = np.mean(new_auc) - np.mean(old_auc)
marks.close("own_difference", gap_key, within=0.001)
marks.same("own_better", "new" if gap_key > 0 else "old" if gap_key < 0 else "neither")
marks.total()
### END HIDDEN TESTS"""
TEXT = """## Text. An answer to a colleague (2 points, read by a person)

Say in at most 100 words what the numbers of Q1 mean for somebody who is ill.

### BEGIN MARK SCHEME
1. One idea, with a number.
2. Another idea, and what the number does not say.
### END MARK SCHEME"""
CHALLENGE = """# {title}: challenge

**Best balanced accuracy.** You write one function. 10 points by tests, 2 by a person.

| points | for |
|---|---|
| 2 | `predictions.npz` has the right form |
| 1 | it declares from 0 to 300 optimiser steps in all |
| 7 | balanced accuracy above the plain model, which knows only how bright an image is |

**Honour system.** The test labels of public sets can be looked up, and nobody counts your steps.
Choose on the validation images, look at the test score once, and declare every step of your final model."""
CHALLENGE_SETUP = """from pathlib import Path

import numpy as np

from teachkit import data
from teachkit.course import challenge
from teachkit.course.marking import Marks, being_graded
from teachkit.metrics import balanced_accuracy

MAX_STEPS = 300
NAME = "ihc_patches"
train, val, test = (data.load(NAME, split) for split in ("train", "val", "test"))
blind = test.replace(labels=np.zeros_like(test.labels))"""
SOLVE = """def solve(train, val, blind):
    probabilities, steps = None, None
    ### BEGIN SOLUTION
    from sklearn.linear_model import LogisticRegression

    tones = [split.images.reshape(len(split), -1, 3).mean(axis=1) for split in (train, blind)]
    model = LogisticRegression(C=100.0, class_weight="balanced", max_iter=5000)
    probabilities = model.fit(tones[0], train.labels[:, 0]).predict_proba(tones[1])
    steps = 0
    ### END SOLUTION
    return probabilities, steps"""
SAVE = """if not (being_graded() and Path(challenge.PREDICTIONS).exists()):
    probabilities, steps = solve(train, val, blind)
    if probabilities is None:
        print("solve gives no probabilities yet")
    else:
        challenge.save_predictions(probabilities, steps=steps, data=NAME)"""
FORM_TEST = """marks = Marks("Form and steps", globals(), points=3)
try:
    handed_in = challenge.read_predictions()
except ValueError as problem:
    handed_in = None
    print(problem)
### BEGIN HIDDEN TESTS
fits = handed_in is not None and not challenge.misfit(handed_in, test)
marks.passed("form", fits, points=2)
marks.passed("steps", fits and 0 <= handed_in.steps <= MAX_STEPS)
marks.total()
### END HIDDEN TESTS"""
SCORE_TEST = """marks = Marks("Score", globals(), points=7)
### BEGIN HIDDEN TESTS
answer_key = test.labels[:, 0]
mine = balanced_accuracy(answer_key, handed_in.classes) if fits else 0.0
plain = balanced_accuracy(answer_key, challenge.plain_predictions(train, test))
print(f"yours {mine:.3f}, plain model {plain:.3f}")
marks.passed("above the plain model", mine > plain, points=7)
marks.total()
### END HIDDEN TESTS"""
REPORT = """## Report (2 points, read by a person)

In at most 200 words, in the cells below: what you tried, how you chose, and what the score does not show.

### BEGIN MARK SCHEME
1. What was tried, with settings, chosen on validation images; all attempts are counted.
2. Says what the score does not show.
### END MARK SCHEME"""


def write_templates(quizzes: Path, lesson: str, topic: str) -> list[Path]:
    """Write ``source/TOPIC/{quiz,challenge}.ipynb`` and ``keys/TOPIC.toml``; gives their paths.

    Args:
        quizzes: the folder of the nbgrader course.
        lesson: the id, such as "09".
        topic: the stem of the lesson's notebook, such as "09_detection".

    Raises:
        LessonError: one of the files is there already; nothing is written then.
    """
    title = topic.replace("_", " ")
    made: dict[Path, Any] = {
        quizzes / "source" / topic / "quiz.ipynb": _quiz(lesson, title),
        quizzes / "source" / topic / "challenge.ipynb": _challenge(title),
        quizzes / "keys" / f"{topic}.toml": KEYS.format(lesson=lesson),
    }
    for path in made:
        if path.exists():
            raise LessonError(
                f"{path} is there already.", "Change it by hand, or move it away first.", path=path
            )
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else nbformat.writes(content) + "\n"
        path.write_text(text, encoding="utf-8")
    return list(made)


def _quiz(lesson: str, title: str) -> NotebookNode:
    return _notebook(
        _text("intro", INTRO.format(title=title, lesson=lesson)),
        _code("setup", SETUP.format(lesson=lesson)),
        _text("q1", Q1),
        _code("q1-answer", Q1_ANSWER, solution=True),
        _code("q1-test", Q1_TEST, points=2),
        _text("q2", Q2),
        _code("q2-given", Q2_GIVEN),
        _code("q2-answer", Q2_ANSWER, solution=True),
        _code("q2-test", Q2_TEST, points=2),
        _text("m1", TEXT, points=2),
        new_markdown_cell("*Write your answer here.*"),
    )


def _challenge(title: str) -> NotebookNode:
    return _notebook(
        _text("intro", CHALLENGE.format(title=title)),
        _code("setup", CHALLENGE_SETUP),
        _code("solve", SOLVE, solution=True),
        _code("save", SAVE),
        _text("form-text", "## Form (2 points) and steps (1 point)"),
        _code("form-test", FORM_TEST, points=3),
        _text("score-text", "## Score (7 points)"),
        _code("score-test", SCORE_TEST, points=7),
        _text("report", REPORT, points=2),
        new_markdown_cell("*Write your report here, and add cells as you need them.*"),
    )


def _notebook(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells), metadata=KERNEL)


def _text(grade_id: str, source: str, *, points: float = 0) -> NotebookNode:
    return new_markdown_cell(source, metadata=_meta(grade_id, task=bool(points), points=points))


def _code(grade_id: str, source: str, *, solution: bool = False, points: float = 0) -> NotebookNode:
    return new_code_cell(
        source, metadata=_meta(grade_id, grade=bool(points), solution=solution, points=points)
    )


def _meta(
    grade_id: str, *, points: float, grade: bool = False, solution: bool = False, task: bool = False
) -> dict[str, Any]:
    about = {"grade": grade, "grade_id": grade_id, "locked": not solution, "schema_version": 3}
    worth = {"points": points} if points else {}
    return {"nbgrader": {**about, **worth, "solution": solution, "task": task}}
