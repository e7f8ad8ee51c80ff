"""The objects behind JupyterLab's assignment list and behind formgrader, over the bucket."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from traitlets.config.loader import PyFileConfigLoader

from teachkit.cloud import BucketStore
from teachkit.course.exchange import attempts, names


def assignment_list(who: Any) -> AssignmentList:
    """What the server extension makes."""
    made = AssignmentList()
    made.root_dir = str(who.home)
    return made


@pytest.fixture(scope="module")
def teacher(person: Callable[..., Any]) -> Any:
    """An instructor who has released ps1 and ps2."""
    made = person()
    for assignment in ("ps1", "ps2"):
        shutil.copytree(made.path("source", assignment), made.path("release", assignment))
        assert made.nbgrader("release_assignment", assignment).code == 0
    return made


def test_the_assignment_list_goes_through_a_students_term(
    teacher: Any, person: Callable[..., Any], store: BucketStore
) -> None:
    ada = person("ada")
    with ada.at_work():
        shown = assignment_list(ada)
        assert shown.list_courses() == {"success": True, "value": ["teachkit"]}
        released = shown.list_assignments("teachkit")["value"]
        assert [(row["assignment_id"], row["status"]) for row in released] == [
            ("ps1", "released"),
            ("ps2", "released"),
        ]
        assert released[0]["notebooks"][0]["notebook_id"] == "problem"
        assert shown.fetch_assignment("teachkit", "ps1") == {"success": True}
        fetched = shown.list_assignments("teachkit")["value"][0]
        assert (fetched["status"], fetched["path"]) == ("fetched", "ps1")
        assert fetched["notebooks"] == [{"notebook_id": "problem", "path": "ps1/problem.ipynb"}]
        assert shown.submit_assignment("teachkit", "ps1") == {"success": True}

        (one,) = attempts.hand_ins(store, "teachkit", "ada")
        store.replace(names.feedback_page(names.FeedbackPage(one.attempt, "problem")), b"well done")
        row = shown.list_submitted_assignments("teachkit")["value"][0]["submissions"][0]
        assert (row["has_exchange_feedback"], row["has_local_feedback"]) == (True, False)
        assert shown.fetch_feedback("teachkit", "ps1") == {"success": True}
        row = shown.list_submitted_assignments("teachkit")["value"][0]["submissions"][0]
        assert (row["has_local_feedback"], row["feedback_updated"]) == (True, False)
        assert row["local_feedback_path"] == f"ps1/feedback/{row['timestamp']}"

        store.replace(names.feedback_page(names.FeedbackPage(one.attempt, "problem")), b"even better")
        everything = shown.list_assignments("teachkit")
        assert everything["value"][-1]["submissions"][0]["feedback_updated"]
        json.dumps(everything)


def test_the_students_own_settings_are_found_when_jupyterlab_starts_above_them(
    teacher: Any, person: Callable[..., Any], store: BucketStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleo = person("cleo")
    cleo.path("nbgrader_config.py").unlink()
    cleo.path("quizzes").mkdir()
    settings = (root / "src" / "teachkit" / "ops" / "student" / "nbgrader_config").read_text("utf-8")
    cleo.path("quizzes", "nbgrader_config.py").write_text(settings.replace("COURSE", "teachkit"))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(cleo.path("quizzes")))
    with cleo.at_work():
        shown = assignment_list(cleo)
        assert shown.fetch_assignment("teachkit", "ps1") == {"success": True}
        assert shown.list_assignments("teachkit")["value"][0]["path"] == "quizzes/ps1"
        assert shown.submit_assignment("teachkit", "ps1") == {"success": True}
        (one,) = attempts.hand_ins(store, "teachkit", "cleo")
        store.create(names.feedback_page(names.FeedbackPage(one.attempt, "problem")), b"well done")
        assert shown.fetch_feedback("teachkit", "ps1") == {"success": True}
        row = shown.list_submitted_assignments("teachkit")["value"][0]["submissions"][0]
        assert row["local_feedback_path"] == f"quizzes/ps1/feedback/{row['timestamp']}"


def test_a_failure_reaches_the_list_as_an_answer_and_not_as_a_crash(
    teacher: Any, person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = person("jupyter")
    with eve.at_work():
        answer = assignment_list(eve).list_submitted_assignments("teachkit")
    assert answer["success"] is False


def test_formgrader_sees_releases_collects_and_takes_back(
    teacher: Any, person: Callable[..., Any], store: BucketStore
) -> None:
    bob = person("bob")
    assert bob.nbgrader("fetch_assignment", "ps2").code == 0
    assert bob.nbgrader("submit", "ps2").code == 0
    with teacher.at_work():
        config = PyFileConfigLoader("nbgrader_config.py", path=str(teacher.home)).load_config()
        api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
        assert api.get_released_assignments() == {"ps1", "ps2"}
        done = api.collect("ps2")
        assert done["success"], done
        assert api.get_submitted_students("ps2") == {"bob"}
        assert api.unrelease("ps2")["success"]
        assert api.get_released_assignments() == {"ps1"}
    assert store.stat(names.release("teachkit", "ps2")) is None
    assert len(attempts.hand_ins(store, "teachkit", "bob")) == 1


def test_graders_meet_a_class_in_an_order_that_tells_no_names(person: Callable[..., Any]) -> None:
    teacher, students = person(), [f"student{number:02}" for number in range(40)]
    orders = []
    with teacher.at_work():
        config = PyFileConfigLoader("nbgrader_config.py", path=str(teacher.home)).load_config()
        api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
        for assignment in ("ps1", "ps2"):
            with api.gradebook as gradebook:
                gradebook.add_assignment(assignment)
                gradebook.add_notebook("problem", assignment)
                for student in students:
                    gradebook.update_or_create_student(student)
                    gradebook.update_or_create_submission(assignment, student)
                    graded = teacher.path("autograded", student, assignment, "problem.ipynb")
                    graded.parent.mkdir(parents=True)
                    graded.write_text("{}")
            places = api.get_notebook_submission_indices(assignment, "problem")
            with api.gradebook as gradebook:
                shown = sorted(places, key=lambda submission: places[submission])
                orders.append([gradebook.find_submission_notebook_by_id(one).student.id for one in shown])
    assert sorted(orders[0]) == sorted(orders[1]) == students
    assert students not in orders
    assert orders[0] != orders[1]
