"""As whom this machine asks the cloud, read from where the client library looks.

The order is that of Application Default Credentials: the variable GOOGLE_APPLICATION_CREDENTIALS, the
sign-in saved by gcloud, the service account of a machine in the cloud. What is found here is for reading:
who may do what, the server decides.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from teachkit.cloud.metadata import Instance
from teachkit.errors import StorageRefusedError
from teachkit.extras import need

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
SAVED = "application_default_credentials.json"
Kind = Literal["user", "service account", "federated", "nobody", "unreadable"]


@dataclass(frozen=True)
class Identity:
    """Who asks: `name` is an address or empty, `source` says where that stands, `file` holds it."""

    kind: Kind
    name: str = ""
    source: str = ""
    file: str = ""

    def __str__(self) -> str:
        if self.kind == "nobody":
            return "anonymously (nobody is signed in)"
        who = f" {self.name}" if self.name else ""
        return f"as {'the ' if self.kind == 'service account' else 'a '}{self.kind}{who} ({self.source})"


def identity(instance: Instance | None = None) -> Identity:
    """Who asks the cloud from here; `instance` is this machine where it is one of the cloud's."""
    if path := os.environ.get(KEY_FILE):
        return _of_file(Path(path), KEY_FILE)
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud"
    if (saved := Path(folder) / SAVED).is_file():
        return _of_file(saved, "the sign-in saved by gcloud")
    if instance is not None and instance.account:
        return Identity("service account", instance.account, "of this machine")
    return Identity("nobody")


def named(who: Identity) -> Identity:
    """`who` with the address of a user, which the saved sign-in does not hold: the sign-in service is asked.

    Raises:
        StorageRefusedError: the sign-in no longer works.
    """
    if who.kind != "user" or who.name:
        return who
    need("google.auth", "cloud")
    from google.auth import exceptions, jwt
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    try:
        credentials = Credentials.from_authorized_user_file(who.file)
        credentials.refresh(Request())
        claims = jwt.decode(credentials.id_token, verify=False) if credentials.id_token else {}
    except (exceptions.RefreshError, ValueError) as error:
        raise StorageRefusedError(
            f"{who.source[0].upper()}{who.source[1:]} no longer works.",
            "Sign in again with: gcloud auth application-default login",
        ) from error
    except exceptions.TransportError:  # no network: the name stays unknown
        return who
    return replace(who, name=str(claims.get("email", "")))


def _of_file(path: Path, source: str) -> Identity:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = content["type"]
    except (OSError, ValueError, KeyError, TypeError):
        return Identity("unreadable", str(path), source)
    if kind == "service_account":
        return Identity("service account", str(content.get("client_email", "")), source)
    if kind == "authorized_user":
        return Identity("user", str(content.get("account", "")), source, str(path))
    return Identity("federated", "", source)
