"""How numbers and links are shown."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django import template

register = template.Library()


@register.filter
def score(value: float | None) -> str:
    """Four decimals; a dash for what is undefined."""
    return "–" if value is None or value != value else f"{value:.4f}"


@register.filter
def safe_link(address: str) -> str:
    """The address when it is one of the web; "" for anything that a browser would run."""
    return address if urlsplit(address).scheme in ("http", "https") else ""


@register.filter
def item(table: dict[str, Any], name: str) -> Any:
    """`table[name]`, or None."""
    return (table or {}).get(name)


@register.filter
def wordlist(words: str) -> list[str]:
    """The words of a text."""
    return words.split()


@register.filter
def signed(value: float) -> str:
    """Four decimals with a sign; a dash for what is undefined."""
    return "–" if value != value else f"{value:+.4f}"


@register.simple_tag
def query(base: dict[str, str], **changes: object) -> str:
    """An address's question part with some values changed."""
    return urlencode({**base, **{name: str(value) for name, value in changes.items()}})
