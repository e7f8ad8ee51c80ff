"""The students' copy of the course: what their machines receive, and nothing else.

It is a git repository of its own. Its history begins with the first publication, so no commit of the
instructors' repository, where solutions stand, is ever in it. Before a publication counts as done, every
version of every file in it is searched for lines of solutions, hidden tests and mark schemes.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from teachkit.course.declaration import read_course
from teachkit.course.grading import run_nbgrader
from teachkit.course.links import link_problems
from teachkit.course.secrets import Leak, Secret, leaks, readable, secret_lines
from teachkit.errors import LeakError, LessonError, SettingsError, UnknownNameError, nearest
from teachkit.extras import need
from teachkit.ops.git import git, git_bytes

MARK = ".teachkit-student"  # a folder that holds this file is ours to overwrite
COPIED = (
    "requirements.lock",
    "environment.yml",
    "LICENSE",
    "LICENSE-TEXT.md",
    "CITATION.cff",
    "docs/students.md",
    "docs/glossary.md",
    "docs/names.md",
    "docs/points.md",
    "docs/results.md",
    "docs/corrections.md",
)
WRITTEN = {
    "README.md": "README.md",
    "Makefile": "Makefile",
    "gitignore": ".gitignore",
    "nbgrader_config": "quizzes/nbgrader_config.py",
}
# Lessons and the package teach lines that solutions use.
TAUGHT = ("notebooks/", "wheel/")
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Published:
    """A publication: its folder, its commit ("" when nothing has changed), its assignments."""

    folder: Path
    commit: str
    assignments: tuple[str, ...]


def publish(root: Path, target: Path, assignments: Iterable[str] = (), message: str = "") -> Published:
    """Write the students' copy of the course at `root` into `target` and commit it there.

    Args:
        root: the instructors' course.
        target: an empty or new folder, or the copy of an earlier publication, which gets one more commit.
        assignments: names of the quizzes to release, such as "01_classification"; all when empty.
        message: what changed, for the students.

    Raises:
        LeakError: a file, or an older version of one, shows a line that students must not see. Nothing is
            committed when it is in a file of now.
        SettingsError: `target` holds something else.
        LessonError: nbgrader cannot make a release, or a link would lead nowhere.
        UnknownNameError: there is no such assignment.
    """
    root, target = root.resolve(), target.resolve()
    source = root / "quizzes" / "source"
    known = sorted(path.name for path in source.iterdir() if path.is_dir())
    chosen = sorted(set(assignments)) or known
    for name in chosen:
        if name not in known:
            raise UnknownNameError(f"No assignment '{name}'.", nearest(name, known, "assignments"))
    _check_target(target)
    secrets = secret_lines(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publish-", dir=target.parent) as scratch:
        made = Path(scratch) / "course"
        assemble(root, made, chosen)
        texts = _texts(made)
        _refuse(leaks(secrets, texts, TAUGHT), "Nothing was published; take the lines out.")
        if problems := link_problems(read_course(made)):
            raise LessonError(
                f"{len(problems)} links of the students' copy lead nowhere: {problems[0]}",
                "Mend the link, or name its file in teachkit/ops/bundle.py.",
                problems=problems,
            )
        _replace(made, target)
    commit = _commit(target, message or f"Course with {', '.join(chosen)}")
    check_history(target, secrets, texts)
    return Published(target, commit, tuple(chosen))


def assemble(root: Path, folder: Path, assignments: Sequence[str]) -> None:
    """Lay out in `folder` what students get of the course at `root`, with releases of `assignments`."""
    course = read_course(root)
    for name in COPIED:
        _copy(root / name, folder / name)
    _copy(root / "notebooks" / "course.toml", folder / "notebooks" / "course.toml")
    for lesson in course.lessons:
        _copy(root / "notebooks" / lesson.file, folder / "notebooks" / lesson.file)
    for path in sorted((root / "quizzes" / "self_checks").glob("*.json")):
        _copy(path, folder / "quizzes" / "self_checks" / path.name)
    templates = files("teachkit.ops") / "student"
    course_id = _course_id(root / "quizzes" / "nbgrader_config.py")
    for name, place in WRITTEN.items():
        text = (templates / name).read_text(encoding="utf-8").replace('"COURSE"', f'"{course_id}"')
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, encoding="utf-8")
    (folder / MARK).write_text("Written by: teachkit course publish\n", encoding="utf-8")
    build_wheel(root, folder / "wheel")
    release(root / "quizzes", folder / "quizzes", assignments)


def build_wheel(root: Path, folder: Path) -> Path:
    """The package as a wheel in `folder`: the same bytes for the same sources."""
    builder = need("hatchling.builders.wheel", "grading").WheelBuilder(str(root))
    return Path(next(builder.build(directory=str(folder), versions=["standard"])))


def release(quizzes: Path, folder: Path, assignments: Sequence[str]) -> None:
    """Put nbgrader's releases of `assignments` into `folder`: no solutions, no hidden tests."""
    with tempfile.TemporaryDirectory(prefix="teachkit-release-") as scratch:
        course = Path(scratch)
        shutil.copyfile(quizzes / "nbgrader_config.py", course / "nbgrader_config.py")
        for name in assignments:
            shutil.copytree(quizzes / "source" / name, course / "source" / name, ignore=_NOT_RELEASED)
        run_nbgrader(course, assignments, ["generate"])
        for name in assignments:
            shutil.copytree(course / "release" / name, folder / name, dirs_exist_ok=True)


