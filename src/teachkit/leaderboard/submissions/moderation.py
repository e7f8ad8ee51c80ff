"""For the people who run the site: verify papers, hide entries, settle flags. Each step is noted."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.models import Flag, Note, Submission

View = Callable[..., HttpResponse]
ACTIONS = {
    "verify": "paper verified",
    "unverify": "verification taken back",
    "hide": "hidden",
    "show": "shown again",
    "settle": "flags settled",
}


def staff_only(view: View) -> View:
    """For others the page does not exist."""

    @wraps(view)
    def checked(request: HttpRequest, *arguments: object, **named: object) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise Http404
        return view(request, *arguments, **named)

    return checked


@staff_only
@require_safe
def moderation(request: HttpRequest) -> HttpResponse:
    """Flags, entries with a link that nobody has read yet, hidden ones, failures, and what was done."""
    entries = Submission.objects.select_related("team", "challenge").order_by("-created")
    flags = Flag.objects.filter(settled=None).select_related("submission__team", "submission__challenge")
    told = {
        "flags": flags.order_by("-submission", "pk")[:100],
        "papers": entries.filter(state=Submission.State.SCORED, paper_on=None).exclude(link="")[:100],
        "hidden": entries.filter(hidden=True)[:100],
        "failed": entries.filter(state=Submission.State.FAILED)[:100],
        "notes": Note.objects.select_related("submission", "by").order_by("-at")[:100],
    }
    return render(request, "submissions/moderation.html", told)


@staff_only
@require_POST
def moderate(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One step: it changes the entry and adds a note."""
    entry = get_object_or_404(Submission, pk=pk)
    if action not in ACTIONS:
        raise Http404(action)
    if action in ("verify", "unverify"):
        entry.paper_by = request.user if action == "verify" else None
        entry.paper_on = models.now() if action == "verify" else None
    elif action == "settle":
        entry.flags.filter(settled=None).update(settled=models.now())
    else:
        entry.hidden = action == "hide"
    entry.save(update_fields=["paper_by", "paper_on", "hidden"])
    Note.objects.create(
        submission=entry, by=request.user, action=action, why=request.POST.get("why", "")[:300]
    )
    messages.success(request, f"Entry {pk}: {ACTIONS[action]}.")
    return redirect(entry)
