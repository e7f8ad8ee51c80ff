"""Chores of the people who run the site: score again, and forget what is too old."""

import logging
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people import privacy
from teachkit.leaderboard.people.models import Invitation, User
from teachkit.leaderboard.submissions.models import Job, Submission
from teachkit.leaderboard.submissions.versions import scorer_of

log = logging.getLogger(__name__)
NEVER_CONFIRMED = timedelta(days=30)
NOT_USED = timedelta(days=3 * 365)
STRAY_FILE = timedelta(days=1)


def rescore(challenge: Challenge) -> int:
    """Queue every entry that the scorer of today has not scored; how many. Old scores stay in the history."""
    scorer = scorer_of(challenge)
    states = [Submission.State.SCORED, Submission.State.REJECTED, Submission.State.FAILED]
    left = Submission.objects.filter(challenge=challenge, state__in=states).exclude(jobs__scorer=scorer)
    made = 0
    for entry in left.order_by("pk"):
        with transaction.atomic():
            _, fresh = Job.objects.get_or_create(submission=entry, scorer=scorer)
        made += fresh
    return made


def forget(now: datetime) -> dict[str, int]:
    """Delete what the privacy page says is deleted, and files that no entry refers to."""
    strangers = User.objects.filter(confirmed=None, joined__lt=now - NEVER_CONFIRMED, is_staff=False)
    sleepers = User.objects.filter(last_login__lt=now - NOT_USED, is_staff=False)
    gone = list(strangers | sleepers)
    for user in gone:
        privacy.forget(user)
    links, _ = Invitation.objects.filter(until__lt=now).delete()
    sessions, _ = Session.objects.filter(expire_date__lt=now).delete()
    found = {"accounts": len(gone), "invitations": links, "sessions": sessions, "files": _strays(now)}
    log.info("forgotten", extra=found)
    return found


def _strays(now: datetime) -> int:
    """What a crash left behind: uploads without an entry, and folders of workers."""
    known = {stored.hex for stored in Submission.objects.values_list("stored", flat=True)}
    old = (now - STRAY_FILE).timestamp()
    strays = [
        path
        for kind in ("uploads", "work")
        for path in (Path(settings.SITE_FOLDER) / kind).glob("*")
        if path.name not in known and path.stat().st_mtime < old
    ]
    for path in strays:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return len(strays)
