"""Accounts, teams, invitations, passwords: what works, and what must not."""

import json
import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from teachkit.leaderboard.people.models import Invitation, Membership, Team, Token, User
from teachkit.leaderboard.people.throttling import address_of

pytestmark = pytest.mark.django_db
PASSWORD = "a long horse in winter"


def register(email, password=PASSWORD):
    return Client().post("/register/", {"email": email, "password": password, "agreed": "on"})


def link_of(message):
    return re.search(r"http://testserver(\S+)", message.body).group(1)


def test_registering_and_confirming_logs_in_and_works_once():
    register("Owl@Example.org")
    client = Client()
    link = link_of(mail.outbox[0])
    assert "Yes, confirm it" in client.get(link).content.decode()
    assert User.objects.get().confirmed is None
    assert client.post(link)["Location"] == "/profile/"
    assert User.objects.get(email="owl@example.org").confirmed is not None
    assert client.get("/profile/").status_code == 200
    assert Client().post(link).status_code == 410


def test_nobody_can_find_out_who_has_an_account(member_of):
    member_of("Owls")
    known, unknown = register("owls@example.org"), register("nobody@example.org")
    shown = [re.sub(r"\w+@example.org", "", one.content.decode()) for one in (known, unknown)]
    assert known.status_code == unknown.status_code == 200
    assert shown[0] == shown[1]
    assert [one.subject for one in mail.outbox] != [mail.outbox[0].subject] * 2
    wrong = [
        Client().post("/login/", {"username": name, "password": "wrong password"}).content.decode()
        for name in ("owls@example.org", "nobody2@example.org")
    ]
    plain = [re.sub(r'value="[^"]*"', "", one) for one in wrong]
    assert plain[0] == plain[1]
    asked = [
        Client().post("/password-reset/", {"email": name}) for name in ("owls@example.org", "no@example.org")
    ]
    assert asked[0]["Location"] == asked[1]["Location"]


@pytest.mark.parametrize("password", ["short", "password1234", "1234567890123", "owl@example.org"])
def test_weak_passwords_are_refused(password):
    assert "owl@example.org" in register("owl@example.org", password).content.decode()
    assert User.objects.count() == 0


def test_a_password_is_stored_as_argon2(settings):
    from teachkit.leaderboard.settings import base

    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    user = User.objects.create_user("owl@example.org", PASSWORD)
    assert user.password.startswith("argon2")
    assert user.check_password(PASSWORD)


def test_after_eight_wrong_passwords_even_the_right_one_waits(member_of):
    member_of("Owls")
    member_of("Foxes")
    client = Client()
    for _ in range(8):
        last = client.post("/login/", {"username": "owls@example.org", "password": "wrong"})
    assert last.status_code == 429
    right = client.post("/login/", {"username": "OWLS@example.org", "password": PASSWORD})
    assert right.status_code == 429
    other = Client(REMOTE_ADDR="192.0.2.7").post(
        "/login/", {"username": "owls@example.org", "password": PASSWORD}
    )
    assert other.status_code == 302


def test_the_session_changes_at_login_and_ends_at_logout(member_of):
    member_of("Owls")
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post("/login/", {"username": "owls@example.org", "password": PASSWORD})
    after = client.cookies["sessionid"].value
    assert after != planted
    client.post("/logout/")
    thief = Client()
    thief.cookies["sessionid"] = after
    assert thief.get("/profile/").status_code == 302


def test_a_reset_link_works_once_and_ends_other_sessions(member_of, as_user):
    owl = member_of("Owls")
    elsewhere = as_user(owl)
    Client().post("/password-reset/", {"email": "owls@example.org"})
    link = link_of(mail.outbox[0])
    client = Client()
    form = client.get(link)["Location"]
    new = {"new_password1": "another long sentence", "new_password2": "another long sentence"}
    assert client.post(form, new).status_code == 302
    assert "is over" in Client().get(link, follow=True).content.decode()
    assert elsewhere.get("/profile/").status_code == 302
    owl.refresh_from_db()
    assert owl.check_password("another long sentence")


def test_an_invitation_lets_one_person_in_once(member_of, as_user):
    owl = member_of("Owls")
    page = as_user(owl).post("/team/invite/").content.decode()
    link = re.search(r"http://testserver(/join/\S+/)<", page).group(1)
    assert link.split("/")[2] not in str(Invitation.objects.values())
    first, second = (
        User.objects.create_user(f"{name}@example.org", PASSWORD, confirmed=timezone.now())
        for name in ("first", "second")
    )
    assert as_user(first).post(link)["Location"] == "/team/"
    assert first.team == owl.team
    assert as_user(second).post(link).status_code == 410
    assert second.team is None


