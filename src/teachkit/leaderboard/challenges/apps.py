"""Tells Django of this part of the site."""

from django.apps import AppConfig


class ChallengesConfig(AppConfig):
    name = "teachkit.leaderboard.challenges"
    label = "challenges"
