"""A backup is the whole site in one file; restored on any database, it gives the identical board."""

import json
import subprocess
import sys
import tarfile
import time
from urllib.request import urlopen

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from teachkit.errors import ChecksumError, FormatError, SettingsError
from teachkit.leaderboard import backup
from teachkit.leaderboard.backup import back_up, restore
from teachkit.leaderboard.board.table import forget_orders
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Invitation, Team, Token, User
from teachkit.leaderboard.submissions.models import Note, Submission

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full(challenge, member_of, hand_in, file_of, score_here, staff, as_user):
    """Three teams; one entry is hidden, one has a fault, one waits."""
    people = [member_of(name) for name in ("Owls", "Foxes", "Bears")]
    for index, person in enumerate(people):
        hand_in(person, challenge, file_of(f"{index}.csv", skill=index + 0.5, seed=index))
        hand_in(person, challenge, file_of(f"{index} again.csv", skill=index + 1, seed=index + 9), size=64)
    hand_in(people[0], challenge, b"dataset,id,p0\nnone,0,1\n")
    score_here()
    hand_in(people[1], challenge, file_of("waits.csv", seed=77))
    first = Submission.objects.earliest("pk")
    as_user(staff).post(f"/submissions/{first.pk}/hide/", {"why": "withdrawn"})
    Token.issue(people[0], "laptop")
    Invitation.issue(people[0].team, people[0])
    return challenge


def board(client):
    """All that the board tells, for each size, and the page of each entry."""
    forget_orders()
    rows = [
        client.get(f"/challenges/toy/board/?format=json&show=all&size={size}&metric={metric}").json()
        for size in (28, 64)
        for metric in ("auc", "kappa")
    ]
    pages = [
        client.get(one.get_absolute_url()).content
        for one in Submission.objects.filter(state="scored").order_by("pk")
    ]
    return rows, pages


def emptied(settings, tmp_path):
    """The same database without a row, and a new folder."""
    call_command("flush", interactive=False, verbosity=0)
    settings.SITE_FOLDER = tmp_path / "new"
    assert not User.objects.exists()


def test_a_restored_site_gives_the_identical_board_and_goes_on(
    full, client, tmp_path, settings, score_here, member_of
):
    before = board(client)
    assert len(before[0][0]["rows"]) == 2
    assert len(before[1]) == 6
    people = list(User.objects.order_by("pk").values_list("email", "password", "is_staff"))
    manifest = back_up(tmp_path / "site.tar")
    assert manifest["missing"] == []
    assert (tmp_path / "site.tar").stat().st_mode & 0o777 == 0o600
    emptied(settings, tmp_path)
    assert restore(tmp_path / "site.tar") == manifest
    assert board(client) == before
    assert list(User.objects.order_by("pk").values_list("email", "password", "is_staff")) == people
    assert Note.objects.get().why == "withdrawn"
    assert all(one.path.is_file() for one in Submission.objects.all())
    assert Challenge.objects.get().labels_path.stat().st_mode & 0o777 == 0o400
    assert score_here() == 1  # the one that waited
    assert Submission.objects.filter(state="scored").count() == 7
    assert member_of("New ones").pk > max(
        User.objects.values_list("pk", flat=True).exclude(email="new ones@example.org")
    )


def test_a_backup_is_of_one_moment_and_makes_nobody_wait(full, tmp_path, settings, monkeypatch, client):
    """While the rows are written out another process adds a team, which the files no longer know."""
    before = board(client)
    real = backup._files

    def files():
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                told = ["Late", "late", timezone.now()]
                columns = ", ".join(map(connection.ops.quote_name, ("name", "key", "created")))
                cursor.execute(f"INSERT INTO people_team ({columns}) VALUES (%s, %s, %s)", told)
        finally:
            other.close()
        assert not Team.objects.filter(name="Late").exists()
        return real()

    monkeypatch.setattr(backup, "_files", files)
    back_up(tmp_path / "site.tar")
    assert Team.objects.filter(name="Late").exists()
    emptied(settings, tmp_path)
    restore(tmp_path / "site.tar")
    assert not Team.objects.filter(name="Late").exists()
    assert board(client) == before


