"""What the site knows about a person, and how it forgets."""

from typing import Any

from django.db import transaction

from teachkit.leaderboard.people.models import Invitation, Membership, Team, Token, User


def about(user: User) -> dict[str, Any]:
    """All that is stored about a person. Secrets are not in it: only their hashes exist."""
    membership = Membership.objects.filter(user=user).select_related("team").first()
    return {
        "email": user.email,
        "joined": user.joined.isoformat(),
        "confirmed": user.confirmed.isoformat() if user.confirmed else None,
        "last_login": user.last_login.isoformat() if user.last_login else None,
        "team": membership.team.name if membership else None,
        "owner_of_team": bool(membership and membership.owner),
        "tokens": [
            {"name": one.name, "starts_with": one.start, "created": one.created.isoformat()}
            for one in Token.objects.filter(user=user)
        ],
        "submissions": [
            {
                "id": one.pk,
                "challenge": one.challenge.slug,
                "file": one.file_name,
                "sent": one.created.isoformat(),
            }
            for one in user.submission_set.select_related("challenge")
        ],
    }


def forget(user: User) -> None:
    """Delete the account. A team that loses its owner gets the member who is longest in it."""
    with transaction.atomic():
        membership = Membership.objects.filter(user=user).select_related("team").first()
        user.delete()
        if membership:
            hand_over(membership.team)


def hand_over(team: Team) -> None:
    """See to it that a team has an owner; one without members keeps its entries, and its invitations end."""
    members = Membership.objects.filter(team=team).order_by("since", "pk")
    if not members.exists():
        Invitation.objects.filter(team=team).delete()
    elif not members.filter(owner=True).exists():
        heir = members[0]
        heir.owner = True
        heir.save(update_fields=["owner"])
