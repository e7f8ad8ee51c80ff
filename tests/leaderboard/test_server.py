"""Web server or database die while a file comes in: the entry is not lost, and it does not count twice."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from teachkit.leaderboard import running
from teachkit.leaderboard.people.models import Team, Token
from teachkit.leaderboard.submissions import limits, upkeep
from teachkit.leaderboard.submissions.models import Job, Result, Submission

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE_SECONDS = 90


def wait_for(what: Callable[[], Any], missing: str) -> Any:
    """What `what` gives as soon as it gives something."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < end, missing
        time.sleep(0.01)
    return found


class Server:
    """The web server of `make site`: a main process and two of its children, in a group of their own."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port = port
        self.environment = environment
        self.start()

    def start(self, *around: object) -> None:
        """Start it, perhaps inside another command."""
        self.process = subprocess.Popen(
            [*around, *running.web_server("127.0.0.1", self.port)],
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.answers, "the web server does not answer")

    def answers(self) -> bool:
        assert self.process.poll() is None, "the web server has ended"
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as asked:
                asked.request("GET", "/healthz")
                return asked.getresponse().status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """All its processes at once, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)


@pytest.fixture
def arriving(tmp_path):
    """The folder in which an upload lies while it comes."""
    (tmp_path / "arriving").mkdir()
    return tmp_path / "arriving"


@pytest.fixture
def server(environment, free_port, arriving):
    started = Server(free_port, {**environment, "TMPDIR": str(arriving)})
    yield started
    if started.process.poll() is None:
        started.kill()


@pytest.fixture
def content(file_of):
    """A good file, with so many zeros at the end of numbers that a server reads it in several steps."""
    longer = re.sub(r"(?m)^(\w+,\d+,0\.\d+)(?=,)", lambda found: found[0] + "0" * 1700, file_of().read_text())
    assert len(longer) > 200_000
    return longer.encode()


