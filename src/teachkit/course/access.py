"""Who may do what in an exchange: a pure function from the roster to grants, and the commands that make them.

Cloud Storage gives permissions to *managed folders*. Every student gets two: one to hand in, which this
account alone can write to, and one with the feedback. Handing in is creating: nobody can change or remove
what lies there, the student neither.
"""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from teachkit.cloud.bucket import parse_url
from teachkit.course.exchange import names
from teachkit.course.roster import Roster
from teachkit.errors import SettingsError, StorageError

# What the roles of Cloud Storage contain, as far as an exchange needs it.
ROLES = {
    "roles/storage.objectViewer": frozenset({"get", "list"}),
    "roles/storage.objectCreator": frozenset({"create"}),
    "roles/storage.objectAdmin": frozenset({"get", "list", "create", "delete"}),
}
VIEWER, CREATOR, ADMIN = ROLES
KEPT_DAYS = 730  # hand-ins and feedback are about people, so they do not stay for ever
UNDO_DAYS = 30


@dataclass(frozen=True, order=True)
class Grant:
    """`member` gets `role` for everything below `folder`, which ends with a slash."""

    folder: str
    role: str
    member: str


def member(principal: str) -> str:
    """An account as policies write it."""
    kind = "serviceAccount" if principal.endswith(".gserviceaccount.com") else "user"
    return principal if ":" in principal else f"{kind}:{principal}"


def grants(course: str, roster: Roster, graders: Iterable[str], prefix: str = "") -> list[Grant]:
    """Every grant of a course whose exchange lies below `prefix` in its bucket.

    Graders (people, and the account of a grading machine) may do everything in this course, and nothing in
    another course of the same bucket.
    """
    top = f"{prefix}/" if prefix else ""
    found = [Grant(f"{top}{names.releases(course).split('/')[0]}/", ADMIN, member(who)) for who in graders]
    for entry in roster.entries:
        who = member(entry.principal)
        hand_in = f"{top}{names.inbound(course, entry.student)}"
        found += [
            Grant(f"{top}{names.releases(course)}", VIEWER, who),
            Grant(hand_in, CREATOR, who),
            Grant(hand_in, VIEWER, who),  # to see that it arrived, and when
            Grant(f"{top}{names.feedback(course, entry.student)}", VIEWER, who),
        ]
    return found


def permits(given: Iterable[Grant], who: str, permission: str, name: str) -> bool:
    """Whether `who` may "get", "list", "create" or "delete" the object or prefix `name`."""
    return any(
        grant.member == who and permission in ROLES[grant.role] and name.startswith(grant.folder)
        for grant in given
    )


def lifecycle(prefix: str = "") -> dict[str, Any]:
    """The rule that removes everything below `prefix` after two years, the same for all courses there."""
    condition: dict[str, Any] = {"age": KEPT_DAYS}
    if prefix:
        condition["matchesPrefix"] = [f"{prefix}/"]
    return {"rule": [{"action": {"type": "Delete"}, "condition": condition}]}


def commands(url: str, given: Sequence[Grant], lifecycle_file: str, *, location: str = "") -> list[list[str]]:
    """The gcloud commands that make the bucket, its folders and its grants; the first one makes the bucket.

    The bucket has uniform access and no public access, as managed folders need, and what is removed can be
    brought back for thirty days.
    """
    bucket = f"gs://{parse_url(url)[0]}"
    gcloud = ["gcloud", "storage"]
    guarded = ["--uniform-bucket-level-access", "--public-access-prevention"]
    undo = f"--soft-delete-duration={UNDO_DAYS}d"
    made = [
        gcloud
        + ["buckets", "create", bucket, *guarded, undo]
        + ([f"--location={location}"] if location else [])
    ]
    made.append([*gcloud, "buckets", "update", bucket, f"--lifecycle-file={lifecycle_file}"])
    for folder in sorted({grant.folder for grant in given}):
        made.append([*gcloud, "managed-folders", "create", f"{bucket}/{folder}"])
    for grant in sorted(set(given)):
        made.append(
            [
                *gcloud,
                "managed-folders",
                "add-iam-policy-binding",
                f"{bucket}/{grant.folder}",
                f"--member={grant.member}",
                f"--role={grant.role}",
            ]
        )
    return made


def apply(made: Iterable[Sequence[str]], say: Callable[[str], None]) -> None:
    """Run the commands one by one; what exists already is left as it is, so a second run mends a first one.

    Raises:
        SettingsError: gcloud is not installed.
        StorageError: a command fails; the rest is not run.
    """
    if shutil.which("gcloud") is None:
        raise SettingsError(
            "The command gcloud is not installed here.",
            "Install the Google Cloud CLI, or run the printed lines in Cloud Shell.",
        )
    for command in made:
        done = subprocess.run(list(command), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            say(f"done: {shlex.join(command)}")
        elif "create" in command and any(word in done.stderr for word in ("409", "ALREADY_EXISTS")):
            say(f"there already: {shlex.join(command)}")
        elif "delete" in command and any(word in done.stderr for word in ("404", "NOT_FOUND")):
            say(f"gone already: {shlex.join(command)}")
        else:
            raise StorageError(
                f"This command failed: {shlex.join(command)}\n{done.stderr.strip()}",
                "Mend it and run the setup again; what is done stays done.",
                command=list(command),
            )


def script(made: Iterable[Sequence[str]]) -> str:
    """The commands as lines for a shell."""
    return "\n".join(shlex.join(command) for command in made)
