"""Accounts: register, confirm, profile, tokens, one's own data."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from teachkit.leaderboard.people import mailing, privacy
from teachkit.leaderboard.people.forms import Register, TeamName, TokenName
from teachkit.leaderboard.people.models import Token, User

MOST_TOKENS = 10
BACKEND = "django.contrib.auth.backends.ModelBackend"


def register(request: HttpRequest) -> HttpResponse:
    """Make an account. The answer is the same whether the address was known or not."""
    if request.user.is_authenticated:
        return redirect("profile")
    form = Register(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "people/register.html", {"form": form})
    email, link = form.cleaned_data["email"], ""
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, form.cleaned_data["password"])
    except IntegrityError:
        mailing.send_known_already(email, request.build_absolute_uri(reverse("password_reset")))
    else:
        link = mailing.confirmation_link(request, user)
        mailing.send_confirmation(user, link)
    return render(
        request,
        "people/registered.html",
        {"email": email, "link": link if settings.SHOW_MAILED_LINKS else ""},
    )


def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Prove an address. Opening the link shows a button, because programs that scan mails open links too."""
    user = mailing.who_confirms(signed)
    if user is None:
        return render(request, "people/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "people/confirm.html", {"email": user.email})
    user.confirmed = timezone.now()
    user.save(update_fields=["confirmed"])
    login(request, user, backend=BACKEND)
    messages.success(request, "Your address is confirmed. Now make a team, or join one.")
    return redirect("profile")


@login_required
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """One's team, tokens and data."""
    return render(
        request,
        "people/profile.html",
        {
            "team": request.user.team,
            "team_form": TeamName(),
            "token_form": TokenName(),
            "tokens": Token.objects.filter(user=request.user).order_by("-created"),
        },
    )


@login_required
@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """A token for a program, shown once."""
    form = TokenName(request.POST)
    if not form.is_valid():
        messages.error(request, "Say in up to 60 letters what the token is for.")
        return redirect("profile")
    if Token.objects.filter(user=request.user).count() >= MOST_TOKENS:
        messages.error(request, f"You have {MOST_TOKENS} tokens; take one back first.")
        return redirect("profile")
    secret = Token.issue(request.user, form.cleaned_data["name"])
    return render(request, "people/token.html", {"secret": secret, "name": form.cleaned_data["name"]})


@login_required
@require_POST
def drop_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token back."""
    get_object_or_404(Token, pk=pk, user=request.user).delete()
    messages.success(request, "The token is taken back. Programs that hold it are refused from now on.")
    return redirect("profile")


@login_required
@require_safe
def my_data(request: HttpRequest) -> HttpResponse:
    """Everything the site knows about the person, as JSON."""
    answer = JsonResponse(privacy.about(request.user), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@login_required
def close_account(request: HttpRequest) -> HttpResponse:
    """Delete the person; the entries of a team stay, without a name behind them."""
    if request.method == "POST" and request.user.check_password(request.POST.get("password", "")):
        user = request.user
        logout(request)
        privacy.forget(user)
        messages.success(request, "Your account is deleted.")
        return redirect("home")
    wrong = request.method == "POST"
    return render(request, "people/close.html", {"wrong": wrong}, status=403 if wrong else 200)
