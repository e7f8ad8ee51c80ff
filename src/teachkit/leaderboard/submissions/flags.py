"""What the people who run the site should look at: copies across teams, and scores that are hard to believe.

A flag hides nothing and is seen by staff alone; people decide.
"""

from typing import Any

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions.likeness import NEAR, distance
from teachkit.leaderboard.submissions.models import Flag, Result, Submission

# Labels of these sets are so uncertain that published accuracies end at 0.62 and 0.73.
CEILINGS = {"retinamnist": 0.75, "tissuemnist": 0.85}
MARGIN = 0.03  # of mean AUC above the best published figure
LEAST_ROWS = 100  # few pictures can all be right by chance


def look_at(entry: Submission) -> int:
    """Raise the flags of a scored entry; how many are new. What staff has settled stays settled."""
    result = entry.result
    if result is None:
        return 0
    found = {
        Flag.Kind.COPY: copies(entry, result),
        Flag.Kind.IMPLAUSIBLE: implausible(entry, result.detail["parts"]),
    }
    return sum(
        Flag.objects.get_or_create(submission=entry, kind=kind, said=said[:200])[1]
        for kind, sentences in found.items()
        for said in sentences
    )


def look_again(challenge: Challenge) -> int:
    """Raise flags for all scored entries of a challenge; how many are new."""
    entries = Submission.objects.filter(challenge=challenge, state=Submission.State.SCORED)
    return sum(look_at(entry) for entry in entries.order_by("pk"))


def implausible(entry: Submission, parts: dict[str, Any]) -> list[str]:
    """Each score that is hard to believe, in words."""
    found = []
    for part, told in parts.items():
        for name, values in told["sets"].items():
            member, accuracy = entry.challenge.suite[name], values["acc"] or 0.0
            if accuracy == 1.0 and member.rows >= LEAST_ROWS:
                found.append(f"{member.title}: every answer of the {part} test is right.")
            elif accuracy > CEILINGS.get(name, 1.0):
                found.append(f"{member.title}: accuracy {accuracy:.4f} is above {CEILINGS[name]}.")
        published = entry.challenge.references.filter(size=entry.size).order_by("-auc").first()
        mean = told["mean"]["auc"]
        if published and mean is not None and mean > published.auc + MARGIN:
            found.append(f"Mean AUC {mean:.4f}; the best published one is {published.auc:.4f}.")
    return found


def copies(entry: Submission, result: Result) -> list[str]:
    """Each earlier entry of another team that says the same, or nearly."""
    found = []
    others = Result.objects.filter(
        current=True,
        submission__challenge=entry.challenge,
        submission__size=entry.size,
        submission__state=Submission.State.SCORED,
        submission__pk__lt=entry.pk,  # who came later is asked
    ).exclude(submission__team=entry.team)
    columns = ("submission", "submission__sha256", "submission__team__name", "detail__sketch")
    for number, sha256, team, sketch in others.order_by("submission").values_list(*columns):
        if sha256 == entry.sha256:
            found.append(f"The same file as entry {number} of {team}.")
        elif sketch and (far := distance(result.detail.get("sketch", {}), sketch)) < NEAR:
            found.append(f"Nearly the answers of entry {number} of {team}: {far:.3f} apart.")
    return found
