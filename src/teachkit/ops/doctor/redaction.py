"""Taking names and secrets out of text before a student sends it.

Three things are replaced: what this machine knows to be personal (home folder, user, host, the values of
variables that hold secrets), what has the form of a secret or an address, and what follows a word such as
"password". Better a harmless word too much than a key too few.
"""

import getpass
import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teachkit.course.exchange.names import SHARED_USERS

REMOVED = "[removed]"
SHORTEST = 3  # characters of a name or value that is looked for everywhere
SECRET_NAME = re.compile(
    r"(?i)key|token|secret|passw|credential|auth|cookie|signature|session|database_url|student|email|user_?name"
)
HARMLESS = re.compile(r"(?i)true|false|none|null|yes|no|on|off|\d{1,3}")
FORMS = (
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # name and password in an address
    re.compile(
        r"\b(?:ya29\.|AIza|gh[pousr]_|github_pat_|glpat-|xox[abps]-|sk-|AKIA|GOCSPX-|1//0)[\w.+/=-]{6,}"
    ),
    re.compile(r"\beyJ[\w-]+(\.[\w-]+){1,2}"),
    re.compile(r"(?i)(?<=\bbearer )\S+|(?<=\bbasic )[\w+/=-]{8,}"),
    re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"),
)
FOLLOWED = re.compile(
    r"(?i)([\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|signature)"
    r"[\w-]*[\"']?\s*[=:]\s*[\"']?)([^\s\"',;&)}\]]{3,})"
)
OPAQUE = re.compile(r"[A-Za-z0-9_+=-]{24,}")
HEX = re.compile(r"(?i)[0-9a-f]{32,}")
HOMES = re.compile(r"(?:/home|/Users|\\Users)[/\\][^/\\\s\"':]+")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Redaction:
    """Replaces names and secrets in text, and in everything that JSON can hold."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        around = os.environ if environment is None else environment
        known = {**dict(_people()), **dict(_secrets(around))}
        self._known = known
        longest_first = sorted(known, key=len, reverse=True)
        self._pattern = re.compile(
            rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])"
        )

    def text(self, text: str) -> str:
        """`text` without names and secrets, and without the colours of a terminal."""
        text = COLOURS.sub("", text)
        text = FORMS[0].sub(REMOVED, text)
        if self._known:
            text = self._pattern.sub(lambda found: self._known[found[0]], text)
        for form in FORMS[1:]:
            text = form.sub(REMOVED, text)
        text = FOLLOWED.sub(lambda found: found[1] + REMOVED, text)
        text = OPAQUE.sub(_unless_a_word, text)
        return HOMES.sub("~", text)

    def content(self, content: Any) -> Any:
        """`content` with `text` applied to each text in it, keys too."""
        if isinstance(content, str):
            return self.text(content)
        if isinstance(content, Mapping):
            return {self.text(str(key)): self._entry(str(key), value) for key, value in content.items()}
        if isinstance(content, list | tuple):
            return [self.content(item) for item in content]
        return content

    def _entry(self, key: str, value: Any) -> Any:
        """A text whose key says that it is a secret goes whole."""
        named = isinstance(value, str) and FOLLOWED.match(f"{key}: secret")
        return REMOVED if named else self.content(value)


def _people() -> Iterator[tuple[str, str]]:
    home = str(Path.home())
    if len(home) > SHORTEST:
        yield home, "~"
        yield os.path.realpath(home), "~"
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user without an entry, as in some containers
        user = ""
    host = platform.node()
    for name, mask in ((user, "[user]"), (host, "[host]"), (host.partition(".")[0], "[host]")):
        if len(name) > SHORTEST and name not in SHARED_USERS:
            yield name, mask


def _secrets(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        telling = len(value) >= SHORTEST and not HARMLESS.fullmatch(value) and value not in SHARED_USERS
        if SECRET_NAME.search(name) and telling and not os.path.isdir(value):
            yield value, f"[{name}]"


def _unless_a_word(found: re.Match[str]) -> str:
    """Names of packages and functions stay; what only a machine would write goes."""
    text = found[0]
    mixed = all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return REMOVED if mixed or HEX.search(text) else text
