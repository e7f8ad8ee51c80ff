"""People write in teams; only teams are seen on the board."""

import hashlib
import secrets
import unicodedata
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone

INVITATION_DAYS = 7


def digest_of(secret: str) -> str:
    """What is stored of a random secret; it has too many bits to be guessed, so one hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_of(name: str) -> str:
    """Equal for names that look alike: case, width and spaces do not tell teams apart."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class UserManager(BaseUserManager):
    """Makes accounts; addresses are kept in small letters."""

    def create_user(self, email: str, password: str | None = None, **more: Any) -> "User":
        """An account that is not confirmed yet."""
        user = self.model(email=email.strip().lower(), **more)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **more: Any) -> "User":
        """An account of the people who run the site."""
        told = {"is_staff": True, "is_superuser": True, "confirmed": timezone.now()}
        return self.create_user(email, password, **told, **more)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The account of an address, however it is written."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """One person: an address and a password, nothing else.

    Attributes:
        confirmed: when the address was proved; until then the account cannot submit.
    """

    email = models.EmailField("e-mail address", max_length=190, unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    joined = models.DateTimeField(default=timezone.now)
    confirmed = models.DateTimeField(null=True, blank=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    @property
    def team(self) -> "Team | None":
        """The team this person writes for."""
        membership = Membership.objects.filter(user=self).select_related("team").first()
        return membership.team if membership else None

    def __str__(self) -> str:
        return f"user {self.pk}"  # no address in a log


class Team(models.Model):
    """Who submits. Limits are counted by team."""

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=180, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now)
    members = models.ManyToManyField(User, through="Membership", related_name="+")

    def save(self, *arguments: Any, **named: Any) -> None:
        self.key = key_of(self.name)
        super().save(*arguments, **named)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person is in one team, so that nobody has two limits."""

    user = models.OneToOneField(User, models.CASCADE)
    team = models.ForeignKey(Team, models.CASCADE)
    owner = models.BooleanField(default=False)
    since = models.DateTimeField(default=timezone.now)


class Invitation(models.Model):
    """A link that lets one person into a team, once."""

    team = models.ForeignKey(Team, models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    until = models.DateTimeField()
    used = models.DateTimeField(null=True)

    @classmethod
    def issue(cls, team: Team, by: User) -> str:
        """Make one; the secret is told now and never again."""
        secret = secrets.token_urlsafe(24)
        until = timezone.now() + timedelta(days=INVITATION_DAYS)
        cls.objects.create(team=team, by=by, digest=digest_of(secret), until=until)
        return secret

    @classmethod
    def open(cls, secret: str) -> "Invitation | None":
        """The invitation that `secret` opens, if it is neither used nor too old."""
        waiting = cls.objects.filter(used=None, until__gt=timezone.now())
        return waiting.filter(digest=digest_of(secret)).select_related("team").first()


class Token(models.Model):
    """Lets a program submit for a person. Only its hash is kept."""

    user = models.ForeignKey(User, models.CASCADE)
    name = models.CharField(max_length=60)
    start = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(default=timezone.now)
    last_used = models.DateTimeField(null=True)

    @classmethod
    def issue(cls, user: User, name: str) -> str:
        """Make one; it is told now and never again."""
        secret = f"tk_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, name=name, start=secret[:8], digest=digest_of(secret))
        return secret

    @classmethod
    def owner_of(cls, secret: str) -> User | None:
        """The person who holds `secret`; None when nobody does, or the account is closed."""
        token = cls.objects.filter(digest=digest_of(secret)).select_related("user").first()
        if token is None or not token.user.is_active:
            return None
        token.last_used = timezone.now()
        token.save(update_fields=["last_used"])
        return token.user
