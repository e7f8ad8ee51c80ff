"""On which kind of machine is this, and does it stop when nobody works?"""

import os

from teachkit.cloud import metadata, names
from teachkit.cloud.launch import SPEC
from teachkit.course.condition import Check
from teachkit.course.meter import idle_sentence
from teachkit.errors import FetchError


def place_check() -> Check:
    """Workbench, a job, another machine of the cloud, or none of these."""
    try:
        machine = metadata.instance()
    except FetchError as error:
        return Check("place", "note", f"A machine of Google's cloud. {error.what}", error.remedy)
    if machine is None:
        return Check("place", "ok", "Not a machine of Google's cloud.", details={"kind": "elsewhere"})
    where = f"{machine.machine} in {machine.zone}{', Spot' if machine.spot else ''}"
    details = {"machine": machine.machine, "zone": machine.zone, "spot": machine.spot, "name": machine.name}
    if machine.workbench:
        found, kind = f"An instance of {names.WORKBENCH}: {where}.", "workbench"
    elif os.environ.get(SPEC):
        found, kind = f"A machine of {names.JOBS}: {where}.", "job"
    else:
        found, kind = f"A virtual machine of Google's cloud, not of Workbench: {where}.", "machine"
    return Check("place", "ok", found, details={"kind": kind, **details})


def idle_check() -> Check:
    """Whether an instance of Workbench stops by itself: a forgotten one costs money day and night."""
    try:
        machine = metadata.instance()
    except FetchError as error:
        return Check(
            "idle shutdown", "note", f"It is not known whether it is set. {error.what}", error.remedy
        )
    if machine is None or not machine.workbench:
        return Check("idle shutdown", "ok", "Nothing to set: this is no instance of Workbench.")
    details = {"idle_s": machine.idle_s}
    set_it = (
        f"gcloud workbench instances update {machine.name} --location={machine.zone} "
        f"--metadata={names.IDLE_KEY}=3600"
    )
    if machine.idle_s == 0:
        return Check("idle shutdown", "problem", idle_sentence(machine), f"Set it: {set_it}", details)
    if machine.idle_s is None:
        return Check("idle shutdown", "note", idle_sentence(machine), f"Set it: {set_it}", details)
    if machine.attributes.get(names.IDLE_NEEDS, "").lower() != "true":
        return Check(
            "idle shutdown",
            "note",
            f"{idle_sentence(machine)} But {names.IDLE_NEEDS} is not on, without which it may not notice.",
            f"Set it: {set_it},{names.IDLE_NEEDS}=true",
            details,
        )
    return Check("idle shutdown", "ok", idle_sentence(machine), details=details)
