"""Figures and data of an entry, and two entries side by side."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from teachkit.big.measuring import RANKED, TITLES
from teachkit.big.scoring import MEAN
from teachkit.errors import TeachkitError
from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.figures import FORMS, drawn, score_of
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.shown import feedback

KINDS = ("lines", "boxes")


def _scored(request: HttpRequest, pk: int | str) -> Submission:
    found = Submission.objects.visible_to(request.user).filter(state=Submission.State.SCORED)
    entry = found.select_related("challenge", "team").filter(pk=pk).first()
    if entry is None or not feedback(entry, models.now()):
        raise Http404(f"entry {pk}")
    return entry


def figure(request: HttpRequest, pk: int, metric: str, kind: str, form: str) -> HttpResponse:
    """A figure of one entry; ``with`` names a second one."""
    entries = [_scored(request, pk)]
    if other := request.GET.get("with", ""):
        entries.append(_scored(request, int(other) if other.isdecimal() else -1))
    if metric not in RANKED or kind not in KINDS or form not in FORMS:
        raise Http404(f"{metric} {kind} {form}")
    scores = [score_of(one, one.challenge.part(models.now())) for one in entries]
    held = [one for one in scores if one is not None]
    try:
        content = drawn(held, metric, kind, form)
    except TeachkitError as error:
        return HttpResponse(f"{error}\n", status=409, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(content, content_type=FORMS[form])
    if "download" in request.GET:
        name = f"entry-{'-'.join(str(one.pk) for one in entries)}-{metric}-{kind}.{form}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def scores(request: HttpRequest, pk: int) -> HttpResponse:
    """The scores of one entry as JSON."""
    entry = _scored(request, pk)
    held = score_of(entry, entry.challenge.part(models.now()))
    if held is None:
        raise Http404(f"entry {pk}")
    answer = JsonResponse(held.to_dict(), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="entry-{pk}.json"'
    return answer


def compare(request: HttpRequest) -> HttpResponse:
    """Two entries of one challenge and one image size, set by set."""
    asked = {name: request.GET.get(name, "").strip() for name in ("a", "b")}
    problem, rows, entries = "", [], []
    if all(one.isdecimal() for one in asked.values()):
        entries = [_scored(request, one) for one in asked.values()]
        first, second = entries
        if (first.challenge_id, first.size) != (second.challenge_id, second.size):
            problem = "These two were scored on other sets or at another image size; they cannot be compared."
        else:
            rows = _rows(first, second)
    elif any(asked.values()):
        problem = "Give the numbers of two entries, as in their addresses."
    told = {"asked": asked, "problem": problem, "rows": rows, "entries": entries, "metrics": RANKED}
    return render(request, "submissions/compare.html", {**told, "titles": [TITLES[name] for name in RANKED]})


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
