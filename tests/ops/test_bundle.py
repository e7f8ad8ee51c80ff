"""The students' copy: what is in it, what never is, and what its history remembers."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from teachkit.course.declaration import read_course
from teachkit.course.links import link_problems
from teachkit.course.secrets import leaks, readable, secret_lines
from teachkit.errors import LeakError, LessonError, SettingsError, UnknownNameError
from teachkit.ops import bundle
from teachkit.ops.bundle import check_history, publish
from teachkit.ops.git import git

START = "00_start_here"
TOLD = 'marks.close("mean_if_train", 1.622)'


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as it is, published with every quiz."""
    target = tmp_path_factory.mktemp("published") / "course"
    publish(root, target)
    return target


@pytest.fixture
def small(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two lessons of the course, to spoil; the wheel and the releases are made quickly and hold little."""

    def build_wheel(_root: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "teachkit-0-py3-none-any.whl", "w") as archive:
            archive.writestr(zipfile.ZipInfo("teachkit/__init__.py"), "")

    def release(quizzes: Path, folder: Path, assignments: list[str]) -> None:
        for name in assignments:
            (folder / name).mkdir()
            nbformat.write(nbformat.v4.new_notebook(), folder / name / "quiz.ipynb")

    monkeypatch.setattr(bundle, "build_wheel", build_wheel)
    monkeypatch.setattr(bundle, "release", release)
    copy = tmp_path / "instructor"
    for name in bundle.COPIED:
        text = (root / name).read_text()
        if name.startswith("docs/"):  # long pages take long to check
            text = "\n\n".join(line for line in text.splitlines() if line.startswith("#"))
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    head, *lessons = (root / "notebooks" / "course.toml").read_text().split("[[lesson]]\n")
    (copy / "notebooks").mkdir()
    (copy / "notebooks" / "course.toml").write_text("[[lesson]]\n".join([head, *lessons[:2]]))
    for name in (START, "01_classification"):
        shutil.copyfile(root / "notebooks" / f"{name}.ipynb", copy / "notebooks" / f"{name}.ipynb")
        shutil.copytree(root / "quizzes" / "source" / name, copy / "quizzes" / "source" / name)
    shutil.copytree(root / "quizzes" / "self_checks", copy / "quizzes" / "self_checks")
    shutil.copyfile(root / "quizzes" / "nbgrader_config.py", copy / "quizzes" / "nbgrader_config.py")
    return copy


def tracked(target: Path) -> set[str]:
    return set(git(target, "ls-files").splitlines())


@pytest.mark.slow
def test_students_get_lessons_package_self_checks_and_released_quizzes(whole: Path, root: Path) -> None:
    there = tracked(whole)
    course = read_course(root)
    assert {f"notebooks/{lesson.file}" for lesson in course.lessons} < there
    assert {f"quizzes/self_checks/{path.name}" for path in root.glob("quizzes/self_checks/*.json")} < there
    quizzes = {
        path.relative_to(root / "quizzes" / "source") for path in root.glob("quizzes/source/*/*.ipynb")
    }
    assert {f"quizzes/{path.as_posix()}" for path in quizzes} < there
    assert {"README.md", "Makefile", "requirements.lock", "docs/students.md"} < there


@pytest.mark.slow
def test_nothing_of_the_instructors_is_there(whole: Path) -> None:
    there = tracked(whole)
    assert not {
        name for name in there if name.startswith(("quizzes/source", "quizzes/keys", "studies", "tests"))
    }
    assert "docs/instructors.md" not in there
    assert len(git(whole, "log", "--format=%H").splitlines()) == 1


@pytest.mark.slow
def test_no_solution_and_no_hidden_test_is_in_it_at_any_time(whole: Path, root: Path) -> None:
    # Not our own search: git's, over all versions, for the marks and for the longest secret lines.
    everything = git(whole, "log", "--all", "--patch", "--", "quizzes", "notebooks", "docs")
    for mark in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME"):
        assert mark not in everything
    source = root / "quizzes" / "source"
    longest = sorted(secret_lines(source), key=lambda secret: -len(secret.line))[:300]
    hidden = [json.dumps(secret.line.strip())[1:-1] for secret in longest]
    assert any(
        line in everything + "".join(p.read_text() for p in source.glob("*/*.ipynb")) for line in hidden
    )
    assert [line for line in hidden if line in everything] == []


@pytest.mark.slow
def test_released_quizzes_still_ask(whole: Path) -> None:
    cells = nbformat.read(whole / "quizzes" / "01_classification" / "quiz.ipynb", as_version=4).cells
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in cells}
    assert answers["q1-answer"].splitlines()[-1] == "# your code here"
    assert 'marks.wants_number("mean_if_train"' in answers["q1-test"]
    assert "hidden" not in answers["q1-test"].lower()


@pytest.mark.slow
def test_the_wheel_holds_the_package_with_its_registry(whole: Path) -> None:
    (wheel,) = (whole / "wheel").glob("teachkit-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"teachkit/__init__.py", "teachkit/data/registry.toml"} < names
    assert not {name for name in names if "quizzes/" in name or name.endswith(".ipynb")}


@pytest.mark.slow
def test_every_link_of_the_copy_leads_somewhere(whole: Path) -> None:
    assert link_problems(read_course(whole)) == []


def test_a_second_publication_adds_one_commit_and_an_unchanged_one_adds_none(
    small: Path, tmp_path: Path
) -> None:
    target = tmp_path / "students"
    first = publish(small, target, [START])
    assert publish(small, target, [START]).commit == ""
    second = publish(small, target, [START, "01_classification"], "Quiz of lesson 01")
    assert git(target, "log", "--format=%H %s").splitlines() == [
        f"{second.commit} Quiz of lesson 01",
        f"{first.commit} Course with {START}",
    ]
    assert "quizzes/01_classification/quiz.ipynb" in tracked(target)


def test_a_solution_pasted_into_a_self_check_stops_the_publication(small: Path, tmp_path: Path) -> None:
    path = small / "quizzes" / "self_checks" / "01_classification.json"
    questions = json.loads(path.read_text())
    questions[0]["question"] += f" {TOLD}"
    path.write_text(json.dumps(questions))
    with pytest.raises(LeakError, match=r"01_classification/quiz\.ipynb, q1-test") as caught:
        publish(small, tmp_path / "students", [START])
    assert [leak.where for leak in caught.value.leaks] == ["quizzes/self_checks/01_classification.json"]
    assert not (tmp_path / "students").exists()


def test_solutions_pasted_into_a_lesson_stop_the_publication(small: Path, tmp_path: Path) -> None:
    path = small / "notebooks" / "01_classification.ipynb"
    notebook = nbformat.read(path, as_version=4)
    pasted = "moved = [name for name in before if before[name] != after[name]]\nmoved_although_frozen = "
    pasted += '[name for name in moved if not name.startswith("head.")]'
    notebook.cells.append(nbformat.v4.new_markdown_cell(pasted))
    nbformat.write(notebook, path)
    with pytest.raises(LeakError, match="notebooks/01_classification"):
        publish(small, tmp_path / "students", [START])


def test_a_leak_in_an_older_version_is_found(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "students"
    publish(small, target, [START])
    (target / "note.md").write_text(TOLD)
    git(target, "add", "note.md")
    git(target, "commit", "--quiet", "--message", "by mistake")
    with pytest.raises(LeakError, match=r"note\.md .* An older version holds it"):
        publish(small, target, [START])
    assert "note.md" not in tracked(target)


def test_a_leak_in_a_commit_message_is_found(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "students"
    secrets = secret_lines(small / "quizzes" / "source")
    with pytest.raises(LeakError, match="commit"):
        publish(small, target, [START], f"solved: {TOLD}")
    with pytest.raises(LeakError):
        check_history(target, secrets)


def test_a_folder_with_other_work_is_left_alone(small: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("precious")
    with pytest.raises(SettingsError, match="neither empty nor an earlier publication"):
        publish(small, tmp_path / "thesis", [START])
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_an_unknown_quiz_is_named_with_the_nearest_one(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean '01_classification'"):
        publish(small, tmp_path / "students", ["01_classificaton"])


def test_a_link_to_a_file_that_students_do_not_get_is_refused(small: Path, tmp_path: Path) -> None:
    with (small / "docs" / "students.md").open("a") as file:
        file.write("\n[more](instructors.md)\n")
    with pytest.raises(LessonError, match=r"instructors\.md"):
        publish(small, tmp_path / "students", [START])


def test_the_copy_can_be_cloned_and_is_a_course(small: Path, tmp_path: Path) -> None:
    publish(small, tmp_path / "students", [START])
    subprocess.run(["git", "clone", "--quiet", tmp_path / "students", tmp_path / "mine"], check=True)
    assert read_course(tmp_path / "mine").lessons[0].id == "00"
    config = (tmp_path / "mine" / "quizzes" / "nbgrader_config.py").read_text()
    assert 'course_id = "teachkit"' in config
    assert "HideTests" not in config


def test_package_and_lessons_show_no_secret_now(root: Path) -> None:
    # What stops a publication is found here first, without building anything.
    files = [*(root / "src").rglob("*.py"), *(root / "notebooks").glob("*.ipynb")]
    texts = {
        f"{bundle.TAUGHT[0]}{name}": text
        for path in files
        for name, text in readable(path.relative_to(root).as_posix(), path.read_bytes())
    }
    assert len(texts) > 100
    assert leaks(secret_lines(root / "quizzes" / "source"), texts, bundle.TAUGHT) == []


@pytest.mark.slow
def test_a_lesson_runs_in_a_clone_with_the_wheel_alone(whole: Path, tmp_path: Path) -> None:
    clone, package = tmp_path / "clone", tmp_path / "package"
    subprocess.run(["git", "clone", "--quiet", whole, clone], check=True)
    with zipfile.ZipFile(next((clone / "wheel").glob("*.whl"))) as archive:
        archive.extractall(package)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEACHKIT_")}
    environment |= {"TEACHKIT_OFFLINE": "1", "PYTHONPATH": str(package), "TEACHKIT_HEADLESS": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "teachkit.cli",
            "run",
            "00",
            "--size",
            "smoke",
            "--out",
            str(tmp_path / "out"),
        ],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "lessons" / "00" / "results.json").is_file()
    assert git(clone, "status", "--porcelain") == ""
