"""What staff is asked to look at: copies across teams, and scores that are hard to believe."""

import numpy as np
import pytest
from django.utils import timezone
from typer.testing import CliRunner

from teachkit.big import write_predictions
from teachkit.cli.site import app
from teachkit.leaderboard.challenges.published import load_into
from teachkit.leaderboard.submissions import flags
from teachkit.leaderboard.submissions.likeness import NEAR, distance, sketch, standardised
from teachkit.leaderboard.submissions.models import Flag, Note, Submission


@pytest.mark.parametrize("seed", range(5))
def test_a_sketch_tells_the_distance_of_whole_tables(seed):
    rng = np.random.default_rng(seed)
    first, other = rng.dirichlet(np.ones(4), 500), rng.dirichlet(np.ones(4), 500)
    mixed = 0.9 * first + 0.1 * other
    for one in (other, mixed):
        expected = np.sqrt(np.mean((standardised(first) - standardised(one)) ** 2))
        found = distance({"a": sketch("a", first)}, {"a": sketch("a", one)})
        assert found == pytest.approx(expected, rel=0.5)  # the standard error of 32 numbers is an eighth
    assert distance({"a": sketch("a", first)}, {"a": sketch("a", first.round(3))}) < NEAR


def test_entries_without_a_common_set_have_no_distance():
    assert np.isnan(distance({"a": [1.0]}, {"b": [1.0]}))


def test_a_model_that_says_one_thing_only_is_like_any_other_of_its_kind():
    assert not standardised(np.full((9, 2), 0.5)).any()


@pytest.fixture
def copied(challenge, member_of, hand_in, file_of, score_here, made, tmp_path):
    """Owls; Foxes with their answers to four decimals; Bears on their own; Crows with the Owls' file."""
    owls = made.predictions(seed=1)
    tables = {"copy": {name: table.round(4) for name, table in owls.items()}, "own": made.predictions(seed=2)}
    suite = challenge.suite.save(tmp_path / "suite.json")
    files = {
        name: write_predictions(tmp_path / f"{name}.csv", table, suite=suite)
        for name, table in tables.items()
    }
    original = file_of("owls.csv", seed=1)
    for name, path in (
        ("Owls", original),
        ("Foxes", files["copy"]),
        ("Bears", files["own"]),
        ("Crows", original),
    ):
        person = member_of(name)
        hand_in(person, challenge, path)
        if name == "Owls":  # a team may repeat itself
            hand_in(person, challenge, files["copy"], model_name="again")
    assert score_here() == 5
    return list(Submission.objects.order_by("pk"))


@pytest.mark.django_db
def test_copies_of_another_team_are_flagged_and_nothing_else_is(copied):
    owls, again, foxes, bears, crows = copied
    found = {entry.pk: sorted(entry.flags.values_list("said", flat=True)) for entry in copied}
    assert found[owls.pk] == found[again.pk] == found[bears.pk] == []
    assert [one.split(":")[0] for one in found[foxes.pk]] == [
        f"Nearly the answers of entry {owls.pk} of Owls",
        f"The same file as entry {again.pk} of Owls.",
    ]
    assert f"The same file as entry {owls.pk} of Owls." in found[crows.pk]
    assert len(found[crows.pk]) == 3


@pytest.mark.django_db
def test_staff_sees_flags_until_they_are_settled_and_teams_never_do(copied, staff, as_user, client):
    foxes = copied[2]
    boss = as_user(staff)
    said = f"The same file as entry {copied[1].pk}"
    assert said in boss.get("/moderation/").content.decode()
    for address in (foxes.get_absolute_url(), "/challenges/toy/board/"):
        assert said not in as_user(foxes.by).get(address).content.decode()
    boss.post(f"/submissions/{foxes.pk}/settle/", {"why": "same lab"})
    assert said not in boss.get("/moderation/").content.decode()
    assert Note.objects.get().why == "same lab"
    assert flags.look_again(foxes.challenge) == 0
    assert said not in boss.get("/moderation/").content.decode()
    assert Flag.objects.filter(submission=foxes, settled__lte=timezone.now()).count() == 2


@pytest.mark.django_db
def test_the_command_looks_once_more(copied):
    Flag.objects.all().delete()
    done = CliRunner().invoke(app, ["flags", "toy"])
    assert done.output == "5 new flags.\n"


@pytest.mark.django_db
def test_scores_that_are_hard_to_believe_are_named(challenge, member_of, monkeypatch):
    entry = Submission(challenge=challenge, size=28)
    load_into(challenge)

    def said(accuracy, mean):
        sets = {"breast": {"acc": accuracy}, "grades": {"acc": 0.5}}
        return flags.implausible(entry, {"public": {"sets": sets, "mean": {"auc": mean}}})

    assert said(1.0, None) == []  # forty pictures
    assert said(0.99, 0.95) == []
    assert said(0.5, 0.9567) == ["Mean AUC 0.9567; the best published one is 0.9266."]
    monkeypatch.setattr(flags, "LEAST_ROWS", 40)
    assert said(1.0, None) == ["Breast: every answer of the public test is right."]
    monkeypatch.setattr(flags, "CEILINGS", {"breast": 0.75})
    assert said(0.8, None) == ["Breast: accuracy 0.8000 is above 0.75."]
    assert said(0.75, None) == []
