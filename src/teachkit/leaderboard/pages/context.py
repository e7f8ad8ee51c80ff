"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from teachkit.leaderboard.challenges.models import Challenge


def site(request: HttpRequest) -> dict[str, Any]:
    """Name and contact of the site, and the challenges for the menu."""
    return {
        "site_name": settings.SITE_NAME,
        "site_contact": settings.SITE_CONTACT,
        "menu_challenges": Challenge.objects.only("slug", "title")[:8],
    }
