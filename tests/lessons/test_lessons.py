"""The course itself, executed headless as `make run` does; what is unchanged in build/ is used again."""

import json
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lessons")]


def values(out: Path, lesson: str) -> dict:
    return json.loads((out / "lessons" / lesson / "results.json").read_text())["values"]


def points_by_tests(notebook: Path) -> float:
    """The points of a quiz or challenge that tests give, without those that a person gives."""
    about = [cell["metadata"].get("nbgrader", {}) for cell in json.loads(notebook.read_text())["cells"]]
    return sum(cell["points"] for cell in about if cell.get("grade") and not cell.get("task"))


def test_every_lesson_runs_and_every_reference_gets_full_marks(course_build, root):
    index = (course_build / "report" / "index.html").read_text()
    full = re.findall(
        r"full marks: (\S+) (\S+) of (\S+) points", " ".join(re.sub("<[^>]+>", " ", index).split())
    )
    sources = sorted((root / "quizzes" / "source").glob("*/*.ipynb"))
    expected = [(path.stem, f"{points_by_tests(path):g}", f"{points_by_tests(path):g}") for path in sources]
    assert full == expected
    lessons = {path.name[:2] for path in (root / "notebooks").glob("*.ipynb")}
    assert lessons <= {folder.name for folder in (course_build / "lessons").iterdir()}


def test_frozen_arm_of_lesson_01_did_not_move_and_random_arm_was_random(course_build):
    found = values(course_build, "01")
    assert found["frozen_drift"]["value"] == 0
    assert found["random_equals_pretrained"]["value"] == 0
    assert found["steps_differ"]["value"] == 0


def test_recorded_means_and_differences_of_lesson_01_follow_from_its_seeds(course_build):
    from scipy import stats

    found = values(course_build, "01")
    arms = {key: found[f"auc_{key}_by_seed"]["value"] for key in ("random", "frozen", "finetuned")}
    for other in ("random", "frozen"):
        gaps = [a - b for a, b in zip(arms["finetuned"], arms[other], strict=True)]
        recorded = found[f"diff_finetuned_{other}_auc"]
        mean = sum(gaps) / len(gaps)
        low, high = stats.t.interval(0.95, len(gaps) - 1, mean, stats.sem(gaps))
        assert recorded["value"] == pytest.approx(mean)
        assert recorded["interval"] == pytest.approx([low, high])


def test_every_trained_model_leaves_with_a_card(course_build):
    card = (course_build / "lessons" / "01" / "model_card.md").read_text()
    assert "not for clinical use" in card
    assert "Known failures" in card


def test_skipping_every_deeper_cell_breaks_nothing(teachkit_command, tmp_path):
    arguments = ("--core-only", "--no-grade", "--no-report", "--jobs", "2", "--out", str(tmp_path))
    done = teachkit_command("run", *arguments, TEACHKIT_OFFLINE="1")
    assert done.returncode == 0, done.stdout + done.stderr
    executed = json.loads((tmp_path / "lessons" / "01" / "executed.ipynb").read_text())
    ran = [cell for cell in executed["cells"] if cell["cell_type"] == "code" and cell["execution_count"]]
    assert ran
    assert not any("deeper" in cell["metadata"].get("tags", []) for cell in ran)
