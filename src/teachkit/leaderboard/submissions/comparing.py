"""Figures and data of an entry, and two entries side by side."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from teachkit.big.measuring import RANKED
from teachkit.big.scoring import MEAN
from teachkit.errors import TeachkitError
from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.figures import FORMS, content_of, score_of
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.shown import HEADINGS, feedback

KINDS = ("lines", "boxes")
MOST_CHOICES = 50


def told_entry(request: HttpRequest, pk: int | str) -> Submission:
    """A scored entry whose scores this reader may know, or 404."""
    found = Submission.objects.visible_to(request.user).filter(state=Submission.State.SCORED)
    entry = found.select_related("challenge", "team").filter(pk=pk).first()
    if entry is None or not feedback(entry, models.now()):
        raise Http404(f"entry {pk}")
    return entry


@require_safe
def figure(request: HttpRequest, pk: int, metric: str, kind: str, form: str) -> HttpResponse:
    """A figure of one entry; ``with`` names a second one."""
    entries = [told_entry(request, pk)]
    if other := request.GET.get("with", ""):
        entries.append(told_entry(request, int(other) if other.isdecimal() else -1))
    if metric not in RANKED or kind not in KINDS or form not in FORMS:
        raise Http404(f"{metric} {kind} {form}")
    scores = [score_of(one, one.challenge.part(models.now())) for one in entries]
    held = [one for one in scores if one is not None]
    try:
        content = content_of(lambda: held[0].draw(metric, *held[1:], kind=kind), form)
    except TeachkitError as error:
        return HttpResponse(f"{error}\n", status=409, content_type="text/plain; charset=utf-8")
    numbers = "-".join(str(one.pk) for one in entries)
    return as_picture(request, content, f"entry-{numbers}-{metric}-{kind}", form)


def as_picture(request: HttpRequest, content: bytes, name: str, form: str) -> HttpResponse:
    """A picture to look at; with ``download`` in the address, a file to keep."""
    answer = HttpResponse(content, content_type=FORMS[form])
    if "download" in request.GET:
        answer["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return answer


@require_safe
def scores(request: HttpRequest, pk: int) -> HttpResponse:
    """The scores of one entry as JSON."""
    entry = told_entry(request, pk)
    held = score_of(entry, entry.challenge.part(models.now()))
    if held is None:
        raise Http404(f"entry {pk}")
    answer = JsonResponse(held.to_dict(), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="entry-{pk}.json"'
    return answer


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two entries of one challenge and one image size, set by set."""
    asked = {name: request.GET.get(name, "").strip() for name in ("a", "b")}
    problem, rows, entries = "", [], []
    if all(one.isdecimal() for one in asked.values()):
        entries = [told_entry(request, one) for one in asked.values()]
        first, second = entries
        if (first.challenge_id, first.size) != (second.challenge_id, second.size):
            problem = "These two were scored on other sets or at another image size; they cannot be compared."
        else:
            rows = _rows(first, second)
    elif any(asked.values()):
        problem = "Give the numbers of two entries, as in their addresses."
    offered = choices(request, entries[0] if entries else None)
    told = {"asked": asked, "problem": problem, "rows": rows, "entries": entries, "metrics": HEADINGS}
    told |= {"choices": offered + [one for one in entries if one not in offered]}
    return render(request, "submissions/compare.html", told)


def choices(request: HttpRequest, like: Submission | None) -> list[Submission]:
    """Entries to choose from: one's own, then the newest. With `like`, those it may be compared with."""
    found = Submission.objects.visible_to(request.user).filter(state=Submission.State.SCORED)
    if like is not None:
        found = found.filter(challenge=like.challenge, size=like.size)
    found = found.select_related("challenge", "team").order_by("-created")
    team = request.user.team if request.user.is_authenticated else None
    own = list(found.filter(team=team)[:MOST_CHOICES]) if team else []
    newest = [one for one in found[:MOST_CHOICES] if one not in own]
    return [one for one in own + newest if feedback(one, models.now())]


def _rows(first: Submission, second: Submission) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """Title of a set, and for each ranked score: first, second, second minus first."""
    part = first.challenge.part(models.now())
    a, b = score_of(first, part), score_of(second, part)
    if a is None or b is None:
        return []
    rows = []
    for place, title in [*((one.name, one.title) for one in first.challenge.suite), (MEAN, "Mean")]:
        left = a.mean if place == MEAN else a.sets.get(place)
        right = b.mean if place == MEAN else b.sets.get(place)
        if left and right:
            rows.append((title, [(left[name], right[name], right[name] - left[name]) for name in RANKED]))
    return rows
