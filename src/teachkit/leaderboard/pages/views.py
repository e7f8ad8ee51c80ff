"""Pages that explain, and the health of the site."""

import errno
import logging
import sys

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from teachkit.leaderboard.board.table import Filter as BoardFilter
from teachkit.leaderboard.board.table import board
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions import models

log = logging.getLogger(__name__)
TOP = 5
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
AGAIN = (
    "Try again in a minute. What came through all the same is under My submissions; it never counts twice."
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the site is for, and the first places of each board."""
    now = models.now()
    tops = []
    for challenge in Challenge.objects.all()[:6]:
        table = board(challenge, BoardFilter.read(challenge, {"size": str(max(challenge.suite.sizes))}), now)
        tops.append((challenge, table, table.page(1)[:TOP]))
    return render(request, "pages/home.html", {"tops": tops})


@require_safe
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """One challenge: what is asked, the rules, the dates and the limits."""
    found = get_object_or_404(Challenge, slug=slug)
    told = {"challenge": found, "closed": found.closed_because(models.now())}
    return render(request, "pages/challenge.html", told)


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Whether the site can work: for machines that watch it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.error("health: no database", extra={"reason": type(error).__name__})
        return JsonResponse({"database": False}, status=503)
    waiting = models.Job.objects.filter(state=models.Job.State.WAITING).order_by("created").first()
    age = (models.now() - waiting.created).total_seconds() if waiting else 0
    return JsonResponse({"database": True, "oldest_waiting_seconds": round(age, 1)})


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: sent by another site, or older than the session."""
    told = {
        "why": "This form is too old, or was not sent from here. Go back, load the page again, and retry."
    }
    return render(request, "pages/refused.html", told, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """A page that broke: 503 and the reason when the database is away or the disk is full, else 500.

    Nothing here asks the database; Django calls it while the error is being handled.
    """
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError):
        what = "The database of this site is away for the moment."
    elif isinstance(error, OSError) and error.errno in FULL:
        what = "The disk of this site is full."
    else:
        return HttpResponse(render_to_string("500.html"), status=500)
    if request.path.startswith("/api/"):
        answer: HttpResponse = JsonResponse({"error": what, "remedy": AGAIN}, status=503)
    else:
        answer = HttpResponse(render_to_string("503.html", {"what": what, "again": AGAIN}), status=503)
    answer["Retry-After"] = "60"
    return answer
