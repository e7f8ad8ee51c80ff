"""Tells Django of this part of the site."""

from django.apps import AppConfig


class SubmissionsConfig(AppConfig):
    name = "teachkit.leaderboard.submissions"
    label = "submissions"
