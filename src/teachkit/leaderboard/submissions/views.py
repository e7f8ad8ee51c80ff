"""Hand in, follow, look at and compare entries."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions import limits, models
from teachkit.leaderboard.submissions.comparing import choices
from teachkit.leaderboard.submissions.forms import Entry
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.receiving import RefusedUpload, receive
from teachkit.leaderboard.submissions.shown import HEADINGS, feedback, shown_sets, shown_table


@login_required
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and what it sends."""
    challenge = get_object_or_404(Challenge, slug=slug)
    form = Entry(challenge, request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                taken = receive(request.user, challenge, form.cleaned_data["file"], form.declared)
            except RefusedUpload as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, "The file is here. It is scored next; this page follows.")
                return redirect(taken)
    team = request.user.team
    return render(
        request,
        "submissions/submit.html",
        {
            "challenge": challenge,
            "form": form,
            "team": team,
            "room": limits.room(team, challenge, models.now()) if team else None,
            "closed": challenge.closed_because(models.now()),
        },
        status=status,
    )


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """All entries of one's team, with what is left."""
    team = request.user.team
    entries = Submission.objects.filter(team=team).select_related("challenge").order_by("-created")[:300]
    rooms = [
        (one, limits.room(team, one, models.now())) for one in Challenge.objects.all() if team is not None
    ]
    return render(
        request, "submissions/mine.html", {"team": team, "entries": entries if team else [], "rooms": rooms}
    )


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: its state while it waits, its faults, or its scores."""
    entry = _visible(request, pk)
    own = _owns(request, entry)
    result = entry.result
    told = _is_staff(request) or feedback(entry, models.now())
    waiting_before = 0
    if not entry.settled:
        waiting_before = Submission.objects.filter(
            state__in=[Submission.State.WAITING, Submission.State.SCORING], created__lt=entry.created
        ).count()
    return render(
        request,
        "submissions/detail.html",
        {
            "entry": entry,
            "own": own,
            "result": result,
            "parts": shown_table(entry, result, models.now(), everything=_is_staff(request)),
            "sets": shown_sets(entry, result, models.now()) if told else [],
            "choices": choices(request, entry) if told and entry.state == Submission.State.SCORED else [],
            "told": told,
            "history": entry.results.order_by("-created") if own else [],
            "waiting_before": waiting_before,
            "metrics": HEADINGS,
        },
    )


@require_safe
def state(request: HttpRequest, pk: int) -> JsonResponse:
    """The state as JSON, for pages and programs that wait."""
    entry = _visible(request, pk)
    return JsonResponse({"id": entry.pk, "state": entry.state, "settled": entry.settled})


@login_required
@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it came; for its team and for staff."""
    entry = _visible(request, pk)
    if not _owns(request, entry):
        told = {"why": "The file of an entry is for its team."}
        return render(request, "pages/refused.html", told, status=403)
    return FileResponse(
        entry.path.open("rb"),
        as_attachment=True,
        filename=entry.file_name,
        content_type="application/octet-stream",
    )


def _visible(request: HttpRequest, pk: int) -> Submission:
    """The entry, or 404: what one may not see looks like what is not there."""
    found = Submission.objects.visible_to(request.user).select_related("challenge", "team", "by")
    return get_object_or_404(found, pk=pk)


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_staff)


def _owns(request: HttpRequest, entry: Submission) -> bool:
    """Whether the entry is of one's own team, or one runs the site."""
    return _is_staff(request) or (request.user.is_authenticated and request.user.team == entry.team)
