"""Tells Django of this part of the site."""

from django.apps import AppConfig


class BoardConfig(AppConfig):
    name = "teachkit.leaderboard.board"
    label = "board"
