"""Places, filters, ties, published figures, exports."""

import csv
import io
import json
import re

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from teachkit.big.ranking import best_of_each, mean_ranks, places
from teachkit.errors import SettingsError
from teachkit.leaderboard.board import table
from teachkit.leaderboard.board.exports import harmless
from teachkit.leaderboard.challenges import opening
from teachkit.leaderboard.challenges.published import load_into, rows
from teachkit.leaderboard.people.models import Team
from teachkit.leaderboard.submissions.models import Result, Score, Submission

SCORES = st.lists(st.floats(0, 1).map(lambda value: round(value, 2)), min_size=1, max_size=30)


@given(SCORES)
def test_places_are_those_of_scipy_and_ties_share(values):
    assert places(values) == rankdata([-value for value in values], "min").tolist()
    assert places(values, higher_is_better=False) == rankdata(values, "min").tolist()


def test_what_looks_equal_in_print_shares_a_place():
    assert places([0.90001, 0.90004, 0.9002, 0.8]) == [2, 2, 1, 4]


def test_a_score_that_is_no_number_has_no_place():
    with pytest.raises(SettingsError, match="1 of 2"):
        places([0.5, float("nan")])


@given(st.lists(st.lists(st.floats(0, 1).map(lambda v: round(v, 1)), min_size=3, max_size=3), min_size=1))
def test_mean_ranks_are_those_of_scipy(table):
    scores = {index: dict(zip("abc", row, strict=True)) for index, row in enumerate(table)}
    expected = np.mean([rankdata([-row[column] for row in table]) for column in range(3)], axis=0)
    assert list(mean_ranks(scores, "abc").values()) == pytest.approx(expected.tolist())


def test_who_lacks_a_set_has_no_mean_rank():
    assert mean_ranks({"x": {"a": 1.0}, "y": {"a": 0.5, "b": 0.5}}, "ab") == {"y": 1.0}


def test_of_equal_entries_of_a_team_the_first_one_stands():
    assert best_of_each([(1, "owls", 0.5), (2, "owls", 0.50001), (3, "foxes", 0.1)]) == [1, 3]


def scored(team, challenge, auc, size=28, **more):
    """A scored entry without a file; every set and score has the value `auc`."""
    entry = Submission.objects.create(
        team=team,
        challenge=challenge,
        size=size,
        state="scored",
        track=more.pop("track", "standard"),
        model_name=more.pop("model_name", f"net {auc}"),
        file_name="p.csv",
        sha256="0" * 64,
        bytes=1,
        **more,
    )
    result = Result.objects.create(submission=entry, scorer="1", detail={"parts": {}})
    sets = auc if isinstance(auc, dict) else dict.fromkeys((*challenge.suite.names, "mean"), auc)
    Score.objects.bulk_create(
        Score(
            result=result,
            submission=entry,
            challenge=challenge,
            size=size,
            part="public",
            place=place,
            metric=metric,
            value=value,
        )
        for place, value in sets.items()
        for metric in ("auc", "balacc", "kappa")
    )
    return entry


@pytest.fixture
def teams(db):
    return [Team.objects.create(name=name) for name in ("Owls", "Foxes", "Bears")]


def board(client, query=""):
    """Place, team, value of each row, as the JSON export tells them."""
    told = client.get(f"/challenges/toy/board/?format=json&{query}").json()["rows"]
    return [(row["place"], row["team"], row["value"]) for row in told]


@pytest.mark.django_db
def test_each_team_stands_once_unless_all_are_asked_for(challenge, teams, client):
    owls, foxes, _ = teams
    for value in (0.7, 0.9, 0.8):
        scored(owls, challenge, value)
    scored(foxes, challenge, 0.85)
    assert board(client) == [(1, "Owls", 0.9), (2, "Foxes", 0.85)]
    assert [row[2] for row in board(client, "show=all")] == [0.9, 0.85, 0.8, 0.7]


@pytest.mark.django_db
def test_filters_of_size_track_and_set(challenge, teams, client):
    owls, foxes, bears = teams
    scored(owls, challenge, 0.7, size=64)
    scored(foxes, challenge, 0.8, track="open")
    scored(bears, challenge, {"breast": 0.6})
    assert board(client, "size=64") == [(1, "Owls", 0.7)]
    assert board(client, "track=open") == [(1, "Foxes", 0.8)]
    assert board(client, "track=standard") == []
    assert board(client, "set=breast") == [(1, "Foxes", 0.8), (2, "Bears", 0.6)]
    assert board(client, "size=9&metric=nonsense&set=%3Cscript%3E") == [(1, "Foxes", 0.8)]


@pytest.mark.django_db
def test_the_view_of_mean_ranks(challenge, teams, client):
    owls, foxes, bears = teams
    scored(owls, challenge, {"breast": 0.9, "grades": 0.5, "finds": 0.5, "mean": 0.633})
    scored(foxes, challenge, {"breast": 0.8, "grades": 0.6, "finds": 0.6, "mean": 0.667})
    scored(bears, challenge, {"breast": 0.1, "grades": 0.1, "finds": 0.9, "mean": 0.367})
    found = board(client, "view=ranks")
    assert [(place, team) for place, team, _ in found] == [(1, "Foxes"), (2, "Owls"), (3, "Bears")]
    assert [value for *_, value in found] == pytest.approx([5 / 3, 2, 7 / 3])


