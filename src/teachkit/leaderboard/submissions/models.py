"""What teams hand in, the jobs that score it, and the scores. Predictions are files, never rows."""

import uuid
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Team, User


class Submissions(models.QuerySet):
    """Questions about submissions."""

    def visible_to(self, user: User) -> "Submissions":
        """Scored ones for everybody; a team sees all of its own, staff sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        public = Q(state=Submission.State.SCORED, hidden=False)
        team = user.team if user.is_authenticated else None
        return self.filter(public | Q(team=team)) if team else self.filter(public)

    def counted(self, team: Team, challenge: Challenge) -> "Submissions":
        """Those that use a slot of the team."""
        return self.filter(team=team, challenge=challenge, counts=True)


class Submission(models.Model):
    """One file of one team.

    Attributes:
        stored: name of the file in the site's folder ``uploads``.
        counts: whether it uses a slot; a failure of ours gives the slot back.
        faults: of a rejected file: [file, line, column, value, message] each.
        trouble: in one sentence, why it could not be scored.
        paper_by: who checked the paper behind `link`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SCORING = "scoring", "being scored"
        SCORED = "scored", "scored"
        REJECTED = "rejected", "rejected"
        FAILED = "failed", "failed"

    class Track(models.TextChoices):
        STANDARD = "standard", "standard: no data but the training sets of the suite"
        OPEN = "open", "open: other data, or weights trained on other data"

    challenge = models.ForeignKey(Challenge, models.PROTECT)
    team = models.ForeignKey(Team, models.PROTECT)
    by = models.ForeignKey(User, models.SET_NULL, null=True)
    created = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    counts = models.BooleanField(default=True)
    size = models.PositiveIntegerField()
    track = models.CharField(max_length=10, choices=Track.choices)
    model_name = models.CharField(max_length=80)
    description = models.TextField(max_length=2000, blank=True)
    link = models.URLField(max_length=300, blank=True)
    extra_data = models.CharField(max_length=300, blank=True)
    pre_training = models.CharField(max_length=300, blank=True)
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveIntegerField()
    stored = models.UUIDField(default=uuid.uuid4, unique=True)
    faults = models.JSONField(default=list)
    trouble = models.CharField(max_length=300, blank=True)
    paper_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    paper_on = models.DateTimeField(null=True)
    hidden = models.BooleanField(default=False)

    objects = Submissions.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["team", "challenge", "created"], name="of_a_team")
        ]

    @property
    def path(self) -> Path:
        """The file as it came."""
        return Path(settings.SITE_FOLDER) / "uploads" / self.stored.hex

    @property
    def table_path(self) -> Path:
        """The predictions that were scored, as parquet."""
        return Path(settings.SITE_FOLDER) / "predictions" / f"{self.stored.hex}.parquet"

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in (self.State.WAITING, self.State.SCORING)

    @property
    def result(self) -> "Result | None":
        """The scores in force."""
        return self.results.filter(current=True).first()

    def get_absolute_url(self) -> str:
        return reverse("submission", args=[self.pk])


class Job(models.Model):
    """One scoring that is asked for; one worker at a time holds its lease."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="jobs")
    scorer = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["submission", "scorer"], name="one_job_a_scorer")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "lease_until"], name="free_jobs")
        ]


class Result(models.Model):
    """The scores of one submission by one version of the scorer; older ones stay."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="results")
    scorer = models.CharField(max_length=60)
    created = models.DateTimeField(default=timezone.now)
    current = models.BooleanField(default=True)
    detail = models.JSONField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["submission", "scorer"], name="one_result_a_scorer")
        ]


class Score(models.Model):
    """One number of one result; what is undefined has no row, so it can never rank.

    Attributes:
        place: set, or "mean".
        part: of the test, "public" or "private".
    """

    result = models.ForeignKey(Result, models.CASCADE, related_name="scores")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="scores")
    challenge = models.ForeignKey(Challenge, models.CASCADE)
    size = models.PositiveIntegerField()
    part = models.CharField(max_length=8)
    place = models.CharField(max_length=60)
    metric = models.CharField(max_length=30)
    value = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    current = models.BooleanField(default=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["challenge", "size", "part", "place", "metric", "current"], name="one_column"
            )
        ]


class Note(models.Model):
    """What the people who run the site did with an entry; notes are added and never changed."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="notes")
    by = models.ForeignKey(User, models.SET_NULL, null=True)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=20)
    why = models.CharField(max_length=300, blank=True)


class Flag(models.Model):
    """Something about an entry that the people who run the site should look at.

    Attributes:
        said: in one sentence, with the numbers.
        settled: when somebody looked at it.
    """

    class Kind(models.TextChoices):
        COPY = "copy", "copy"
        IMPLAUSIBLE = "implausible", "hard to believe"

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    said = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    settled = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["submission", "kind", "said"], name="flag_once")
        ]


def now() -> datetime:
    """The time, in one place, so that tests can set it."""
    return timezone.now()