@pytest.fixture
def request_bytes(challenge, member_of, content):
    """The whole of one upload as it goes over the line."""
    token = Token.issue(member_of("Owls"), "test")
    line = "--edge-of-a-part"
    parts = [
        f'{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("model_name", "net"), ("size", "28"))
    ]
    parts.append(f'{line}\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n')
    body = "".join(parts).encode() + content + f"\r\n{line}--\r\n".encode()
    head = [
        "POST /api/challenges/toy/submissions/ HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        f"Content-Type: multipart/form-data; boundary={line[2:]}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def send(server, request_bytes):
    """The status and the text of the answer."""
    with server.connect() as line:
        line.sendall(request_bytes)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    return int(answer.split()[1]), answer.decode()


def half_way(server, request_bytes, arriving):
    """A connection over which half of the file has gone, and the other half."""
    line = server.connect()
    middle = len(request_bytes) // 2
    line.sendall(request_bytes[:middle])
    wait_for(
        lambda: [one for one in arriving.glob("*.upload*") if one.stat().st_size],
        "no part of the file is there",
    )
    return line, request_bytes[middle:]


def once_and_whole(challenge, content, score_here):
    """One entry, one slot, one job, the file as it was sent, and one result however often workers look."""
    entry = Submission.objects.get()
    assert entry.path.read_bytes() == content
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert limits.room(entry.team, challenge, timezone.now()).today == challenge.per_day - 1
    assert Job.objects.count() == 1
    assert (score_here(), score_here()) == (1, 0)
    assert Submission.objects.get().state == "scored"
    assert Result.objects.count() == 1


def test_half_a_file_uses_no_slot_and_can_be_sent_again(
    server, request_bytes, arriving, challenge, content, score_here
):
    line, _ = half_way(server, request_bytes, arriving)
    server.kill()
    line.close()
    assert (Submission.objects.count(), Job.objects.count()) == (0, 0)
    server.start()
    status, text = send(server, request_bytes)
    assert status == 202, text
    once_and_whole(challenge, content, score_here)


def test_a_file_that_is_stored_and_not_yet_an_entry_can_be_sent_again(
    server, request_bytes, arriving, challenge, content, score_here, site, held_back
):
    """The server dies while it waits for the database; the file that is left over goes within days."""
    line, rest = half_way(server, request_bytes, arriving)
    with held_back(Team):
        line.sendall(rest)
        left_over: Path = wait_for(
            lambda: [one for one in (site / "uploads").glob("*") if not one.suffix], "the file is not stored"
        )[0]
        server.kill()
    line.close()
    assert left_over.read_bytes() == content
    assert (Submission.objects.count(), Job.objects.count()) == (0, 0)
    server.start()
    status, text = send(server, request_bytes)
    assert status == 202, text
    once_and_whole(challenge, content, score_here)
    os.utime(left_over, (0, 0))
    assert upkeep.forget(timezone.now())["files"] == 1
    assert not left_over.exists()
    assert Submission.objects.get().path.is_file()


def test_an_entry_whose_answer_was_lost_is_there_and_refuses_its_twin(
    server, request_bytes, challenge, content, score_here
):
    with server.connect() as line:
        line.sendall(request_bytes)
        wait_for(Submission.objects.exists, "no entry is written")
        server.kill()
    number = Submission.objects.get().pk
    server.start()
    status, text = send(server, request_bytes)
    assert status == 409, text
    assert f"as submission {number}" in text
    once_and_whole(challenge, content, score_here)


def test_a_database_that_starts_again_in_the_middle_of_an_upload_loses_nothing(
    server, request_bytes, arriving, challenge, content, score_here, restart_database
):
    line, rest = half_way(server, request_bytes, arriving)
    restart_database()
    with line:
        line.sendall(rest)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    status = int(answer.split()[1])
    if status != 202:  # the connection that the request had begun with is gone
        assert status == 503
        assert b"Try again in a minute" in answer
        assert Submission.objects.count() == 0
        assert send(server, request_bytes)[0] == 202
    once_and_whole(challenge, content, score_here)


def test_a_gigabyte_is_refused_at_once_and_the_server_goes_on(
    server, request_bytes, challenge, content, score_here
):
    said = re.search(rb"Content-Length: (\d+)", request_bytes)
    with server.connect() as line:
        line.sendall(request_bytes[: said.start(1)] + b"%d" % 2**30 + request_bytes[said.end(1) :])
        answer = line.recv(65536)
    assert b" 413 " in answer.splitlines()[0]
    assert Submission.objects.count() == 0
    assert send(server, request_bytes)[0] == 202
    once_and_whole(challenge, content, score_here)


def test_a_file_that_ends_before_its_stated_length_uses_no_slot(
    server, request_bytes, arriving, challenge, content, score_here
):
    line, _ = half_way(server, request_bytes, arriving)
    line.close()
    wait_for(lambda: not list(arriving.glob("*.upload*")), "the part that came is still there")
    assert (Submission.objects.count(), Job.objects.count()) == (0, 0)
    assert send(server, request_bytes)[0] == 202
    once_and_whole(challenge, content, score_here)


@pytest.mark.parametrize("full", ["where it arrives", "where it stays"])
def test_a_disk_that_is_really_full_takes_nothing_and_says_so(
    server, request_bytes, arriving, challenge, content, score_here, site, need_tool, full
):
    bwrap = need_tool("bwrap", "bubblewrap")
    (site / "uploads").mkdir()
    folder = arriving if full == "where it arrives" else site / "uploads"
    assert len(content) > 2 * 65536
    server.kill()
    server.start(bwrap, "--die-with-parent", "--dev-bind", "/", "/", "--size", "65536", "--tmpfs", folder)
    status, text = send(server, request_bytes)
    assert status == 503, text
    assert "The disk of this site is full." in text
    assert (Submission.objects.count(), Job.objects.count()) == (0, 0)
    server.kill()
    server.start()
    assert send(server, request_bytes)[0] == 202
    once_and_whole(challenge, content, score_here)
