"""Tells Django of this part of the site."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "teachkit.leaderboard.pages"
    label = "pages"
