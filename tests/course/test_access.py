"""Grants of an exchange: what each person can do, and that nobody reads another's work."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.course import access
from teachkit.course.access import grants, permits
from teachkit.course.exchange import names
from teachkit.course.exchange.names import Attempt, FeedbackPage
from teachkit.course.roster import Entry, Roster
from teachkit.errors import SettingsError, StorageError

IDS = ["ada", "ada2", "bob", "c.d@x.org"]
ROSTER = Roster(tuple(Entry(student, f"{student.partition('@')[0]}@example.org") for student in IDS))
GIVEN = grants("dl", ROSTER, ["grader@lab.iam.gserviceaccount.com"], "term/26")
GRADER = "serviceAccount:grader@lab.iam.gserviceaccount.com"


def who(student: str) -> str:
    """The account of one of these students."""
    return f"user:{student.partition('@')[0]}@example.org"


def hand_in(student: str) -> str:
    """The object of a hand-in."""
    return "term/26/" + names.attempt(Attempt("dl", student, "ps1", "0" * 32))


def page(student: str) -> str:
    """The object of a page of feedback."""
    return "term/26/" + names.feedback_page(FeedbackPage(Attempt("dl", student, "ps1", "0" * 32), "quiz"))


@settings(deadline=None)
@given(st.sampled_from(IDS), st.sampled_from(IDS))
def test_a_student_hands_in_and_reads_in_the_own_folder_only(me: str, other: str) -> None:
    own = me == other
    assert permits(GIVEN, who(me), "create", hand_in(other)) == own
    assert permits(GIVEN, who(me), "get", hand_in(other)) == own
    assert permits(GIVEN, who(me), "get", page(other)) == own
    assert not permits(GIVEN, who(me), "delete", hand_in(other))
    assert not permits(GIVEN, who(me), "create", page(other))


@pytest.mark.parametrize("student", IDS)
def test_a_student_reads_releases_and_lists_nothing_above(student: str) -> None:
    release = "term/26/" + names.release("dl", "ps1")
    assert permits(GIVEN, who(student), "get", release)
    assert permits(GIVEN, who(student), "list", "term/26/" + names.releases("dl"))
    assert not permits(GIVEN, who(student), "create", release)
    for above in ("", "term/26/", "term/26/dl/", "term/26/dl/inbound/", "term/26/dl/feedback/"):
        assert not permits(GIVEN, who(student), "list", above)


def test_a_grader_does_everything_in_this_course_and_nothing_in_another() -> None:
    assert all(permits(GIVEN, GRADER, what, hand_in("ada")) for what in ("get", "create", "delete"))
    assert permits(GIVEN, GRADER, "list", "term/26/dl/inbound/")
    assert not permits(GIVEN, GRADER, "list", "term/26/dl2/inbound/")
    assert not permits(GIVEN, "user:eve@example.org", "get", page("ada"))


def test_every_grant_is_one_command_after_its_folder() -> None:
    made = access.commands("gs://uni/term/26", GIVEN, "rule.json", location="europe-west3")
    lines = access.script(made).splitlines()
    assert lines[0].startswith("gcloud storage buckets create gs://uni --uniform-bucket-level-access")
    assert "--public-access-prevention" in lines[0]
    folder = "gs://uni/term/26/dl/inbound/ada/"
    create = lines.index(f"gcloud storage managed-folders create {folder}")
    bind = lines.index(
        f"gcloud storage managed-folders add-iam-policy-binding {folder} --member=user:ada@example.org "
        "--role=roles/storage.objectCreator"
    )
    assert create < bind
    assert sum("add-iam-policy-binding" in line for line in lines) == len(set(GIVEN))
    assert len(lines) == len(set(lines))


def test_old_work_is_removed_below_the_prefix_only() -> None:
    (rule,) = access.lifecycle("term/26")["rule"]
    assert rule["action"] == {"type": "Delete"}
    assert rule["condition"] == {"age": 730, "matchesPrefix": ["term/26/"]}
    assert "matchesPrefix" not in access.lifecycle()["rule"][0]["condition"]


@pytest.fixture
def gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for gcloud that notes what it is asked; bob's folder exists, and cleo's is refused."""
    notes = tmp_path / "notes.jsonl"
    program = tmp_path / "bin" / "gcloud"
    program.parent.mkdir()
    program.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"
        f"open({str(notes)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "if 'bob' in sys.argv[-1]: sys.exit('HTTPError 409: The managed folder already exists.')\n"
        "if 'dan' in sys.argv[-1]: sys.exit('ALREADY_EXISTS: The instance exists.')\n"
        "if 'eve' in sys.argv[-1]: sys.exit('NOT_FOUND: There is no such instance.')\n"
        "if 'cleo' in sys.argv[-1]: sys.exit('HTTPError 403: no permission')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return notes


def test_what_exists_is_left_and_a_second_run_goes_on(gcloud: Path) -> None:
    said: list[str] = []
    access.apply(
        [["gcloud", "create", "ada"], ["gcloud", "create", "bob"], ["gcloud", "bind", "ada"]], said.append
    )
    assert said == ["done: gcloud create ada", "there already: gcloud create bob", "done: gcloud bind ada"]
    assert [json.loads(line) for line in gcloud.read_text().splitlines()][-1] == ["bind", "ada"]


def test_instances_that_are_there_or_gone_already_stop_nothing(gcloud: Path) -> None:
    said: list[str] = []
    access.apply([["gcloud", "create", "dan"], ["gcloud", "delete", "eve"]], said.append)
    assert said == ["there already: gcloud create dan", "gone already: gcloud delete eve"]
    with pytest.raises(StorageError, match="NOT_FOUND"):
        access.apply([["gcloud", "start", "eve"]], said.append)


def test_a_refused_command_stops_and_is_quoted(gcloud: Path) -> None:
    with pytest.raises(StorageError, match=r"failed: gcloud create cleo\nHTTPError 403: no permission"):
        access.apply([["gcloud", "create", "cleo"], ["gcloud", "create", "ada"]], print)
    assert len(gcloud.read_text().splitlines()) == 1


def test_without_gcloud_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SettingsError, match=r"gcloud is not installed here\. Install the Google Cloud CLI"):
        access.apply([["gcloud"]], print)
