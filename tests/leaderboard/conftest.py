"""A site with a small challenge, and people who hand in."""

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teachkit.leaderboard.settings.test")

import django

django.setup()

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from teachkit.big import Member, Suite, write_predictions
from teachkit.leaderboard.board.table import forget_orders
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.challenges.opening import keep_labels
from teachkit.leaderboard.people.models import Membership, Team, User
from teachkit.leaderboard.submissions import scoring
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.worker import Worker

if expected := os.environ.get("EXPECTED_VENDOR"):  # so that no run passes on another database than it says
    assert connection.vendor == expected
PASSWORD = "a long horse in winter"
SUITE = Suite(
    "toy",
    "1",
    (
        Member("breast", "Breast", "binary", ("malignant", "benign"), 40),
        Member("grades", "Grades", "ordinal", ("0", "1", "2"), 60),
        Member("finds", "Finds", "multi-label", ("a", "b", "c"), 50),
    ),
    (28, 64),
)


def made_labels(seed: int = 0) -> dict[str, np.ndarray]:
    """True labels of the toy suite; every class occurs."""
    rng = np.random.default_rng(seed)
    return {
        "breast": rng.permutation(np.arange(40) % 2),
        "grades": rng.permutation(np.arange(60) % 3),
        "finds": np.stack([rng.permutation(np.arange(50) % 2) for _ in range(3)], axis=1),
    }


