"""From a request to a file and a place in the queue. Answers at once; a worker does the scoring."""

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.db import transaction

from teachkit.errors import TeachkitError
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Membership, Team, User
from teachkit.leaderboard.submissions import limits, models
from teachkit.leaderboard.submissions.models import Job, Submission
from teachkit.leaderboard.submissions.versions import scorer_of

Track = Submission.Track
ODD = re.compile(r"[^A-Za-z0-9._-]+")


class RefusedUpload(TeachkitError):
    """A submission that is not taken; nothing was stored and no slot was used."""


class CappedUpload(TemporaryFileUploadHandler):
    """Writes an upload to a file while it comes, hashes it, and stops when it grows too large."""

    def new_file(self, *arguments: Any, **named: Any) -> None:
        super().new_file(*arguments, **named)
        self.hash = hashlib.sha256()
        self.taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.taken += len(raw_data)
        if self.taken > settings.UPLOAD_MOST_BYTES:
            raise StopUpload(connection_reset=True)
        self.hash.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile:
        found = super().file_complete(file_size)
        found.sha256 = self.hash.hexdigest()
        return found


@dataclass(frozen=True)
class Declared:
    """What a team says about its entry."""

    model_name: str
    size: int
    description: str = ""
    link: str = ""
    extra_data: str = ""
    pre_training: str = ""

    @property
    def track(self) -> str:
        """Other data of any kind means the open track."""
        return str(Track.OPEN if self.extra_data or self.pre_training else Track.STANDARD)


def receive(user: User, challenge: Challenge, upload: UploadedFile, declared: Declared) -> Submission:
    """Take a file in: the limit, the entry and its job are written in one transaction.

    Raises:
        RefusedUpload: when the challenge is closed, no slot is free, or the team has sent this file before.
    """
    membership = Membership.objects.filter(user=user).first()
    if membership is None:
        raise RefusedUpload("You are in no team.", "Make one on your profile, or ask for an invitation.")
    if not user.confirmed:
        raise RefusedUpload("Your e-mail address is not confirmed.", "Open the link that we sent to you.")
    stored = uuid.uuid4()
    target = Path(settings.SITE_FOLDER) / "uploads" / stored.hex
    _keep(upload, target)
    try:
        with transaction.atomic():
            team = Team.objects.select_for_update().get(pk=membership.team_id)
            _check(team, challenge, upload)
            submission = Submission.objects.create(
                challenge=challenge,
                team=team,
                by=user,
                created=models.now(),
                size=challenge.suite.picture_size(declared.size),
                track=declared.track,
                model_name=declared.model_name,
                description=declared.description,
                link=declared.link,
                extra_data=declared.extra_data,
                pre_training=declared.pre_training,
                file_name=_plain(upload.name or ""),
                sha256=upload.sha256,
                bytes=upload.size,
                stored=stored,
            )
            Job.objects.create(submission=submission, scorer=scorer_of(challenge))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return submission


def _check(team: Team, challenge: Challenge, upload: UploadedFile) -> None:
    now = models.now()
    if reason := challenge.closed_because(now):
        raise RefusedUpload(f"'{challenge.title}' takes no submissions.", reason)
    twin = Submission.objects.counted(team, challenge).filter(sha256=upload.sha256).first()
    if twin is not None:
        raise RefusedUpload(
            f"Your team has sent this very file before, as submission {twin.pk}.", "No slot was used."
        )
    left = limits.room(team, challenge, now)
    if not left.left:
        raise RefusedUpload("No slot is free.", left.sentence, next_slot=left.next_slot)


def _keep(upload: UploadedFile, target: Path) -> None:
    """Give the file its place, on the disk and not only in memory, before anything refers to it."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = target.with_suffix(".part")
    try:
        with partial.open("xb") as stream:
            for piece in upload.chunks():
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _plain(name: str) -> str:
    """A file name without surprises, its endings kept: they tell MedMNIST's own files apart."""
    return ODD.sub("_", Path(name).name)[-120:].lstrip(".") or "predictions.csv"