def test_a_person_is_in_one_team(member_of, as_user):
    owl, fox = member_of("Owls"), member_of("Foxes")
    secret = Invitation.issue(fox.team, fox)
    as_user(owl).post(f"/join/{secret}/")
    as_user(owl).post("/team/new/", {"name": "Second team"})
    assert owl.team.name == "Owls"
    assert Membership.objects.filter(user=owl).count() == 1
    assert Invitation.open(secret) is not None  # not used up by who could not join


@pytest.mark.parametrize("name", ["OWLS", " owls ", "Ｏwls", "o", "", "x" * 61, "a\u202eb"])
def test_names_of_teams_that_look_alike_or_cannot_be_printed_are_refused(member_of, as_user, name):
    member_of("Owls")
    user = User.objects.create_user("x@example.org", PASSWORD, confirmed=timezone.now())
    as_user(user).post("/team/new/", {"name": name})
    assert Team.objects.count() == 1


def test_a_member_cannot_do_what_the_owner_can(member_of, as_user):
    owl = member_of("Owls")
    member = member_of("Owls", "second@example.org")
    client = as_user(member)
    assert client.post("/team/invite/").status_code == 403
    assert client.post("/team/rename/", {"name": "Mine"}).status_code == 403
    assert client.post(f"/team/members/{owl.membership.pk}/leave/").status_code == 403
    assert as_user(owl).post(f"/team/members/{member.membership.pk}/leave/").status_code == 302
    assert member.team is None


def test_the_team_of_an_owner_who_leaves_gets_another_owner(member_of, as_user):
    owl = member_of("Owls")
    heir = member_of("Owls", "second@example.org")
    as_user(owl).post(f"/team/members/{owl.membership.pk}/leave/")
    assert Membership.objects.get(user=heir).owner


def test_my_data_hold_all_of_mine_and_nothing_of_others(challenge, member_of, hand_in, file_of, as_user):
    owl, _ = member_of("Owls"), member_of("Foxes")
    secret = Token.issue(owl, "laptop")
    hand_in(owl, challenge, file_of("mine.csv"))
    text = as_user(owl).get("/profile/data/").content.decode()
    told = json.loads(text)
    assert told["email"] == "owls@example.org"
    assert told["submissions"][0]["file"] == "mine.csv"
    assert "foxes" not in text.lower()
    assert secret not in text
    assert owl.password not in text


def test_deleting_an_account_needs_the_password_and_keeps_the_entries(
    challenge, member_of, hand_in, file_of, score_here, as_user, client
):
    owl = member_of("Owls")
    hand_in(owl, challenge, file_of())
    score_here()
    page = as_user(owl)
    assert page.post("/profile/close/", {"password": "wrong"}).status_code == 403
    assert page.post("/profile/close/", {"password": PASSWORD}).status_code == 302
    assert not User.objects.filter(email="owls@example.org").exists()
    assert "Owls" in client.get("/challenges/toy/board/").content.decode()


def test_an_account_that_is_not_confirmed_cannot_submit(challenge, member_of, hand_in, file_of):
    owl = member_of("Owls")
    User.objects.filter(pk=owl.pk).update(confirmed=None)
    owl.refresh_from_db()
    answer = hand_in(owl, challenge, file_of())
    assert "not confirmed" in answer.content.decode()


def test_logs_never_hold_a_secret():
    import logging

    from teachkit.leaderboard.pages.logs import Lines

    record = logging.makeLogRecord({"msg": "scored", "job": 3, "api_token": "tk_x", "user_email": "a@b.c"})
    told = json.loads(Lines().format(record))
    assert told["job"] == 3
    assert "tk_x" not in str(told)
    assert "a@b.c" not in str(told)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, "6.6.6.6", "10.0.0.9"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (1, "", "10.0.0.9"),
        (2, "203.0.113.7", "10.0.0.9"),
        (1, "6.6.6.6, nonsense", "10.0.0.9"),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_the_address_of_a_visitor_is_what_the_trusted_proxies_say(settings, rf, proxies, forwarded, counted):
    settings.TRUSTED_PROXIES = proxies
    more = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert address_of(rf.get("/", REMOTE_ADDR="10.0.0.9", **more)) == counted


def test_wrong_passwords_from_one_place_lock_nobody_out_elsewhere(member_of, settings):
    settings.TRUSTED_PROXIES = 1
    owl = member_of("Owls")

    def log_in(password, origin):
        told = {"username": owl.email, "password": password}
        # the sender changes what he may write himself with every try
        forwarded = f"{origin.count('.')}.1.1.{len(password)}, {origin}"
        return Client(headers={"x-forwarded-for": forwarded}).post("/login/", told).status_code

    tries = [log_in("x" * count, "203.0.113.7") for count in range(1, 9)]
    assert tries[-1] == 429
    assert log_in(PASSWORD, "203.0.113.7") == 429
    assert log_in(PASSWORD, "198.51.100.4") == 302
