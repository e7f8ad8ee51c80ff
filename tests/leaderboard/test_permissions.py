"""Who may do what: every address for a stranger, a member, another team and the people who run the site."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from teachkit.leaderboard.people.models import Invitation, Membership, Token
from teachkit.leaderboard.submissions.models import Submission

pytestmark = pytest.mark.django_db
LOGIN = "login"
# address -> answers to GET for: stranger, member, other team, staff
READ = {
    "/": (200, 200, 200, 200),
    "/challenges/toy/": (200, 200, 200, 200),
    "/challenges/toy/board/": (200, 200, 200, 200),
    "/challenges/toy/submit/": (LOGIN, 200, 200, 200),
    "/submissions/": (LOGIN, 200, 200, 200),
    "/submissions/{waiting}/": (404, 200, 404, 200),
    "/submissions/{waiting}/state/": (404, 200, 404, 200),
    "/submissions/{waiting}/file/": (LOGIN, 200, 404, 200),
    "/submissions/{scored}/": (200, 200, 200, 200),
    "/submissions/{scored}/state/": (200, 200, 200, 200),
    "/submissions/{scored}/file/": (LOGIN, 200, 403, 200),
    "/submissions/{hidden}/": (404, 200, 404, 200),
    "/submissions/{waiting}/scores.json": (404, 404, 404, 404),
    "/submissions/{scored}/scores.json": (200, 200, 200, 200),
    "/submissions/{hidden}/scores.json": (404, 200, 404, 200),
    "/submissions/{scored}/auc-lines.svg": (200, 200, 200, 200),
    "/submissions/{scored}/auc-lines.svg?with={hidden}": (404, 200, 404, 200),
    "/submissions/{scored}/sets/breast-standing.svg": (200, 200, 200, 200),
    "/submissions/{hidden}/sets/breast-confusion.png": (404, 200, 404, 200),
    "/submissions/{waiting}/sets/breast-standing.svg": (404, 404, 404, 404),
    "/submissions/{scored}/hide/": (404, 404, 404, 405),
    "/compare/": (200, 200, 200, 200),
    "/compare/?a={scored}&b={hidden}": (404, 200, 404, 200),
    "/moderation/": (404, 404, 404, 200),
    "/scores/": (200, 200, 200, 200),
    "/datasets/": (200, 200, 200, 200),
    "/datasets/breast.png": (404, 404, 404, 404),
    "/research/": (200, 200, 200, 200),
    "/api/challenges/toy/": (200, 200, 200, 200),
    "/api/challenges/toy/submissions/": (401, 401, 401, 401),
    "/api/submissions/{waiting}/": (401, 401, 401, 401),
    "/register/": (200, 302, 302, 302),
    "/confirm/nonsense/": (410, 410, 410, 410),
    "/login/": (200, 200, 200, 200),
    "/logout/": (405, 405, 405, 405),
    "/profile/": (LOGIN, 200, 200, 200),
    "/profile/tokens/": (LOGIN, 405, 405, 405),
    "/profile/tokens/{token}/drop/": (LOGIN, 405, 405, 405),
    "/profile/data/": (LOGIN, 200, 200, 200),
    "/profile/close/": (LOGIN, 200, 200, 200),
    "/team/": (LOGIN, 200, 200, 302),
    "/team/new/": (LOGIN, 405, 405, 405),
    "/team/rename/": (LOGIN, 405, 405, 405),
    "/team/invite/": (LOGIN, 405, 405, 405),
    "/team/invitations/{invitation}/withdraw/": (LOGIN, 405, 405, 405),
    "/team/members/{member}/leave/": (LOGIN, 405, 405, 405),
    "/join/nonsense/": (LOGIN, 410, 410, 410),
    "/healthz": (200, 200, 200, 200),
    "/privacy/": (200, 200, 200, 200),
    "/about/": (200, 200, 200, 200),
    "/password-reset/": (200, 200, 200, 200),
    "/password-reset/sent/": (200, 200, 200, 200),
    "/password-reset/x/y/": (200, 200, 200, 200),
    "/password-reset/done/": (200, 200, 200, 200),
}
# address -> answers to POST without any field, for: stranger, member, other team, staff
WRITE = {
    "/register/": (200, 302, 302, 302),
    "/confirm/nonsense/": (410, 410, 410, 410),
    "/login/": (200, 200, 200, 200),
    "/logout/": (302, 302, 302, 302),
    "/password-reset/": (200, 200, 200, 200),
    "/password-reset/x/y/": (200, 200, 200, 200),
    "/profile/tokens/": (LOGIN, 302, 302, 302),
    "/team/new/": (LOGIN, 302, 302, 302),
    "/join/nonsense/": (LOGIN, 410, 410, 410),
    "/api/challenges/toy/submissions/": (401, 401, 401, 401),
    "/api/submissions/{waiting}/": (401, 401, 401, 401),
    "/profile/tokens/{token}/drop/": (LOGIN, 302, 404, 404),
    "/team/invitations/{invitation}/withdraw/": (LOGIN, 302, 404, 403),
    "/team/members/{member}/leave/": (LOGIN, 302, 404, 403),
    "/team/rename/": (LOGIN, 302, 302, 403),
    "/team/invite/": (LOGIN, 200, 200, 403),
    "/profile/close/": (LOGIN, 403, 403, 403),
    "/submissions/{scored}/hide/": (404, 404, 404, 302),
    "/submissions/{scored}/verify/": (404, 404, 404, 302),
    "/submissions/{scored}/settle/": (404, 404, 404, 302),
    "/submissions/{scored}/nonsense/": (404, 404, 404, 404),
    "/challenges/toy/submit/": (LOGIN, 400, 400, 400),
}
POSTED = [address for address in READ if "api" not in address and address not in ("/healthz",)]


@pytest.fixture
def names(challenge, member_of, hand_in, file_of, score_here):
    """What the addresses above name, all of the team of the first member."""
    owl = member_of("Owls")
    hand_in(owl, challenge, file_of("a.csv", seed=1))
    score_here()
    hand_in(owl, challenge, file_of("b.csv", seed=2))
    score_here()
    scored, hidden = Submission.objects.order_by("pk")
    Submission.objects.filter(pk=hidden.pk).update(hidden=True)
    hand_in(owl, challenge, file_of("c.csv", seed=3))
    Token.issue(owl, "laptop")
    Invitation.issue(owl.team, owl)
    return owl, {
        "scored": scored.pk,
        "hidden": hidden.pk,
        "waiting": Submission.objects.latest("pk").pk,
        "token": Token.objects.get().pk,
        "invitation": Invitation.objects.get().pk,
        "member": Membership.objects.get(user=owl).pk,
    }


@pytest.fixture
def people(names, member_of, staff):
    return (None, names[0], member_of("Foxes"), staff)


def seen(answer):
    """The status, or that the login page is asked for."""
    return (
        LOGIN
        if answer.status_code == 302 and answer["Location"].startswith("/login/")
        else answer.status_code
    )


def test_what_each_kind_of_person_may_read(names, people, as_user):
    browsers = [as_user(person) for person in people]
    found = {
        address: tuple(seen(browser.get(address.format(**names[1]))) for browser in browsers)
        for address in READ
    }
    assert found == READ


@pytest.mark.parametrize("address", WRITE)
def test_what_each_kind_of_person_may_change(names, people, as_user, address):
    # the owner comes last: after that the thing is gone
    order = (0, 2, 3, 1)
    found = {index: seen(as_user(people[index]).post(address.format(**names[1]))) for index in order}
    assert tuple(found[index] for index in range(4)) == WRITE[address]


def test_the_tables_above_name_every_address_of_the_site():
    told = {_shape(address.partition("?")[0]) for address in READ}
    assert told == {_shape(f"/{pattern.pattern._route}") for pattern in get_resolver().url_patterns}


def test_the_tables_above_name_every_address_that_takes_a_form(names, people, as_user):
    """A new page that changes something and stands in no table makes this fail."""
    written = {_shape(address) for address in WRITE}
    browsers = [as_user(person) for person in people]
    for address in READ:
        if _shape(address.partition("?")[0]) not in written:
            answers = [seen(browser.post(address.format(**names[1]))) for browser in browsers]
            assert set(answers) <= {LOGIN, 404, 405}, address
            assert answers[3] != LOGIN, address


def test_a_form_that_another_site_sends_is_refused(names):
    client = Client(enforce_csrf_checks=True)
    client.force_login(names[0], backend="django.contrib.auth.backends.ModelBackend")
    for address in POSTED:
        answer = client.post(address.format(**names[1]))
        # 403: refused for want of the token. 405: the page takes no form at all.
        assert answer.status_code in (403, 405), address
        if answer.status_code == 405:
            assert "POST" not in answer["Allow"], address


VARIABLE = {"toy", "nonsense", "hide", "breast.png", "x", "y"}
FIGURE = re.compile(r"\w+-\w+\.(svg|png)|\*-\*\.\*|\*\.png")


def _shape(address: str) -> str:
    """The address with a star for every part that changes."""
    parts = re.sub(r"<[^>]*>|\{[^}]*\}", "*", address).split("/")
    return "/".join("*" if part in VARIABLE or FIGURE.fullmatch(part) else part for part in parts)
