"""What the logs tell, and what they must not."""

import json
import logging
import re

import pytest
from django.core import mail
from django.test import Client

from teachkit.leaderboard import running
from teachkit.leaderboard.pages.logs import Lines
from teachkit.leaderboard.people.models import Invitation

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    """The log of the site as it is written."""
    found = []

    class Kept(logging.Handler):
        def emit(self, record):
            found.append(self.format(record))

    handler = Kept()
    handler.setFormatter(Lines())
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def test_a_request_is_logged_by_the_pattern_of_its_address(challenge, client, lines):
    client.get("/challenges/toy/board/?size=28")
    (told,) = (json.loads(line) for line in lines if '"request"' in line)
    assert (told["method"], told["route"], told["status"]) == ("GET", "challenges/<slug:slug>/board/", 200)
    assert told["milliseconds"] >= 0


def test_no_link_that_opens_something_gets_into_a_log(member_of, as_user, lines):
    """Opened, refused for want of a form's token, unknown, and in the message of an error."""
    owl = member_of("Owls")
    secret = Invitation.issue(owl.team, owl)
    Client().post("/register/", {"email": "new@example.org", "password": "a long horse", "agreed": "on"})
    Client().post("/password-reset/", {"email": owl.email})
    links = [re.search(r"http://testserver(\S+)", one.body).group(1) for one in mail.outbox]
    links = [*links, f"/join/{secret}/"]
    assert len(links) == 3
    strict = Client(enforce_csrf_checks=True)
    for link in links:
        strict.get(link)
        assert strict.post(link).status_code == 403
        strict.get(f"{link}more/")
        logging.getLogger("any").error("Internal Server Error: %s", link, extra={"path": link})
    secrets = [part for link in links for part in link.split("/") if len(part) > 20]
    assert len(secrets) == 3
    assert len(lines) > 9
    assert [secret for secret in secrets if secret in "".join(lines)] == []
    assert '"message": "Internal Server Error: /join/…"' in "".join(lines)


def test_the_web_server_keeps_no_log_of_addresses_of_its_own():
    assert not [word for word in running.web_server("127.0.0.1", 1) if "access" in word]
