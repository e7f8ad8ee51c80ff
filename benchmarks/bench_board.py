"""The leaderboard under load: a board of 10,000 entries, and uploads that are queued, over HTTP on loopback.

The site is that of `make site`: SQLite, and a web server of two processes. The same cores read and serve.
"""

import hashlib
import os
import random
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from statistics import quantiles
from time import perf_counter
from typing import Any

from bench_big import made_entry
from timing import Timing, report

ENTRIES, TEAMS, ROUNDS, WARM = 10_000, 1_000, 100, 20
BOARD = "/challenges/big/board/"
PLAIN = "best of each team"
PAGES = {
    PLAIN: BOARD,
    "all entries, page 50": f"{BOARD}?show=all&page=50",
    "mean rank over the sets": f"{BOARD}?view=ranks",
}
SENDERS, AT_ONCE = 20, 8
UPLOADS = {"a file of 160 kB": (160_000, 160), "a file of 4.4 MB": (4_400_000, 40)}
HOST = "127.0.0.1"


def main() -> None:
    """Fill a site, read its board, send files to it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TEACHKIT_SITE": folder, "DATABASE_URL": ""}
        from teachkit.leaderboard import running

        running.set_up()
        running.prepare(shipped=False)
        challenge = fill()
        with served() as port:
            read_board(port)
            send_files(port, challenge)


def fill() -> Any:
    """The BIG challenge with entries of chance, all scores of all sets, and labels, so that it is open."""
    from teachkit.leaderboard.challenges import opening
    from teachkit.leaderboard.people.models import Team
    from teachkit.leaderboard.submissions.models import Result, Score, Submission

    (challenge,) = opening.ship(("big",))
    opening.keep_labels(challenge, made_entry(challenge.suite)[0])
    drawn = random.Random(0)
    teams = [Team.objects.create(name=f"team {number}") for number in range(TEAMS)]
    entries = Submission.objects.bulk_create(
        (
            Submission(
                challenge=challenge,
                team=drawn.choice(teams),
                size=min(challenge.suite.sizes),
                state="scored",
                track=drawn.choice(("standard", "open")),
                model_name=f"net {number}",
                file_name="p.csv",
                sha256=f"{number:064}",
                bytes=1,
            )
            for number in range(ENTRIES)
        ),
        batch_size=500,
    )
    results = Result.objects.bulk_create(
        (Result(submission=entry, scorer="1", detail={}) for entry in entries), batch_size=500
    )
    Score.objects.bulk_create(
        (
            Score(
                result=result,
                submission=result.submission,
                challenge=challenge,
                size=result.submission.size,
                part="public",
                place=place,
                metric=metric,
                value=(value := drawn.random()),
                low=value - 0.01,
                high=value + 0.01,
            )
            for result in results
            for place in (*challenge.suite.names, "mean")
            for metric in ("auc", "balacc", "kappa", "acc", "calibration_error")
        ),
        batch_size=2_000,
    )
    return challenge


@contextmanager
def served() -> Iterator[int]:
    """The web server of the site; its port."""
    from teachkit.leaderboard import running

    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    quiet = subprocess.DEVNULL
    with subprocess.Popen(running.web_server(HOST, port), stdout=quiet, stderr=quiet) as process:
        try:
            while not _answers(port):
                if process.poll() is not None:
                    raise SystemExit("The web server has ended.")
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def get(port: int, path: str) -> float:
    """Seconds until the whole page is there, over a connection of its own."""
    began = perf_counter()
    with closing(HTTPConnection(HOST, port, timeout=60)) as asked:
        asked.request("GET", path)
        answer = asked.getresponse()
        answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} answered {answer.status}")
    return perf_counter() - began


def read_board(port: int) -> None:
    """Each page in turns, remembered; then after a change; then two readers at once."""
    from teachkit.leaderboard.submissions.models import Note, Submission

    seconds: dict[str, list[float]] = {name: [] for name in PAGES}
    for round_ in range(WARM + ROUNDS):
        for name, path in PAGES.items():
            taken = get(port, path)
            if round_ >= WARM:
                seconds[name].append(taken)
    entry = Submission.objects.all()[0]
    changed = {f"{name}, after a change": path for name, path in PAGES.items()}
    seconds |= {name: [] for name in changed}
    for _ in range(ROUNDS):
        for name, path in changed.items():
            Note.objects.create(submission=entry, action="show")
            seconds[name].append(get(port, path))
    for _ in range(WARM):
        get(port, BOARD)
    with ThreadPoolExecutor(2) as readers:
        seconds[f"{PLAIN}, two readers at once"] = list(
            readers.map(lambda _: get(port, BOARD), range(ROUNDS))
        )
    title = f"A board of {ENTRIES:,} entries of {TEAMS:,} teams: one page over HTTP, 2 web processes, SQLite"
    timings = [Timing(name, taken) for name, taken in seconds.items()]
    more = {one.name: {"seconds_at_p95": round(quantiles(one.seconds, n=20)[-1], 3)} for one in timings}
    report("board_page", title, PLAIN, timings, more)


def send_files(port: int, challenge: Any) -> None:
    """Uploads of random bytes, many at once; every one must be an entry with a job and its file."""
    from django.utils import timezone

    from teachkit.leaderboard.people.models import Membership, Team, Token, User

    challenge.per_day = challenge.in_all = 10_000
    challenge.save()
    tokens = []
    for number in range(SENDERS):
        user = User.objects.create_user(f"{number}@example.org", confirmed=timezone.now())
        Membership.objects.create(user=user, team=Team.objects.create(name=f"sender {number}"))
        tokens.append(Token.issue(user, "benchmark"))
    timings, more = [], {}
    for name, (size, count) in UPLOADS.items():
        each = [send_round(port, tokens, size, count) for _ in range(3)]
        timings.append(Timing(name, each))
        more[name] = {"queued_a_second": round(1 / timings[-1].median, 1), "lost": 0}
    title = (
        f"An upload to the queue over HTTP, {SENDERS} teams, {AT_ONCE} files at once, 2 web processes, SQLite"
    )
    report("board_upload", title, next(iter(UPLOADS)), timings, more)


def send_round(port: int, tokens: list[str], size: int, count: int) -> float:
    """Seconds of the wall for each of `count` files that are sent by `AT_ONCE` senders."""
    import requests

    from teachkit.leaderboard.submissions.models import Submission

    contents = [secrets.token_bytes(size) for _ in range(count)]
    address = f"http://{HOST}:{port}/api/challenges/big/submissions/"

    def send(number: int) -> int:
        answer = requests.post(
            address,
            data={"model_name": "net", "size": 28},
            files={"file": ("p.csv.gz", contents[number])},
            headers={"Authorization": f"Bearer {tokens[number % len(tokens)]}"},
            timeout=120,
        )
        return answer.status_code

    began = perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as senders:
        statuses = list(senders.map(send, range(count)))
    taken = (perf_counter() - began) / count
    hashes = {hashlib.sha256(content).hexdigest() for content in contents}
    there = Submission.objects.filter(sha256__in=hashes, jobs__state="waiting")
    whole = [hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256 for one in there]
    if set(statuses) != {202} or len(whole) != count or not all(whole):
        raise SystemExit(f"Of {count} files {statuses.count(202)} were taken, {sum(whole)} are there.")
    return taken


def _answers(port: int) -> bool:
    try:
        return get(port, "/healthz") > 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
