"""The mails of the site. Links are signed and run out; none is ever logged."""

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.http import HttpRequest
from django.urls import reverse

from teachkit.leaderboard.people.models import User

SALT = "confirm an address"
CONFIRM_SECONDS = 2 * 86400


def confirmation_link(request: HttpRequest, user: User) -> str:
    """Proves that who opens it reads the mails of this address."""
    signed = signing.dumps({"user": user.pk, "email": user.email}, salt=SALT)
    return request.build_absolute_uri(reverse("confirm", args=[signed]))


def who_confirms(signed: str) -> User | None:
    """The account that a link belongs to; None when it is wrong, too old or used."""
    try:
        told = signing.loads(signed, salt=SALT, max_age=CONFIRM_SECONDS)
    except signing.BadSignature:
        return None
    return User.objects.filter(pk=told["user"], email=told["email"], confirmed=None, is_active=True).first()


def send_confirmation(user: User, link: str) -> None:
    """To a new account."""
    _send(
        user.email,
        "Confirm your address",
        f"Somebody, probably you, made an account at {settings.SITE_NAME} with this address.\n"
        f"To confirm it, open this link within two days:\n\n{link}\n\n"
        "If it was not you, do nothing.\n",
    )


def send_known_already(email: str, reset: str) -> None:
    """To an address that has an account, when somebody registers it again."""
    _send(
        email,
        "You have an account already",
        f"Somebody, probably you, tried to make a second account at {settings.SITE_NAME}.\n"
        f"You have one. If you forgot its password, set a new one here:\n\n{reset}\n",
    )


def _send(email: str, subject: str, text: str) -> None:
    send_mail(f"{settings.SITE_TITLE_OF_MAILS}{subject}", text, None, [email])
