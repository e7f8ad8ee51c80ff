"""The source of data in force: has it enough for every lesson, and do the hosts answer that it needs?"""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from teachkit.course.condition import Check
from teachkit.course.declaration import Lesson, read_course
from teachkit.data import available, sources
from teachkit.data.loading import find
from teachkit.data.registry import DEFAULT_SIZE
from teachkit.errors import FetchError
from teachkit.ops.doctor.limits import within

PATIENCE_S = 10.0
HOST_PATIENCE_S = 3.0  # for one host
CHOOSE = "See what is there: teachkit data list. Or unset the variable that chooses this source."
OFFLINE = "Check the network; without one, TEACHKIT_OFFLINE=1 gives small sets that need none."


def data_check(root: Path | None, *, silent: bool = False) -> Check:
    """The source in force, and the lessons for which it has nothing.

    Args:
        root: the course, if there is one here.
        silent: its bucket has been asked already, in vain.
    """
    source = sources.current()
    head = f"Data come from: {source.label}."
    if root is None:
        return Check("data", "ok", head)
    if silent:
        said = f"{head} What it holds could not be seen."
        return Check(
            "data", "problem", said, "Mend the bucket first; see its own line.", {"source": source.label}
        )
    lessons = [lesson for lesson in read_course(root).lessons if lesson.data]
    chosen = within(PATIENCE_S, source.label, lambda: {lesson.id: _chosen(lesson) for lesson in lessons})
    details = {"source": source.label, "lessons": {lesson: list(names) for lesson, names in chosen.items()}}
    if without := [lesson.id for lesson in lessons if len(chosen[lesson.id]) < lesson.sets]:
        said = f"{head} It has too little for lessons {', '.join(without)}."
        return Check("data", "problem", said, CHOOSE, {**details, "lessons_without": without})
    if not isinstance(source, sources.PublicHosts):
        return Check("data", "ok", f"{head} It serves all {len(lessons)} lessons.", details=details)
    wanted = _to_fetch(name for names in chosen.values() for name in names)
    hosts = sorted(set(wanted.values()))
    mute = [host for host in hosts if not _answers(host)]
    if waiting := [name for name, host in wanted.items() if host in mute]:
        affected = [lesson for lesson, names in chosen.items() if set(names) & set(waiting)]
        said = f"{head} No answer from {', '.join(mute)}; lessons {', '.join(affected)} need it."
        return Check("data", "problem", said, OFFLINE, {**details, "silent": mute, "to_fetch": waiting})
    said = "All sets of the lessons are on this machine."
    if wanted:
        said = f"Sets to fetch when first needed: {len(wanted)}; hosts, which answer: {', '.join(hosts)}."
    return Check("data", "ok", f"{head} {said}", details={**details, "to_fetch": list(wanted)})


def _chosen(lesson: Lesson) -> tuple[str, ...]:
    """The sets that a run of this lesson takes now."""
    return available(lesson.data)[: lesson.sets]


def _to_fetch(names: Iterable[str]) -> dict[str, str]:
    """Set → host, for the sets that are neither embedded nor on this machine."""
    found = {}
    for name in dict.fromkeys(names):
        entry, source = find(name)
        if entry.embedded:
            continue
        item = entry.item(DEFAULT_SIZE)
        offer = source.offer(item)
        if offer is not None and offer.path is None:
            found[name] = _host(item.url)
    return found


def _host(url: str) -> str:
    """The host of an address; a public bucket is served by Google's."""
    return "storage.googleapis.com" if url.startswith("gs://") else urlsplit(url).netloc


def _answers(host: str) -> bool:
    """Whether a host says anything at all; proxies are used as downloads use them."""
    import requests

    try:
        within(HOST_PATIENCE_S + 1, host, lambda: requests.head(f"https://{host}", timeout=HOST_PATIENCE_S))
    except (requests.RequestException, FetchError):
        return False
    return True
