"""What a machine of the cloud knows about itself: one question to its metadata server, none elsewhere.

Whether this is such a machine is read from its firmware, so no other machine ever waits for an answer.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from teachkit.cloud import names
from teachkit.errors import FetchError

PATIENCE_S = 2.0  # the server is on the machine itself and answers within milliseconds
HOST_VARIABLE = "GCE_METADATA_HOST"
PRODUCT = Path("/sys/class/dmi/id/product_name")


@dataclass(frozen=True)
class Instance:
    """One virtual machine: name, machine type, zone, the service account at work, and its attributes."""

    name: str
    machine: str
    zone: str
    account: str = ""
    spot: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def workbench(self) -> bool:
        """Whether it is an instance of Workbench, by the attributes that only Workbench sets."""
        return any(key in self.attributes for key in names.WORKBENCH_KEYS)

    @property
    def idle_s(self) -> int | None:
        """Seconds without work after which the instance stops itself; 0 is never, None: it is not said."""
        said = self.attributes.get(names.IDLE_KEY, "").strip()
        return int(said) if said.isdigit() else None


def on_google() -> bool:
    """Whether this is one of Google's machines; asks nobody."""
    if os.environ.get(HOST_VARIABLE):
        return True
    try:
        return PRODUCT.read_text(encoding="utf-8").strip().startswith("Google")
    except OSError:
        return False


def instance() -> Instance | None:
    """This machine as the cloud knows it; None when it is no machine of Google's.

    Raises:
        FetchError: it is one, but its metadata server gives no answer that makes sense.
    """
    if not on_google():
        return None
    host = os.environ.get(HOST_VARIABLE) or names.METADATA_HOST
    request = Request(
        f"http://{host}/computeMetadata/v1/instance/?recursive=true", headers={"Metadata-Flavor": "Google"}
    )
    try:
        # A proxy, where one is set, is for the world outside.
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE_S) as reply:
            return _read(json.load(reply))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise FetchError(
            f"The metadata server {host} of this machine gives no answer: {error}.",
            "Nothing, on a notebook service that hides it; else restart the machine.",
            host=host,
        ) from error


def _read(said: Mapping[str, Any]) -> Instance:
    account = said.get("serviceAccounts", {}).get("default", {}).get("email", "")
    scheduling = said.get("scheduling", {})
    return Instance(
        name=str(said.get("name", "")),
        machine=str(said.get("machineType", "")).rpartition("/")[2],
        zone=str(said.get("zone", "")).rpartition("/")[2],
        account=str(account),
        spot=str(scheduling.get("preemptible", "")).upper() == "TRUE",
        attributes={str(key): str(value) for key, value in said.get("attributes", {}).items()},
    )