def test_nothing_is_restored_over_a_site_that_is_in_use(full, tmp_path):
    back_up(tmp_path / "site.tar")
    with pytest.raises(SettingsError, match="not empty"):
        restore(tmp_path / "site.tar")


def test_a_damaged_backup_restores_nothing(full, tmp_path, settings):
    path = tmp_path / "site.tar"
    back_up(path)
    content = path.read_bytes()
    with tarfile.open(path) as archive:
        place = archive.getmember("database.json").offset_data
    emptied(settings, tmp_path)
    path.write_bytes(content[: place + 40] + b"x" + content[place + 41 :])
    with pytest.raises(ChecksumError, match=r"database\.json"):
        restore(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError):
        restore(path)
    path.write_text("no tar at all")
    with pytest.raises(FormatError, match="cannot be read"):
        restore(path)
    assert not User.objects.exists()
    assert not settings.SITE_FOLDER.exists()


@pytest.mark.parametrize("name", ["../outside", "uploads/../../outside", "/etc/outside", "elsewhere/x"])
def test_a_backup_cannot_write_outside_its_folders(full, tmp_path, settings, name):
    path = tmp_path / "site.tar"
    manifest = back_up(path)
    odd = tmp_path / "odd.tar"
    (tmp_path / "database.json").write_text("[]")
    (tmp_path / "manifest.json").write_text(
        json.dumps({**manifest, "files": {"database.json": "", name: ""}})
    )
    with tarfile.open(odd, "w") as archive:
        archive.add(tmp_path / "database.json", "database.json")
        archive.add(tmp_path / "database.json", name)
        archive.add(tmp_path / "manifest.json", "manifest.json")
    emptied(settings, tmp_path)
    with pytest.raises(FormatError, match="other files"):
        restore(odd)


def test_a_backup_of_other_tables_names_the_version_to_use(full, tmp_path, settings, monkeypatch):
    back_up(tmp_path / "site.tar")
    emptied(settings, tmp_path)
    monkeypatch.setattr("teachkit.leaderboard.backup._migrations", lambda: ["people.0009_later"])
    with pytest.raises(SettingsError, match=r"people\.0009_later") as told:
        restore(tmp_path / "site.tar")
    assert "Restore with teachkit" in str(told.value)


def test_a_lost_file_is_named_and_the_rest_is_saved(full, tmp_path):
    lost = Submission.objects.latest("pk")
    lost.path.unlink()
    manifest = back_up(tmp_path / "site.tar")
    assert manifest["missing"] == [f"uploads/{lost.path.name}"]
    assert f"predictions/{Submission.objects.earliest('pk').table_path.name}" not in manifest["missing"]


@pytest.mark.slow
def test_the_commands_bring_a_site_to_a_new_sqlite_database(full, client, tmp_path, environment, free_port):
    """Whatever database this test runs on; the copy is asked by its own web server."""
    from teachkit.leaderboard import running

    before = client.get("/challenges/toy/board/?format=json").json()
    command = [sys.executable, "-m", "teachkit.cli", "site"]
    subprocess.run([*command, "backup", tmp_path / "site.tar"], env=environment, check=True)
    new = {
        **environment,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}",
        "TEACHKIT_SITE": str(tmp_path / "new"),
    }
    subprocess.run([*command, "restore", tmp_path / "site.tar"], env=new, check=True)
    with subprocess.Popen(
        running.web_server("127.0.0.1", free_port), env=new, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(300):
                try:
                    with urlopen(f"http://127.0.0.1:{free_port}/challenges/toy/board/?format=json") as answer:
                        found = json.load(answer)
                    break
                except OSError:
                    assert server.poll() is None
                    time.sleep(0.1)
        finally:
            server.terminate()
    assert found == before