@pytest.mark.django_db
def test_an_order_is_remembered_until_a_score_or_a_step_of_moderation_comes(
    challenge, teams, client, staff, as_user, django_assert_max_num_queries
):
    owls, foxes, _ = teams
    first = scored(owls, challenge, 0.7)
    assert board(client) == [(1, "Owls", 0.7)]
    scored(foxes, challenge, 0.8)
    assert board(client) == [(1, "Foxes", 0.8), (2, "Owls", 0.7)]
    as_user(staff).post(f"/submissions/{first.pk}/hide/")
    assert board(client) == [(1, "Foxes", 0.8)]
    with django_assert_max_num_queries(7):  # without the two that read and order a column
        assert board(client) == [(1, "Foxes", 0.8)]


@pytest.mark.django_db
def test_hidden_rejected_and_old_scores_do_not_rank(challenge, teams, client):
    owls, foxes, bears = teams
    scored(owls, challenge, 0.9, hidden=True)
    Submission.objects.filter(pk=scored(foxes, challenge, 0.8).pk).update(state="rejected")
    Score.objects.filter(submission=scored(bears, challenge, 0.7)).update(current=False)
    assert board(client) == []


@pytest.mark.django_db
def test_published_figures_stand_between_entries_and_take_no_place(site, teams, client):
    big = opening.create(
        opening.Plan.read(opening.SHIPPED / "big.toml"), opening.SHIPPED, labels_needed=False
    )
    assert load_into(big) == 14 * 4
    assert load_into(big) == big.references.count()
    scored(teams[0], big, 0.95, size=224)
    scored(teams[1], big, 0.945, size=224)
    told = client.get("/challenges/big/board/?format=json&size=224").json()["rows"]
    assert [(row["place"], row["model"].split(",")[0]) for row in told[:5]] == [
        (None, "VGG16"),
        (None, "DenseNet-121"),
        (1, "net 0.95"),
        (None, "AlexNet"),
        (None, "ResNet-18"),
    ]
    assert (2, "Foxes") in [(row["place"], row["team"]) for row in told]
    page = client.get("/challenges/big/board/?size=224").content.decode()
    assert page.count(">published<") == 14
    assert ">published<" not in client.get("/challenges/big/board/?published=0").content.decode()


def test_published_figures_are_those_of_the_thesis():
    found = {(row["name"], row["size"]): row for row in rows()}
    assert len(found) == 56
    at_224 = found["ViT-B/16", 224]
    assert (at_224["auc"], at_224["balacc"], at_224["kappa"]) == (0.9408, 0.7716, 0.7040)
    assert found["mm-PT ResNet-18", 224]["auc"] == 0.7776
    assert found["mm-PT ResNet-18, weighted loss", 64]["kappa"] == 0.3164
    assert all(0 < row[name] < 1 for row in found.values() for name in ("auc", "balacc", "kappa"))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_no_cell_of_the_export_starts_like_a_formula(challenge, teams, client, name):
    scored(teams[0], challenge, 0.9, model_name=name)
    text = client.get("/challenges/toy/board/?format=csv").content.decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["model"] == f"'{name}"
    assert harmless(-1.5) == -1.5


@pytest.mark.django_db
def test_the_exports_hold_every_row_and_agree(challenge, client):
    for index in range(130):
        scored(Team.objects.create(name=f"team {index}"), challenge, index / 200)
    told = client.get("/challenges/toy/board/?format=json").json()["rows"]
    text = client.get("/challenges/toy/board/?format=csv").content.decode()
    read = list(csv.DictReader(io.StringIO(text)))
    assert len(told) == len(read) == 130
    assert [float(row["value"]) for row in read] == [row["value"] for row in told]
    first = client.get("/challenges/toy/board/").content.decode()
    second = client.get("/challenges/toy/board/?page=2").content.decode()
    assert first.count('class="place"') == 100
    assert second.count('class="place"') == 30
    assert json.dumps(told).count("NaN") == 0


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["show=all", "show=all&view=ranks"])
def test_an_export_of_many_rows_asks_for_no_long_list_of_numbers(
    challenge, teams, client, monkeypatch, query
):
    monkeypatch.setattr(table, "MOST_NAMED", 10)
    for index in range(30):
        scored(teams[index % 3], challenge, index / 40)
    scored(teams[0], challenge, 0.99, size=64)
    scored(teams[1], challenge, {"breast": 0.99})
    with CaptureQueriesContext(connection) as asked:
        found = board(client, query)
    assert len(found) == 30
    assert max(len(re.findall(r"\d+, ", one["sql"])) for one in asked) <= 10
    monkeypatch.setattr(table, "MOST_NAMED", 1000)
    table.forget_orders()
    assert board(client, query) == found


@pytest.mark.django_db
def test_my_row_is_marked_for_me_and_for_nobody_else(challenge, member_of, as_user):
    owl, fox = member_of("Owls"), member_of("Foxes")
    scored(owl.team, challenge, 0.9, created=timezone.now())
    assert "(your team)" in as_user(owl).get("/challenges/toy/board/").content.decode()
    assert "(your team)" not in as_user(fox).get("/challenges/toy/board/").content.decode()
