"""Tells Django of this part of the site."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "teachkit.leaderboard.people"
    label = "people"
