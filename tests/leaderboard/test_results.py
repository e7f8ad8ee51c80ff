"""From the board to the gradebook: what a team reached, for each of its members."""

import csv
import io
import shutil
from datetime import timedelta

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from teachkit.cli.site import app
from teachkit.course.gradebook.reading import read_grades
from teachkit.errors import SettingsError
from teachkit.leaderboard.board.results import results
from teachkit.leaderboard.people.models import Membership, Team, User
from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.models import Submission

pytestmark = pytest.mark.django_db
RULES = 'assignment = "toy_challenge"\nscore = "auc"\nbands = [[0.3, 1], [0.6, 4], [0.999, 9]]\n'


@pytest.fixture
def entered(challenge, member_of, hand_in, file_of, score_here):
    """Owls are better than Foxes, who are two; the Bears' file has a fault."""
    owl, fox, bear = (
        member_of("=Owls", "ada@example.org"),
        member_of("Foxes", "ben@example.org"),
        member_of("Bears"),
    )
    member_of("Foxes", "Eve@example.org")
    hand_in(owl, challenge, file_of("worse.csv", skill=0.2))
    hand_in(owl, challenge, file_of("good.csv", skill=3))
    hand_in(fox, challenge, file_of("fair.csv", skill=1))
    hand_in(bear, challenge, b"dataset,id,p0\nnone,0,1\n")
    score_here()
    return challenge


def test_each_team_stands_once_with_its_members_as_on_the_board(entered, client):
    found = results(entered, "auc", timezone.now())
    told = client.get("/challenges/toy/board/?format=json&published=0").json()["rows"]
    assert [(one.place, one.team, one.score) for one in found[:2]] == [
        (row["place"], row["team"], row["value"]) for row in told
    ]
    assert [(one.team, one.place) for one in found] == [("=Owls", 1), ("Foxes", 2), ("Bears", None)]
    assert found[1].accounts == ("ben@example.org", "eve@example.org")
    assert found[0].handed_in == Submission.objects.get(file_name="good.csv").created


def test_an_address_that_nobody_proved_is_no_member(entered):
    stranger = User.objects.create_user("lea@example.org", "x")
    Membership.objects.create(user=stranger, team=Team.objects.get(name="Foxes"))
    assert "lea@example.org" not in results(entered, "auc", timezone.now())[1].accounts


def test_who_joins_a_team_after_the_end_is_marked(entered):
    entered.closes = timezone.now()
    Membership.objects.filter(user__email="ben@example.org").update(since=entered.closes - timedelta(days=1))
    Membership.objects.filter(user__email="eve@example.org").update(since=entered.closes)
    assert results(entered, "auc", timezone.now())[1].late == {"eve@example.org"}


def test_a_size_that_the_suite_lacks_is_refused(entered):
    assert results(entered, "auc", timezone.now(), 64)[0].place is None
    with pytest.raises(SettingsError, match="Choose one of 28, 64"):
        results(entered, "auc", timezone.now(), 224)


def run(tmp_path, *more):
    (tmp_path / "rules.toml").write_text(RULES)
    arguments = ["results", "toy", str(tmp_path / "rules.toml"), "--out", str(tmp_path / "results.csv")]
    return CliRunner().invoke(app, [*arguments, *map(str, more)])


def rows_of(tmp_path):
    text = (tmp_path / "results.csv").read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_command_writes_a_table_that_no_spreadsheet_calculates(entered, tmp_path):
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "4 people, 3 teams" in done.output
    rows = rows_of(tmp_path)
    assert [(row["account"], row["team"], row["place"], row["note"]) for row in rows] == [
        ("ada@example.org", "'=Owls", "1", ""),
        ("ben@example.org", "Foxes", "2", ""),
        ("eve@example.org", "Foxes", "2", ""),
        ("bears@example.org", "Bears", "", "no scored entry"),
    ]
    assert float(rows[0]["score"]) > float(rows[1]["score"]) > 0.6
    assert [float(row["points"]) for row in rows[1:]] == [4, 4, 0]


def test_the_points_join_the_gradebook_by_the_roster(entered, tmp_path, empty_book, monkeypatch):
    book = shutil.copyfile(empty_book, tmp_path / "gradebook.db")
    roster = tmp_path / "roster.csv"
    roster.write_text("student,principal\nada,Ada@example.org\nben,ben@example.org\nkim,kim@example.org\n")
    entered.closes = timezone.now() + timedelta(days=1)
    entered.save()
    done = run(tmp_path, "--roster", roster, "--gradebook", book)
    assert done.exit_code == 0, done.output
    assert "Open until" in done.output
    assert "Not on the roster: eve@example.org." in done.output
    assert "the points of 2 students changed" in done.output
    table = {row["student"]: row for row in rows_of(tmp_path) if row["student"]}
    assert table["kim"]["note"] == "in no team that handed in"
    grades = read_grades(book, ["kim"]).submissions.set_index("student")["score"]
    assert grades["ada"] == float(table["ada"]["points"]) > 0
    assert grades["ben"] == 4
    assert grades.isna()["kim"]
    monkeypatch.setattr(models, "now", lambda: entered.closes)
    again = run(tmp_path, "--roster", roster, "--gradebook", book)
    assert "Open until" not in again.output
    assert "the points of 0 students changed" in again.output


def test_a_gradebook_without_a_roster_is_refused_before_anything_is_written(entered, tmp_path):
    done = run(tmp_path, "--gradebook", tmp_path / "gradebook.db")
    assert done.exit_code == 2
    assert not (tmp_path / "results.csv").exists()
