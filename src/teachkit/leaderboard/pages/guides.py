"""Pages about scores, sets and research."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from teachkit.big import Member
from teachkit.data import registry
from teachkit.errors import UnknownNameError
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.pages.metrics import PROBABILITIES, TRUTH, explained, shared_places
from teachkit.leaderboard.pages.pictures import is_at_hand, strip_of
from teachkit.leaderboard.submissions.models import Submission


@dataclass(frozen=True)
class About:
    """A set and where it comes from; texts are empty for sets of an instructor."""

    member: Member
    licence: str
    citation: str
    pictured: bool
    challenges: list[str]


@require_safe
def scores(request: HttpRequest) -> HttpResponse:
    """What each score means, with an example that is computed now."""
    told = {"explained": explained(), "truth": TRUTH, "stated": PROBABILITIES, "places": shared_places()}
    return render(request, "pages/metrics.html", told)


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """All sets of all challenges."""
    found: dict[str, About] = {}
    for challenge in Challenge.objects.all():
        for member in challenge.suite:
            about = found.setdefault(member.name, _about(member))
            about.challenges.append(challenge.title)
    return render(request, "pages/datasets.html", {"sets": list(found.values())})


@cache_control(max_age=3600, public=True)
@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Training pictures of a set that a challenge asks for."""
    known = {member.name for challenge in Challenge.objects.all() for member in challenge.suite}
    strip = strip_of(name) if name in known and is_at_hand(name) else None
    if strip is None:
        raise Http404(name)
    return HttpResponse(strip, content_type="image/png")


@require_safe
def research(request: HttpRequest) -> HttpResponse:
    """Papers behind the benchmark, and those of entries that were verified."""
    entries = Submission.objects.filter(state=Submission.State.SCORED, hidden=False, paper_on__isnull=False)
    verified = entries.select_related("team", "challenge").order_by("-paper_on")[:100]
    return render(request, "pages/research.html", {"verified": verified})


def _about(member: Member) -> About:
    pictured = is_at_hand(member.name)
    try:
        entry = registry.entry(member.name)
    except UnknownNameError:
        return About(member, "", "", pictured, [])
    return About(member, entry.licence, entry.citation, pictured, [])
