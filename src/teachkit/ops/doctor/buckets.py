"""Do the buckets of data and of hand-ins answer, and as whom are they asked?"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from teachkit.cloud import Bucket, BucketStore, metadata
from teachkit.cloud.identity import Identity, identity, named
from teachkit.course.condition import Check
from teachkit.course.exchange import names
from teachkit.course.exchange.choice import VARIABLE as EXCHANGE
from teachkit.errors import FetchError, StorageRefusedError, TeachkitError
from teachkit.ops.doctor.limits import within

PATIENCE_S = 10.0
DATA = "TEACHKIT_BUCKET"
DATA_BUCKET = "data bucket"  # the name of its check
COURSE_ID = re.compile(r"^c\.CourseDirectory\.course_id\s*=\s*[\"'](.+?)[\"']", re.MULTILINE)


def account_check() -> Check:
    """As whom this machine asks the cloud."""
    who = _who()
    details = {"kind": who.kind, "name": who.name, "source": who.source}
    if who.kind == "unreadable":
        return Check(
            "account",
            "problem",
            f"The credentials {who.name} cannot be read ({who.source}).",
            "Correct the path, or sign in with: gcloud auth application-default login",
            details,
        )
    if who.kind == "nobody":
        return Check(
            "account", "ok", "Nobody is signed in to a cloud; public buckets need nobody.", "", details
        )
    try:
        who = _with_name(who)
    except StorageRefusedError as error:
        return Check("account", "problem", error.what, error.remedy, details)
    return Check("account", "ok", f"The cloud is asked {who}.", details={**details, "name": who.name})


def _with_name(who: Identity) -> Identity:
    """`who` with the address of a user; without it when the sign-in service is silent."""
    try:
        return within(PATIENCE_S, "The sign-in service", lambda: named(who))
    except FetchError:
        return who


def bucket_checks(root: Path | None) -> Iterator[Check]:
    """One check for each bucket that the environment names."""
    data, exchange = os.environ.get(DATA, ""), os.environ.get(EXCHANGE, "")
    if data:
        yield _asked(DATA_BUCKET, data, lambda: _list_data(data))
    if exchange:
        yield _asked("exchange", exchange, lambda: _list_releases(exchange, root))
    if not data and not exchange:
        yield Check("buckets", "ok", f"None is asked for: neither {DATA} nor {EXCHANGE} is set.")


def _asked(name: str, url: str, question: Callable[[], str]) -> Check:
    try:
        said = within(PATIENCE_S, url, question)
    except TeachkitError as error:
        return Check(name, "problem", error.what, error.remedy, {"url": url})
    who = _who()
    return Check(name, "ok", f"{url} answers: {said}; asked {who}.", "", {"url": url, "as": str(who)})


def _who() -> Identity:
    try:
        return identity(metadata.instance())
    except TeachkitError:
        return identity()


def _list_data(url: str) -> str:
    contents = Bucket(url).contents
    files = sum(1 for size in contents.values() if size is not None)
    return f"files: {files}, folders: {len(contents) - files}"


def _list_releases(url: str, root: Path | None) -> str:
    """Students may list the releases and nothing above them, so that is what is asked for."""
    course = _course_id(root)
    found = BucketStore(url).list(names.releases(course) if course else "")
    return f"releases of {course}: {len(found)}" if course else f"objects: {len(found)}"


def _course_id(root: Path | None) -> str:
    settings = root / "quizzes" / "nbgrader_config.py" if root else None
    if settings is None or not settings.is_file():
        return ""
    found = COURSE_ID.search(settings.read_text(encoding="utf-8"))
    return found[1] if found else ""