def check_history(repository: Path, secrets: Iterable[Secret], searched: Mapping[str, str] = EMPTY) -> None:
    """Search every version of every file in `repository`, each different text once.

    Args:
        repository: a students' copy.
        secrets: what must not be in it.
        searched: texts by name that were searched already.

    Raises:
        LeakError: an older version shows a secret; it stays in reach of whoever has the repository.
    """
    done = {(name.startswith(TAUGHT), text) for name, text in searched.items()}
    left: dict[str, str] = {}
    for name, text in _versions(repository):
        if (name.startswith(TAUGHT), text) not in done:
            done.add((name.startswith(TAUGHT), text))
            left[name] = text
    _refuse(
        leaks(secrets, left, TAUGHT),
        f"An older version holds it, so do not share {repository}; publish into a new folder.",
    )


_NOT_RELEASED = shutil.ignore_patterns("results.json", ".ipynb_checkpoints", "__pycache__", "*.pyc")


def _refuse(found: Sequence[Leak], remedy: str) -> None:
    if found:
        raise LeakError(f"{len(found)} lines would reach students. {found[0]}.", remedy, leaks=found)


def _check_target(target: Path) -> None:
    if target.exists() and any(target.iterdir()) and not (target / MARK).is_file():
        raise SettingsError(
            f"{target} is neither empty nor an earlier publication.", "Name a new folder.", path=str(target)
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _course_id(config: Path) -> str:
    found = re.search(r'course_id\s*=\s*"([^"]+)"', config.read_text(encoding="utf-8"))
    if not found:
        raise SettingsError(f"{config} names no course.", 'Add: c.CourseDirectory.course_id = "NAME"')
    return found[1]


def _replace(made: Path, target: Path) -> None:
    """Let `target` hold what `made` holds; its history stays."""
    target.mkdir(exist_ok=True)
    for path in target.iterdir():
        if path.name == ".git":
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in made.iterdir():
        shutil.move(path, target / path.name)


def _commit(target: Path, message: str) -> str:
    if not (target / ".git").exists():
        git(target, "init", "--quiet", "--initial-branch=main", "--template=")
    git(target, "add", "--all", "--force", ".")
    if not git(target, "status", "--porcelain"):
        return ""
    git(target, "-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "--message", message)
    return git(target, "rev-parse", "HEAD").strip()


def _texts(folder: Path) -> dict[str, str]:
    return {
        name: text
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name, text in readable(path.relative_to(folder).as_posix(), path.read_bytes())
    }


def _versions(repository: Path) -> Iterator[tuple[str, str]]:
    """(name with the start of its hash, text) of all that any commit holds, and of the commits' messages."""
    for line in git(repository, "rev-list", "--objects", "--all").splitlines():
        digest, _, name = line.partition(" ")
        if not name:  # a commit
            yield f"commit {digest[:8]}", git(repository, "cat-file", "-p", digest)
        elif git(repository, "cat-file", "-t", digest).strip() == "blob":
            for part, text in readable(name, git_bytes(repository, "cat-file", "blob", digest)):
                yield f"{part} ({digest[:8]})", text
