"""What a team says about an entry."""

from typing import Any

from django import forms
from django.core.validators import URLValidator

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions.receiving import Declared

WEB = URLValidator(schemes=["http", "https"])


class Entry(forms.Form):
    """A prediction file and what is declared about the model."""

    file = forms.FileField(label="Prediction file", help_text=".csv, .csv.gz or .zip, up to 64 MiB.")
    model_name = forms.CharField(label="Name of the model", max_length=80, strip=True)
    size = forms.TypedChoiceField(label="Image size", coerce=int)
    description = forms.CharField(
        label="Description",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What others need to know to train it again.",
    )
    link = forms.CharField(
        label="Link to a study",
        max_length=300,
        required=False,
        validators=[WEB],
        widget=forms.URLInput(),
        help_text="An address that starts with https://. An admin may verify the paper.",
    )
    extra_data = forms.CharField(
        label="Other data it was trained on",
        max_length=300,
        required=False,
        help_text="Empty when there are none but the training sets of the suite.",
    )
    pre_training = forms.CharField(
        label="Weights it started from",
        max_length=300,
        required=False,
        help_text="Empty when it was trained from scratch. Such as: ImageNet, supervised.",
    )

    def __init__(self, challenge: Challenge, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["size"].choices = [(size, f"{size}×{size}") for size in challenge.suite.sizes]

    @property
    def declared(self) -> Declared:
        """What was said, without the file."""
        told = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        return Declared(**told)
