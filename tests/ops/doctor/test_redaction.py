"""Planted secrets do not survive; ordinary words do."""

import getpass
import platform
from types import SimpleNamespace

import pytest

from teachkit.ops.doctor import redaction
from teachkit.ops.doctor.redaction import Redaction

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0\n-----END PRIVATE KEY-----"
PLANTED = {
    "token of a user's sign-in": "ya29.a0AfH6SMBx-1234567890abc",
    "key of an API": "AIzaSyD-1234567890abcdefghijklmnopqrstu",
    "key of a code host": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "refresh token": "1//0gabcdefGHIJ1234567",
    "client secret": "GOCSPX-abcdefghijkl",
    "key of a cloud": "AKIAIOSFODNN7EXAMPLE",
    "signed claims": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
    "private key": PEM,
    "hexadecimal secret": HEX,
    "opaque text": "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA",
    "mail": "ada.lovelace+lab@uni-example.ac.uk",
}


@pytest.fixture
def plain() -> Redaction:
    """Knows no variables."""
    return Redaction({})


@pytest.mark.parametrize("kind", PLANTED)
def test_what_has_the_form_of_a_secret_is_removed(plain: Redaction, kind: str) -> None:
    secret = PLANTED[kind]
    shown = plain.text(f"before {secret} after, '{secret}', [{secret}]")
    for part in secret.split():
        if "-----" not in part and part not in {"PRIVATE", "KEY"}:
            assert part not in shown
    assert shown.startswith("before ")
    if secret != PEM:
        assert " after, " in shown


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "PASSWORD: hunter2",
        'api_key = "hunter2"',
        "{'client_secret': 'hunter2'}",
        "https://127.0.0.1:8888/lab?token=hunter2&x=1",
        "postgres://ada:hunter2@db.example.org/board",
        "Authorization: Bearer hunter2",
    ],
    ids=range(7),
)
def test_what_follows_a_telling_word_is_removed(plain: Redaction, text: str) -> None:
    assert "hunter2" not in plain.text(text)


def test_values_of_variables_with_telling_names_are_removed_wherever_they_stand() -> None:
    around = {
        "MY_API_KEY": "k.short",
        "TEACHKIT_STUDENT": "ada7",
        "TEACHKIT_SECRET_FLAG": "1",
        "SSH_AUTH_SOCK": "",
        "KEYBOARD": "true",
        "LANG": "C.UTF-8",
    }
    shown = Redaction(around).text("k.short of ada7 said true 1 in C.UTF-8, not ada77")
    assert shown == "[MY_API_KEY] of [TEACHKIT_STUDENT] said true 1 in C.UTF-8, not ada77"


def test_a_name_in_an_address_takes_the_whole_address_with_it() -> None:
    assert Redaction({"TEACHKIT_STUDENT": "ada"}).text("ada@uni.org, ada") == "[removed], [TEACHKIT_STUDENT]"


def test_a_secret_that_looks_like_an_address_goes_whole() -> None:
    assert Redaction({"DB_PASSWORD": "a@b.c!horse"}).text("x a@b.c!horse y") == "x [DB_PASSWORD] y"


def test_home_user_and_host_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/people/adl")
    monkeypatch.setattr(getpass, "getuser", lambda: "adl")
    entry = SimpleNamespace(pw_gecos="Ada Lovelace,,,")
    monkeypatch.setattr(redaction.pwd, "getpwnam", lambda name: {"adl": entry}[name])
    monkeypatch.setattr(platform, "node", lambda: "adas-laptop.uni.org")
    shown = Redaction({}).text(
        "/srv/people/adl/x.py by adl (Ada Lovelace) on adas-laptop.uni.org, alias adas-laptop; adler"
    )
    assert shown == "~/x.py by [user] ([user]) on [host], alias [host]; adler"


def test_a_user_without_an_entry_is_replaced_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "uid-1234")
    assert Redaction({}).text("by uid-1234") == "by [user]"


def test_a_long_secret_is_found_inside_of_words() -> None:
    assert Redaction({"MY_KEY": "hunter2hunter"}).text("xhunter2huntery") == "x[MY_KEY]y"


def test_homes_of_others_are_replaced_too(plain: Redaction) -> None:
    assert plain.text("File '/home/bob/course/a.py', /Users/eve/b.py") == "File '~/course/a.py', ~/b.py"


def test_a_shared_user_keeps_its_name_because_it_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jupyter")
    monkeypatch.setattr(getpass, "getuser", lambda: "jupyter")
    assert Redaction({}).text("jupyter lab in /home/jupyter/x") == "jupyter lab in ~/x"


@pytest.mark.parametrize(
    "text",
    [
        'File "teachkit/course/records.py", line 12, in read_results',
        "FormatError: the label 9 has no output, the model has 9 of 128.",
        "google-cloud-aiplatform==2.7.0",
        "test_a_frozen_arm_leaves_the_batch_normalisation_untouched",
        "torch 2.15.0+cu132, driver 580.65.06, NVIDIA A100-SXM4-40GB",
        "tokens = 12; the keyboard; author: a lecture",
        "auc 0.9312 [0.91, 0.95]",
    ],
    ids=range(7),
)
def test_ordinary_words_stay(plain: Redaction, text: str) -> None:
    assert plain.text(text) == text


def test_colours_of_a_terminal_go(plain: Redaction) -> None:
    assert plain.text("\x1b[0;31mKeyError\x1b[0m: 'x'") == "KeyError: 'x'"


def test_everything_that_json_holds_is_cleaned(plain: Redaction) -> None:
    content = {
        "values": [{"note": "write to ada@uni.org"}, 3, None, True],
        "client_secret": "hunter2",
        "n": 1.5,
    }
    assert plain.content(content) == {
        "values": [{"note": f"write to {redaction.REMOVED}"}, 3, None, True],
        "client_secret": redaction.REMOVED,
        "n": 1.5,
    }
