"""Hands a prediction file in from a program. Needs no Django: students have it without the extra ``site``."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from teachkit.big import Member, Predictions, Suite, read_predictions
from teachkit.errors import SettingsError, TeachkitError

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SECONDS = 60
REST_SECONDS = 1.0
AWAY = 503
MOST_MISSES = 60


class SubmissionRefusedError(TeachkitError):
    """The site does not take the file, or cannot be reached."""


@dataclass(frozen=True)
class Site:
    """A leaderboard and a token for it.

    Attributes:
        address: such as https://board.example.org; without encryption on this machine only.
    """

    address: str
    token: str

    @classmethod
    def at(cls, address: str) -> "Site":
        """The site at `address`, with the token that the environment holds.

        Raises:
            SettingsError: without a token, or when it would travel without encryption.
        """
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise SettingsError(
                f"'{address}' is no address that a token may be sent to.",
                "Give one that starts with https://",
                address=address,
            )
        token = os.environ.get("TEACHKIT_TOKEN", "").strip()
        if not token:
            raise SettingsError(
                "TEACHKIT_TOKEN is not set.", "Make a token on your profile of the site and export it."
            )
        return cls(address.rstrip("/"), token)

    def suite(self, challenge: str) -> Suite:
        """What the challenge asks for."""
        told = json.loads(self._ask("GET", f"/api/challenges/{challenge}/")["suite"])
        sets = tuple(Member(**{**one, "classes": tuple(one["classes"])}) for one in told["sets"])
        return Suite(told["name"], told["version"], sets, tuple(told["sizes"]))

    def check(self, file: Path, challenge: str, size: int | None) -> Predictions:
        """Read the file as the site will, here, where a fault costs no slot.

        Raises:
            PredictionFileError: with all faults.
        """
        suite = self.suite(challenge)
        with tempfile.TemporaryDirectory() as folder:
            manifest = suite.save(Path(folder) / "suite.json")
            return read_predictions(file, suite=manifest, size=size)

    def submit(self, file: Path, challenge: str, told: dict[str, Any]) -> dict[str, Any]:
        """Send the file; what the site answers: ``id``, ``page``, ``ask``, ``left``.

        Raises:
            SubmissionRefusedError: with the reason of the site.
        """
        path = f"/api/challenges/{challenge}/submissions/"
        with file.open("rb") as stream:
            return self._ask("POST", path, data=told, files={"file": (file.name, stream)})

    def wait(self, entry: int, on_state: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
        """Ask until the entry is scored, rejected or failed; wait for a site that is away for a minute."""
        last, misses = "", 0
        while True:
            try:
                found = self._ask("GET", f"/api/submissions/{entry}/")
            except SubmissionRefusedError as error:
                misses += 1
                if error.values.get("status", AWAY) != AWAY or misses > MOST_MISSES:
                    raise
                time.sleep(REST_SECONDS)
                continue
            misses = 0
            if found["state"] != last:
                on_state(last := found["state"])
            if found["settled"]:
                return found
            time.sleep(REST_SECONDS)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        import requests

        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        try:
            answer = requests.request(
                method, self.address + path, headers=headers, timeout=SECONDS, allow_redirects=False, **more
            )
        except requests.exceptions.RequestException as error:
            raise SubmissionRefusedError(
                f"{self.address} cannot be reached ({type(error).__name__}).", "Check the address, and retry."
            ) from error
        try:
            found: dict[str, Any] = answer.json()
        except ValueError:
            found = {"error": f"{self.address} answered {answer.status_code}, not as a leaderboard does."}
        if answer.status_code not in (200, 202):
            fields = [
                f"{name}: {one['message']}" for name, all_ in found.get("fields", {}).items() for one in all_
            ]
            what = " ".join([found.get("error", f"Status {answer.status_code}."), *fields])
            raise SubmissionRefusedError(what, found.get("remedy", ""), status=answer.status_code)
        return found
