"""A class on one machine: a real storage server, nbgrader's own command line, a folder for each person."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp

from teachkit.cloud import BucketStore
from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import HandIn, hand_ins

QUIZZES = Path(__file__).resolve().parents[3] / "quizzes"


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code and its log."""

    code: int
    log: str


@dataclass
class Person:
    """Somebody with a folder and an account of their own; `student` is "" for the instructor."""

    home: Path
    student: str = ""
    server: str = ""  # another address of the storage server, through which this person goes

    def nbgrader(self, *arguments: str) -> Done:
        """Run nbgrader's command line in this person's folder."""
        with self.at_work():
            return _nbgrader(arguments)

    def process(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `python -m ...` in this person's folder, as a process of its own."""
        with self.at_work():
            return subprocess.Popen([sys.executable, "-m", *command], **options)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """In this person's folder, with this person's settings."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.home)
            for folder in ("DATA", "CONFIG", "RUNTIME"):
                patch.setenv(f"JUPYTER_{folder}_DIR", str(self.home / ".jupyter"))
            if self.server:
                patch.setenv("STORAGE_EMULATOR_HOST", self.server)
            patch.delenv("TEACHKIT_STUDENT", raising=False)
            if self.student:
                patch.setenv("TEACHKIT_STUDENT", self.student)
            patch.setenv("TEACHKIT_UNBOXED", "1")  # the code is ours; it runs in a box where one can be built
            # nbgrader calls alembic by its name.
            patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
            yield

    def path(self, *parts: str) -> Path:
        """A path in this person's folder."""
        return self.home.joinpath(*parts)


def _nbgrader(arguments: tuple[str, ...]) -> Done:
    """nbgrader's entry point in this process: its own command line without the start of a new Python."""
    NbGraderApp.clear_instance()
    app, log, code = NbGraderApp.instance(), io.StringIO(), 0
    handler = logging.StreamHandler(log)
    environment = dict(os.environ)
    try:
        app.initialize(list(arguments))
        (app.subapp or app).log.addHandler(handler)
        app.start()
    except NoStart:  # how Jupyter's commands say that a subcommand did the work
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        app.reset()
        NbGraderApp.clear_instance()
        os.environ.clear()
        os.environ.update(environment)
    return Done(code, log.getvalue())


@pytest.fixture(scope="module")
def bucket(storage_server: str) -> Iterator[str]:
    """The address gs://NAME/term of an exchange in a bucket of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", storage_server)
        client = storage.Client(project="test", credentials=AnonymousCredentials())
        made = client.create_bucket(f"exchange-{os.urandom(4).hex()}")
        patch.setenv("TEACHKIT_EXCHANGE", f"gs://{made.name}/term")
        yield f"gs://{made.name}/term"
        made.delete(force=True)


@pytest.fixture(scope="module")
def store(bucket: str) -> BucketStore:
    """The objects of the exchange, seen by its owner."""
    return BucketStore(bucket)


@pytest.fixture(scope="module")
def person(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Person]:
    """`person("ada")` is a student, `person()` the instructor with two small assignments."""

    def make(student: str = "", server: str = "") -> Person:
        home = tmp_path_factory.mktemp(student or "instructor")
        config = (QUIZZES / "nbgrader_config.py").read_text(encoding="utf-8")
        (home / "nbgrader_config.py").write_text(config, encoding="utf-8")
        if not student:
            for assignment in ("ps1", "ps2"):
                path = home / "source" / assignment / "problem.ipynb"
                path.parent.mkdir(parents=True)
                nbformat.write(problem(), path)
                (path.parent / "table.csv").write_text("a,b\n1,2\n")
        return Person(home, student, server)

    return make


@pytest.fixture(scope="module")
def teacher(person: Callable[..., Person]) -> Person:
    """An instructor who has released ps1, without solutions to strip."""
    made = person()
    made.path("release").mkdir()
    made.path("source", "ps1").rename(made.path("release", "ps1"))
    assert made.nbgrader("release_assignment", "ps1").code == 0
    return made


@pytest.fixture
def ready(teacher: Person, person: Callable[..., Person], store: BucketStore) -> Callable[..., Person]:
    """`ready("ada")`: a student who has fetched ps1; no earlier hand-in of hers is there."""

    def make(student: str, server: str = "") -> Person:
        for one in store.list(names.inbound("teachkit", student)):
            store.delete(one.name)
        made = person(student, server)
        assert made.nbgrader("fetch_assignment", "ps1").code == 0
        return made

    return make


@pytest.fixture
def handed_in(store: BucketStore) -> Callable[[str], list[HandIn]]:
    """`handed_in("ada")`: what this student has handed in for ps1, oldest first."""
    return lambda student: hand_ins(store, "teachkit", student, "ps1")


def problem() -> Any:
    """A quiz of one question: `answer` must be 42, for two points."""
    common = {"schema_version": 3, "task": False}
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION",
                metadata={
                    "nbgrader": {
                        **common,
                        "grade_id": "q1",
                        "grade": False,
                        "solution": True,
                        "locked": False,
                    }
                },
            ),
            nbformat.v4.new_code_cell(
                "### BEGIN HIDDEN TESTS\nassert answer == 42\n### END HIDDEN TESTS",
                metadata={
                    "nbgrader": {
                        **common,
                        "grade_id": "t1",
                        "grade": True,
                        "points": 2,
                        "solution": False,
                        "locked": True,
                    }
                },
            ),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook
