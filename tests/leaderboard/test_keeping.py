"""Migrations up and down with data, backup and restore, and a whole BIG entry."""

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from teachkit import big
from teachkit.leaderboard.board.table import forget_orders
from teachkit.leaderboard.challenges import opening
from teachkit.leaderboard.submissions.models import Note, Result, Submission
from teachkit.leaderboard.submissions.worker import Worker


@pytest.fixture
def scored(challenge, member_of, hand_in, file_of, score_here):
    """Three teams with an entry each, one of them given back."""
    for index, name in enumerate(("Owls", "Foxes", "Bears")):
        hand_in(member_of(name), challenge, file_of(f"{name}.csv", skill=index + 0.5, seed=index))
    score_here()


def board(client):
    forget_orders()
    return client.get("/challenges/toy/board/?format=json&show=all").json()["rows"]


@pytest.mark.django_db(transaction=True)
def test_migrations_go_down_and_up_again_with_data(scored, client):
    Note.objects.create(submission=Submission.objects.first(), action="hide")
    before = board(client)
    MigrationExecutor(connection).migrate([("submissions", "0001_initial")])
    assert "submissions_note" not in connection.introspection.table_names()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert board(client) == before
    assert len(before) == 3
    assert Note.objects.count() == 0


@pytest.mark.django_db
def test_the_tables_are_those_of_the_models():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_a_restored_backup_gives_the_identical_board(scored, client, tmp_path):
    before = board(client)
    backup = tmp_path / "backup.json"
    # Names of tables and permissions are made by migrations, on the machine that restores as well.
    made_anew = ["contenttypes", "auth.permission"]
    call_command("dumpdata", output=str(backup), exclude=made_anew, verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    assert Submission.objects.count() == 0
    call_command("loaddata", str(backup), verbosity=0)
    assert board(client) == before
    assert all(one.path.is_file() for one in Submission.objects.all())


@pytest.mark.slow
@pytest.mark.django_db
def test_a_made_entry_of_all_twelve_sets_stands_on_the_big_board(
    site, member_of, hand_in, client, tmp_path, offline
):
    challenge = opening.create(
        opening.Plan.read(opening.SHIPPED / "big.toml"), opening.SHIPPED, labels_needed=False
    )
    rng = np.random.default_rng(0)
    labels, made = {}, {}
    for member in big.find_suite("big"):
        classes = len(member.classes)
        shape = (member.rows, classes)
        if member.single_label:
            labels[member.name] = np.arange(member.rows) % classes
            noisy = rng.random(shape) + np.eye(classes)[labels[member.name]]
            made[member.name] = noisy / noisy.sum(axis=1, keepdims=True)
        else:
            labels[member.name] = (rng.random(shape) < 0.3).astype(int)
            made[member.name] = np.clip(0.6 * labels[member.name] + 0.4 * rng.random(shape), 0, 1)
    np.savez(tmp_path / "labels.npz", **labels)
    opening.keep_labels(challenge, opening.read_labels(tmp_path / "labels.npz"))
    path = big.write_predictions(tmp_path / "all.csv.gz", {k: v.astype("f4") for k, v in made.items()})
    assert hand_in(member_of("Owls"), challenge, path).status_code == 302
    assert Worker().once()
    assert Submission.objects.get().trouble == ""
    (row,) = client.get("/challenges/big/board/?format=json&published=0").json()["rows"]
    expected = big.score(path, truth=labels).mean["auc"]
    assert row["value"] == pytest.approx(expected, abs=1e-12)
    assert row["low"] < row["value"] < row["high"]
    stored = Result.objects.get().detail["parts"]["public"]
    assert len(stored["sets"]) == 12
    assert "NaN" not in json.dumps(stored)
