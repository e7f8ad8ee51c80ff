"""For programs: hand in with a token, and ask how it went. Sessions count for nothing here."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Token, User
from teachkit.leaderboard.submissions import limits, models
from teachkit.leaderboard.submissions.forms import Entry
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.receiving import RefusedUpload, receive
from teachkit.leaderboard.submissions.shown import feedback

View = Callable[..., HttpResponse]


def refusal(status: int, what: str, remedy: str = "", **more: object) -> JsonResponse:
    """An error that a program can print."""
    return JsonResponse({"error": what, "remedy": remedy, **more}, status=status)


def with_token(view: View) -> View:
    """Calls `view` with the person whose token the request bears; refuses before a byte of a file is read.

    No cookie is looked at, so a forged form of another site can do nothing here.
    """

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *arguments: object, **named: object) -> HttpResponse:
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        user = Token.owner_of(secret.strip()) if kind.lower() == "bearer" else None
        if user is None:
            answer = refusal(
                401, "No valid token came with this.", "Make one on your profile and set TEACHKIT_TOKEN."
            )
            answer["WWW-Authenticate"] = "Bearer"
            answer["Connection"] = "close"
            return answer
        return view(request, user, *arguments, **named)

    return checked


@require_GET
def about(request: HttpRequest, slug: str) -> JsonResponse:
    """The suite of a challenge, so that a program can check a file before it sends it."""
    challenge = Challenge.objects.filter(slug=slug).first()
    if challenge is None:
        known = ", ".join(Challenge.objects.values_list("slug", flat=True))
        return refusal(404, f"There is no challenge '{slug}'.", f"Challenges here: {known}.")
    return JsonResponse(
        {
            "slug": slug,
            "title": challenge.title,
            "suite": challenge.suite_text,
            "digest": challenge.suite.digest,
            "closed": challenge.closed_because(models.now()),
        }
    )


@with_token
@require_POST
def hand_in(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    """Take a file in; 202, and where to ask."""
    challenge = Challenge.objects.filter(slug=slug).first()
    if challenge is None:
        return refusal(404, f"There is no challenge '{slug}'.")
    form = Entry(challenge, request.POST, request.FILES)
    if not form.is_valid():
        return refusal(400, "What was sent is not complete.", fields=form.errors.get_json_data())
    try:
        entry = receive(user, challenge, form.cleaned_data["file"], form.declared)
    except RefusedUpload as error:
        return refusal(409, error.what, error.remedy)
    left = limits.room(entry.team, challenge, models.now())
    return JsonResponse(
        {
            "id": entry.pk,
            "state": entry.state,
            "page": request.build_absolute_uri(entry.get_absolute_url()),
            "ask": request.build_absolute_uri(reverse("api_entry", args=[entry.pk])),
            "left": left.sentence,
        },
        status=202,
    )


@with_token
@require_GET
def entry(request: HttpRequest, user: User, pk: int) -> JsonResponse:
    """State, faults and means of an entry of one's own team."""
    found = Submission.objects.filter(pk=pk, team=user.team).select_related("challenge").first()
    if found is None or user.team is None:
        return refusal(404, f"Your team has no entry {pk}.")
    result = found.result if feedback(found, models.now()) else None
    return JsonResponse(
        {
            "id": found.pk,
            "state": found.state,
            "settled": found.settled,
            "trouble": found.trouble,
            "faults": found.faults,
            "mean": result.detail["parts"]["public"]["mean"] if result else None,
            "rankable": result.detail["parts"]["public"]["rankable"] if result else None,
        }
    )
