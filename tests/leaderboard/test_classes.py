"""A challenge of an instructor: from challenge.toml to its end, with a test that nobody can look up."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachkit import big, data
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.leaderboard.challenges import opening
from teachkit.leaderboard.challenges.parts import public_rows
from teachkit.leaderboard.people.models import Token
from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.models import Score, Submission

KEY = b"0123456789abcdef"
CLOSES = datetime(2999, 1, 1, tzinfo=UTC)
PLAN = """
slug = "cells"
title = "Cells"
suite = "cells"
sets = ["cells_hidden"]
folders = ["class"]
truth = { cells_hidden = "truth.npz" }
public_share = 0.3
key = "key.txt"
closes = 2999-01-01T00:00:00Z
"""


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_every_class_with_two_rows_is_in_both_parts(labels, share):
    rows = public_rows({"a": labels}, share, KEY)["a"]
    for one in set(labels):
        here = rows[np.array(labels) == one]
        if len(here) > 1:
            assert 0 < here.sum() < len(here)
            assert abs(here.sum() - share * len(here)) <= 1


def test_the_choice_is_that_of_the_key_alone():
    labels = {"a": np.arange(200) % 2}
    first = public_rows(labels, 0.3, KEY)["a"]
    assert np.array_equal(first, public_rows(labels, 0.3, KEY)["a"])
    assert not np.array_equal(first, public_rows(labels, 0.3, KEY[::-1])["a"])
    assert first.sum() == 60


@pytest.fixture
def folder(tmp_path):
    """What an instructor has: pictures for the class with test labels of zero, and the truth."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 20), ("val", 10), ("test", 100)):
        arrays[f"{split}_images"] = rng.integers(0, 255, (count, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % 2)[:, None]
    truth = rng.permutation(np.arange(100) % 2)
    arrays["test_labels"] = np.zeros((100, 1), dtype=np.int64)
    (tmp_path / "class").mkdir()
    np.savez(tmp_path / "class" / "cells_hidden.npz", **arrays)
    np.savez(tmp_path / "truth.npz", labels=truth, ids=np.arange(100), data="cells_hidden", task="binary")
    (tmp_path / "key.txt").write_bytes(KEY)
    (tmp_path / "challenge.toml").write_text(PLAN)
    return tmp_path


@pytest.fixture
def cells(folder, site, db, isolated):
    return opening.create(opening.Plan.read(folder / "challenge.toml"), folder)


@pytest.fixture
def send(cells, folder, hand_in, score_here):
    """`send(user, skill)` hands in answers of that quality, scores them and gives the entry."""
    truth = np.load(folder / "truth.npz")["labels"]
    split = data.load("cells_hidden", "test")

    def go(user, skill, seed=0):
        noise = np.random.default_rng(seed).random(100)
        positive = np.clip(skill * truth + (1 - skill) * noise, 0.01, 0.99)
        path = big.write_predictions(
            folder / f"{skill}-{seed}.csv", {"cells_hidden": positive}, suite="cells", splits=[split]
        )
        assert hand_in(user, cells, path).status_code == 302
        score_here()
        return Submission.objects.latest("pk")

    return go


@pytest.mark.django_db
def test_both_parts_are_scored_and_only_the_public_one_is_told_before_the_end(
    cells, send, member_of, as_user, monkeypatch, folder, client
):
    owl = member_of("Owls")
    entry = send(owl, 0.2)
    public, private = (
        Score.objects.get(submission=entry, part=part, place="mean", metric="auc").value
        for part in ("public", "private")
    )
    assert public != private
    with np.load(cells.labels_path) as archive:
        rows = archive["public:cells_hidden"]
    found = big.read_predictions(folder / "0.2-0.csv", suite=cells.suite).sets["cells_hidden"]
    truth = np.load(folder / "truth.npz")["labels"]
    from sklearn.metrics import roc_auc_score

    assert public == pytest.approx(roc_auc_score(truth[rows], found[rows, 1]))
    assert private == pytest.approx(roc_auc_score(truth[~rows], found[~rows, 1]))

    def told():
        (row,) = client.get("/challenges/cells/board/?format=json").json()["rows"]
        return row["value"]

    page = as_user(owl).get(entry.get_absolute_url()).content.decode()
    assert told() == public
    assert f"{private:.4f}" not in page
    monkeypatch.setattr(models, "now", lambda: CLOSES + timedelta(seconds=1))
    assert told() == private
    assert f"{private:.4f}" in as_user(owl).get(entry.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_an_entry_that_is_no_better_is_told_no_scores_by_any_way(cells, send, member_of, as_user):
    owl = member_of("Owls")
    good, worse = send(owl, 0.3), send(owl, 0.05, seed=1)
    page = as_user(owl)
    headers = {"Authorization": f"Bearer {Token.issue(owl, 'x')}"}
    assert "no better" not in page.get(good.get_absolute_url()).content.decode()
    shown = page.get(worse.get_absolute_url()).content.decode()
    assert "no better" in shown
    value = Score.objects.get(submission=worse, part="public", place="mean", metric="auc").value
    assert f"{value:.4f}" not in shown
    assert page.get(f"/submissions/{worse.pk}/scores.json").status_code == 404
    assert page.get(f"/submissions/{worse.pk}/auc-lines.svg").status_code == 404
    assert page.get(f"/submissions/{worse.pk}/sets/cells_hidden-confusion.svg").status_code == 404
    # The own scores may be known, those of others on a set not.
    assert page.get(f"/submissions/{good.pk}/sets/cells_hidden-confusion.svg").status_code == 200
    assert page.get(f"/submissions/{good.pk}/sets/cells_hidden-standing.svg").status_code == 404
    assert "standing.svg" not in page.get(good.get_absolute_url()).content.decode()
    assert f'<option value="{worse.pk}"' not in page.get("/compare/").content.decode()
    assert page.get(f"/compare/?a={good.pk}&b={worse.pk}").status_code == 404
    assert page.get(f"/api/submissions/{worse.pk}/", headers=headers).json()["mean"] is None
    rows = page.get("/challenges/cells/board/?format=json&show=all&set=cells_hidden").json()["rows"]
    assert [row["model"] for row in rows] == ["small net"]
    assert len(rows) == 1
    better = send(owl, 0.9, seed=2)
    assert page.get(f"/submissions/{better.pk}/scores.json").status_code == 200


@pytest.mark.django_db
def test_after_the_end_and_before_the_beginning_nothing_is_taken(
    cells, send, member_of, hand_in, file_of, monkeypatch
):
    monkeypatch.setattr(models, "now", lambda: CLOSES)
    answer = hand_in(member_of("Owls"), cells, b"dataset,id,p0\n")
    assert answer.status_code == 409
    assert "It closed on 01 January 2999" in answer.content.decode()


@pytest.mark.django_db
def test_dates_may_move_and_the_suite_may_not(cells, folder):
    (folder / "challenge.toml").write_text(PLAN + "per_day = 3\n")
    again = opening.create(opening.Plan.read(folder / "challenge.toml"), folder)
    assert (again.pk, again.per_day) == (cells.pk, 3)
    assert again.labels_digest == cells.labels_digest
    (folder / "challenge.toml").write_text(PLAN.replace('suite = "cells"', 'suite = "other"'))
    with pytest.raises(SettingsError, match="Scores under two suites"):
        opening.create(opening.Plan.read(folder / "challenge.toml"), folder)


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("perday = 3", UnknownNameError, "per_day"),
        ("slug = ", FormatError, "cannot be read"),
        ("opens = 3", SettingsError, "opens is 3"),
    ],
)
def test_a_wrong_line_is_told_with_its_remedy(tmp_path, line, error, said):
    path = tmp_path / "challenge.toml"
    path.write_text('slug = "a"\ntitle = "A"\nsuite = "big"\n' + line)
    with pytest.raises(error, match=said):
        opening.Plan.read(path)


@pytest.mark.django_db
def test_a_short_key_is_refused_before_anything_is_made(folder, site, isolated):
    from teachkit.leaderboard.challenges.models import Challenge

    (folder / "key.txt").write_text("short")
    with pytest.raises(SettingsError, match="fewer than 16"):
        opening.create(opening.Plan.read(folder / "challenge.toml"), folder)
    assert Challenge.objects.count() == 0