def made_predictions(
    skill: float = 1.0, seed: int = 1, leave_out: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Probabilities for `made_labels()`; more `skill` makes better ones."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, labels in made_labels().items():
        if SUITE[name].single_label:
            logits = rng.normal(size=(len(labels), len(SUITE[name].classes)))
            logits[np.arange(len(labels)), labels] += skill
            found[name] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        else:
            found[name] = 1 / (1 + np.exp(-rng.normal(size=labels.shape) - skill * (2 * labels - 1)))
    return {name: table for name, table in found.items() if name not in leave_out}


@pytest.fixture
def made() -> SimpleNamespace:
    """`made.labels()` and `made.predictions(skill=2)` of the toy suite."""
    return SimpleNamespace(labels=made_labels, predictions=made_predictions)


@pytest.fixture(autouse=True)
def _no_order_of_another_test() -> None:
    """Numbers of rows begin anew in each test, so what is remembered by them must go."""
    forget_orders()


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Path:
    """An empty folder for the files of the site."""
    settings.SITE_FOLDER = tmp_path / "site"
    settings.SITE_FOLDER.mkdir()
    return settings.SITE_FOLDER


@pytest.fixture
def environment(site: Path) -> dict[str, str]:
    """For another process of the site, with the database and the files of this test."""
    at = connection.settings_dict
    kind = {"postgresql": "postgres", "mysql": "mysql"}.get(connection.vendor)
    address = (
        f"{kind}://{at['USER']}@{at['HOST']}:{at['PORT']}/{at['NAME']}" if kind else f"sqlite:///{at['NAME']}"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TEACHKIT_")}
    return kept | {
        "DATABASE_URL": address,
        "TEACHKIT_SITE": str(site),
        "DJANGO_SETTINGS_MODULE": "teachkit.leaderboard.settings.test",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def held_back() -> Callable[[type[Model]], AbstractContextManager[None]]:
    """`with held_back(Team):` no other transaction gets past a question that locks this table, or SQLite."""

    @contextmanager
    def hold(table: type[Model]) -> Iterator[None]:
        other = connection.copy()
        # Begun by Django as the settings say: on SQLite with its lock.
        other.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        try:
            if connection.vendor != "sqlite":
                with other.cursor() as cursor:
                    cursor.execute(f"SELECT id FROM {table._meta.db_table} FOR UPDATE")
            yield
        finally:
            other.rollback()
            other.close()

    return hold


@pytest.fixture
def restart_database() -> Callable[[], None]:
    """Kill the database server, start it again, and return when it answers; `test_databases.py` does it."""
    wish = os.environ.get("DATABASE_RESTART")
    if not wish:
        pytest.skip("no database server of these tests: SQLite has none")

    def restart() -> None:
        Path(wish).touch()
        end = time.monotonic() + 120
        while Path(wish).exists():
            assert time.monotonic() < end, "the database server does not come back"
            time.sleep(0.05)
        connection.close()
        while True:  # it listens before it has recovered
            try:
                connection.ensure_connection()
                return
            except OperationalError:
                assert time.monotonic() < end, "the database does not recover"
                time.sleep(0.05)

    return restart


@pytest.fixture
def challenge(db: None, site: Path) -> Challenge:
    """An open challenge with three small sets and two image sizes."""
    made = Challenge.objects.create(
        slug="toy", title="Toy challenge", suite_text=Challenge.text_of(SUITE), draws=20
    )
    keep_labels(made, made_labels())
    return made


@pytest.fixture
def member_of(db: None) -> Callable[..., User]:
    """`member_of("Owls")` is a confirmed person in that team, made when it is not there."""

    def make(team: str, email: str = "") -> User:
        user = User.objects.create_user(
            email or f"{team.lower()}@example.org", PASSWORD, confirmed=timezone.now()
        )
        found, fresh = Team.objects.get_or_create(name=team)
        Membership.objects.create(user=user, team=found, owner=fresh)
        return user

    return make


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who runs the site."""
    return User.objects.create_superuser("admin@example.org", PASSWORD)


@pytest.fixture
def as_user() -> Callable[[User | None], Client]:
    """A browser that is logged in, or not, and that must prove its forms like any other."""

    def open_for(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return open_for


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., Path]:
    """`file_of(skill=2)` writes a prediction file for the toy suite."""

    def write(name: str = "predictions.csv", **named: Any) -> Path:
        return write_predictions(
            tmp_path / name, made_predictions(**named), suite=SUITE.save(tmp_path / "s.json")
        )

    return write


@pytest.fixture
def hand_in(as_user: Callable[[User | None], Client]) -> Callable[..., Any]:
    """`hand_in(user, challenge, path_or_bytes)` sends the form and gives the answer."""

    def send(user: User | None, challenge: Challenge, file: Path | bytes, **more: Any) -> Any:
        content = file if isinstance(file, bytes) else file.read_bytes()
        stream = io.BytesIO(content)
        stream.name = "predictions.csv" if isinstance(file, bytes) else file.name
        told = {"file": stream, "model_name": "small net", "size": 28, **more}
        return as_user(user).post(f"/challenges/{challenge.slug}/submit/", told)

    return send


@pytest.fixture
def waiting(challenge, member_of, hand_in, file_of):
    """One entry that waits."""
    hand_in(member_of("Owls"), challenge, file_of())
    return Submission.objects.get()


@pytest.fixture
def score_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let a worker score all that waits, in this process; how many there were."""

    def scored(submission: Submission, beat: Callable[[], bool]) -> dict[str, Any]:
        import tempfile

        with tempfile.TemporaryDirectory() as name:
            upload = Path(name) / submission.file_name
            upload.symlink_to(submission.path)
            manifest = submission.challenge.suite.save(Path(name) / "suite.json")
            order = scoring.Order(
                str(upload),
                str(manifest),
                str(submission.challenge.labels_path),
                submission.size,
                submission.challenge.draws,
                name,
            )
            found = scoring.carry_out(order)
            if (table := Path(name) / "predictions.parquet").exists():
                submission.table_path.parent.mkdir(exist_ok=True)
                shutil.copyfile(table, submission.table_path)
            return found

    def run() -> int:
        monkeypatch.setattr("teachkit.leaderboard.submissions.worker.score_confined", scored)
        worker, count = Worker(), 0
        while worker.once():
            count += 1
        return count

    return run
