"""Forms about accounts and teams."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from teachkit.leaderboard.people.models import Team, User, key_of


class Login(AuthenticationForm):
    """Address and password; a wrong pair is told in the same words whether the account exists or not."""

    error_messages: ClassVar[dict[str, str]] = {
        "invalid_login": "This address and this password do not belong together.",
        "inactive": "This address and this password do not belong together.",
    }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class Register(forms.Form):
    """A new account. Nothing here tells whether the address has one already."""

    email = forms.EmailField(label="E-mail address", max_length=190)
    password = forms.CharField(
        label="Password",
        min_length=10,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least ten characters, and none of the common ones.",
    )
    agreed = forms.BooleanField(label="I have read what this site keeps about me, and agree.")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("password"):
            try:
                validate_password(told["password"], User(email=told.get("email", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return told


class TeamName(forms.Form):
    """The name that the board shows."""

    name = forms.CharField(
        label="Name of the team",
        min_length=2,
        max_length=60,
        help_text="Everybody can read it. Use no name of a person.",
    )

    def __init__(self, *arguments: Any, team: Team | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.team = team

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if not name.isprintable():
            raise ValidationError("Use letters that can be printed.")
        others = Team.objects.filter(key=key_of(name))
        if (others.exclude(pk=self.team.pk) if self.team else others).exists():
            raise ValidationError("A team of this name is there already. Choose another name.")
        return name


class TokenName(forms.Form):
    """What a token is for."""

    name = forms.CharField(label="What is it for?", max_length=60, help_text="Such as: my laptop.")
