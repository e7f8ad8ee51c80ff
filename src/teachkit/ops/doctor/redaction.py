"""Taking names and secrets out of text before a student sends it.

Three things are replaced: what this machine knows to be personal (home folder, user, host, the values of
variables that hold secrets), what has the form of a secret or an address, and what follows a word such as
"password". Better a harmless word too much than a key too few.
"""

import getpass
import os
import platform
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teachkit.course.exchange.names import SHARED_USERS

REMOVED = "[removed]"
SHORTEST, LONG = 3, 8  # characters of a name or value that is looked for; inside of words too
SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|credential|auth|cookie|signature|session|database_url")
PERSONAL_NAME = re.compile(r"(?i)student|email|user_?name")
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
        self._secrets = _Words(dict(_values(around, SECRET_NAME)))
        self._people = _Words({**dict(_people()), **dict(_values(around, PERSONAL_NAME))})

    def text(self, text: str) -> str:
        """`text` without names and secrets, and without the colours of a terminal."""
        text = self._secrets.replaced(COLOURS.sub("", text))
        for form in FORMS:
            text = form.sub(REMOVED, text)
        text = self._people.replaced(text)  # after the forms, because a name can be a part of an address
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


class _Words:
    """Known texts and what stands in their place; the longest that fits is taken."""

    def __init__(self, masks: Mapping[str, str]) -> None:
        self._masks = masks
        self._pattern = re.compile("|".join(map(_found_by, sorted(masks, key=len, reverse=True))))

    def replaced(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._masks[found[0]], text) if self._masks else text


def _found_by(word: str) -> str:
    """The pattern of a known text; a short one counts only where it stands alone."""
    exact = re.escape(word)
    return exact if len(word) >= LONG else rf"(?<![A-Za-z0-9]){exact}(?![A-Za-z0-9])"


def _people() -> Iterator[tuple[str, str]]:
    home = str(Path.home())
    if len(home) > SHORTEST:
        yield home, "~"
        yield os.path.realpath(home), "~"
    host = platform.node()
    names = dict.fromkeys(_user_names(), "[user]")
    for name, mask in {**names, host: "[host]", host.partition(".")[0]: "[host]"}.items():
        if len(name) >= SHORTEST and name not in {*SHARED_USERS, "localhost"}:
            yield name, mask


def _user_names() -> Iterator[str]:
    """The login and, where the system knows it, the full name of who works here."""
    try:
        user = getpass.getuser()
        yield user
        yield pwd.getpwnam(user).pw_gecos.partition(",")[0]
    except (OSError, KeyError):  # a user without an entry, as in some containers
        return


def _values(environment: Mapping[str, str], named: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(value, its variable in brackets) of the variables whose names fit, but no words that say nothing."""
    for name, value in environment.items():
        telling = len(value) >= SHORTEST and not HARMLESS.fullmatch(value) and value not in SHARED_USERS
        if named.search(name) and telling and not os.path.isdir(value):
            yield value, f"[{name}]"


def _unless_a_word(found: re.Match[str]) -> str:
    """Names of packages and functions stay; what only a machine would write goes."""
    text = found[0]
    mixed = all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return REMOVED if mixed or HEX.search(text) else text
