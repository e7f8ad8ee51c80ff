"""A challenge: a suite, when it is open, how often a team may try, and published figures to compare with."""

import json
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from django.db import models
from django.utils import timezone

from teachkit.big import Member, Suite
from teachkit.leaderboard.challenges.vault import vault


class Challenge(models.Model):
    """One board.

    Attributes:
        suite_text: the suite as JSON; `suite` reads it.
        labels: name of the file of true labels inside `vault()`; "" while there are none.
        labels_digest: twelve letters of its hash; scores are repeated when it changes.
        draws: of the bootstrap.
        split: whether the labels name a public part of the test, so that the rest decides at the end.
        withheld: whether nobody can look the labels up.
        per_day, in_all: submissions of a team, in any 24 hours and together.
    """

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    summary = models.TextField(blank=True)
    rules = models.TextField(blank=True)
    suite_text = models.TextField()
    labels = models.CharField(max_length=100, blank=True)
    labels_digest = models.CharField(max_length=12, blank=True)
    draws = models.PositiveIntegerField(default=200)
    split = models.BooleanField(default=False)
    withheld = models.BooleanField(default=False)
    per_day = models.PositiveIntegerField(default=10)
    in_all = models.PositiveIntegerField(default=100)
    opens = models.DateTimeField(null=True, blank=True)
    closes = models.DateTimeField(null=True, blank=True)
    place = models.PositiveIntegerField(default=100)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar[list[str]] = ["place", "slug"]

    @cached_property
    def suite(self) -> Suite:
        """The sets that are asked for."""
        told = json.loads(self.suite_text)
        sets = tuple(Member(**{**one, "classes": tuple(one["classes"])}) for one in told["sets"])
        return Suite(told["name"], told["version"], sets, tuple(told["sizes"]))

    @staticmethod
    def text_of(suite: Suite) -> str:
        """What `suite_text` holds."""
        return json.dumps(asdict(suite))

    @property
    def labels_path(self) -> Path:
        """The file of true labels; only the worker opens it."""
        return vault() / self.labels

    def closed_because(self, now: datetime) -> str:
        """Why nothing can be submitted now; "" when it can."""
        if self.opens and now < self.opens:
            return f"It opens on {self.opens:%d %B %Y, %H:%M} UTC."
        if self.closes and now >= self.closes:
            return f"It closed on {self.closes:%d %B %Y, %H:%M} UTC."
        if not self.labels:
            return "This server does not have the true labels yet, so it cannot score."
        return ""

    def is_over(self, now: datetime) -> bool:
        """Whether the end has come."""
        return self.closes is not None and now >= self.closes

    def part(self, now: datetime) -> str:
        """Which part of the test is shown: "private" when a challenge with two parts is over."""
        return "private" if self.split and self.is_over(now) else "public"

    def __str__(self) -> str:
        return self.title


class Reference(models.Model):
    """A published figure, printed beside the entries: nobody submitted it here."""

    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="references")
    size = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    recipe = models.CharField(max_length=160)
    source = models.CharField(max_length=160)
    auc = models.FloatField()
    balacc = models.FloatField()
    kappa = models.FloatField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["challenge", "size", "name", "source"], name="reference_once")
        ]
