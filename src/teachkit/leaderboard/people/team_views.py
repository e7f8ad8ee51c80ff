"""Teams: make, rename, invite, join, leave."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from teachkit.leaderboard.people.forms import TeamName
from teachkit.leaderboard.people.models import Invitation, Membership, Team
from teachkit.leaderboard.people.privacy import hand_over

MOST_MEMBERS = 20


@login_required
@require_POST
def make_team(request: HttpRequest) -> HttpResponse:
    """A new team, owned by who makes it."""
    form = TeamName(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.errors.get("name", ["Give the team a name."])))
        return redirect("profile")
    try:
        with transaction.atomic():
            team = Team.objects.create(name=form.cleaned_data["name"])
            Membership.objects.create(user=request.user, team=team, owner=True)
    except IntegrityError:
        messages.error(request, "You are in a team already, or somebody was faster with this name.")
        return redirect("profile")
    messages.success(request, f"The team '{team.name}' is yours.")
    return redirect("team")


@login_required
@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """Members and invitations of one's own team."""
    mine = _membership(request)
    if mine is None:
        return redirect("profile")
    invitations = Invitation.objects.filter(team=mine.team, used=None, until__gt=timezone.now())
    members = Membership.objects.filter(team=mine.team).select_related("user").order_by("since", "pk")
    return render(
        request,
        "people/team.html",
        {
            "mine": mine,
            "team": mine.team,
            "members": members,
            "invitations": invitations.order_by("until"),
            "form": TeamName(initial={"name": mine.team.name}, team=mine.team),
        },
    )


@login_required
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """A link for one person, shown once to the owner."""
    mine = _owned(request)
    if mine is None:
        return _only_owners(request)
    secret = Invitation.issue(mine.team, request.user)
    link = request.build_absolute_uri(reverse("join", args=[secret]))
    return render(request, "people/invitation.html", {"link": link, "team": mine.team})


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """An invitation ends before it is used."""
    mine = _owned(request)
    if mine is None:
        return _only_owners(request)
    get_object_or_404(Invitation, pk=pk, team=mine.team).delete()
    messages.success(request, "The invitation is withdrawn.")
    return redirect("team")


@login_required
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Use an invitation: a page with a button, then the membership."""
    invitation = Invitation.open(secret)
    if invitation is None:
        return render(request, "people/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "people/join.html", {"team": invitation.team, "mine": request.user.team})
    try:
        with transaction.atomic():
            Team.objects.select_for_update().get(pk=invitation.team_id)
            full = Membership.objects.filter(team=invitation.team).count() >= MOST_MEMBERS
            used = Invitation.objects.filter(pk=invitation.pk, used=None)
            if full or not used.update(used=timezone.now()):
                messages.error(request, "The invitation was used already, or the team is full.")
                return redirect("profile")
            Membership.objects.create(user=request.user, team=invitation.team)
    except IntegrityError:
        messages.error(request, "You are in a team already. Leave it first.")
        return redirect("profile")
    messages.success(request, f"You are in the team '{invitation.team.name}'.")
    return redirect("team")


@login_required
@require_POST
def rename(request: HttpRequest) -> HttpResponse:
    """Another name for the team."""
    mine = _owned(request)
    if mine is None:
        return _only_owners(request)
    form = TeamName(request.POST, team=mine.team)
    if form.is_valid():
        mine.team.name = form.cleaned_data["name"]
        mine.team.save()
        messages.success(request, "The team has its new name.")
    else:
        messages.error(request, " ".join(form.errors.get("name", [])))
    return redirect("team")


@login_required
@require_POST
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a team; its owner can also send a member away."""
    mine = _membership(request)
    gone = get_object_or_404(Membership, pk=pk, team=mine.team) if mine else None
    if mine is None or gone is None or (gone != mine and not mine.owner):
        return _only_owners(request)
    with transaction.atomic():
        gone.delete()
        hand_over(gone.team)
    if gone == mine or gone.user_id == request.user.pk:
        messages.success(request, "You have left the team. Its entries stay with it.")
        return redirect("profile")
    messages.success(request, "The member is gone.")
    return redirect("team")


def _membership(request: HttpRequest) -> Membership | None:
    return Membership.objects.filter(user=request.user).select_related("team").first()


def _owned(request: HttpRequest) -> Membership | None:
    mine = _membership(request)
    return mine if mine and mine.owner else None


def _only_owners(request: HttpRequest) -> HttpResponse:
    told = {"why": "Only the owner of a team can do this."}
    return render(request, "pages/refused.html", told, status=403)
