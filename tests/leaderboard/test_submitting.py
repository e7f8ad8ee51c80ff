"""From a file in a form to a place on the board."""

import pytest

from teachkit import big
from teachkit.leaderboard.submissions.models import Job, Score, Submission
from teachkit.leaderboard.submissions.worker import Worker

pytestmark = pytest.mark.django_db


def test_a_file_goes_up_is_scored_by_a_child_process_and_stands_on_the_board(
    challenge, member_of, hand_in, file_of, as_user
):
    owl = member_of("Owls")
    path = file_of(skill=2)
    answer = hand_in(owl, challenge, path)
    entry = Submission.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/submissions/{entry.pk}/"
    assert entry.state == "waiting"
    assert Worker().once()
    entry.refresh_from_db()
    assert entry.state == "scored"
    expected = big.score(path, suite=challenge.suite, truth=dict(_labels(challenge)))
    stored = Score.objects.get(submission=entry, place="mean", metric="auc")
    assert stored.value == pytest.approx(expected.mean["auc"], abs=1e-12)
    assert stored.low < stored.value < stored.high
    page = as_user(None).get("/challenges/toy/board/").content.decode()
    assert "Owls" in page
    assert f"{expected.mean['auc']:.4f}" in page
    assert entry.table_path.is_file()


def test_the_child_has_no_secret_and_no_database(challenge, member_of, hand_in, file_of, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://user:qwertz@host/name")
    monkeypatch.setenv("SECRET_KEY", "qwertz")
    from teachkit.leaderboard.submissions import confined

    given = confined._bare_environment(challenge.labels_path.parent)
    assert "qwertz" not in " ".join(given.values())
    assert not {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "TEACHKIT_SITE"} & set(given)


def test_every_fault_of_a_rejected_file_is_listed_with_its_line(
    challenge, member_of, hand_in, file_of, score_here, as_user
):
    owl = member_of("Owls")
    lines = file_of().read_text().splitlines()
    name, row, _, rest = lines[3].split(",", 3)
    lines[3] = f"{name},{row},2,{rest}"
    lines[7] = lines[7].replace("breast,6", "breast,999")
    hand_in(owl, challenge, "\n".join(lines).encode())
    assert score_here() == 1
    entry = Submission.objects.get()
    assert entry.state == "rejected"
    assert {fault[1] for fault in entry.faults} >= {4, 8}
    page = as_user(owl).get(entry.get_absolute_url()).content.decode()
    for _, line, column, _, message in entry.faults:
        assert f">{line or ''}<" in page
        assert column in page
        assert message.replace("'", "&#x27;") in page


def test_a_file_that_leaves_a_set_out_has_scores_but_no_place(
    challenge, member_of, hand_in, file_of, score_here, as_user
):
    owl = member_of("Owls")
    hand_in(owl, challenge, file_of(leave_out=("finds",)))
    score_here()
    assert Submission.objects.get().state == "scored"
    assert not Score.objects.filter(place="mean").exists()
    assert "No entry yet." in as_user(None).get("/challenges/toy/board/").content.decode()
    assert "Owls" in as_user(None).get("/challenges/toy/board/?set=breast").content.decode()


def test_a_failure_of_ours_is_tried_three_times_and_gives_the_slot_back(
    challenge, member_of, hand_in, file_of, settings, as_user
):
    settings.SCORING_MEMORY_BYTES = 2**24  # no Python starts in so little
    owl = member_of("Owls")
    hand_in(owl, challenge, file_of())
    worker = Worker()
    assert [worker.once() for _ in range(4)] == [True, True, True, False]
    entry = Submission.objects.get()
    assert (entry.state, entry.counts) == ("failed", False)
    assert Job.objects.get().attempts == 3
    assert "You may submit 10 more now" in as_user(owl).get("/challenges/toy/submit/").content.decode()


def test_the_same_file_is_not_scored_twice_for_a_team_but_may_come_from_another(
    challenge, member_of, hand_in, file_of
):
    path = file_of()
    owl, fox = member_of("Owls"), member_of("Foxes")
    assert hand_in(owl, challenge, path).status_code == 302
    again = hand_in(owl, challenge, path)
    assert again.status_code == 409
    assert "very file before" in again.content.decode()
    assert hand_in(fox, challenge, path).status_code == 302
    assert Submission.objects.count() == 2


def test_a_refused_file_leaves_nothing_behind(challenge, member_of, hand_in, file_of, site):
    owl = member_of("Owls")
    path = file_of()
    hand_in(owl, challenge, path)
    hand_in(owl, challenge, path)
    assert len(list((site / "uploads").iterdir())) == 1


def _labels(challenge):
    import numpy as np

    with np.load(challenge.labels_path) as archive:
        return {name: archive[name] for name in archive.files}
