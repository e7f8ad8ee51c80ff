"""Under which name wrong passwords are counted."""

from collections.abc import Mapping

from django.http import HttpRequest


def counted_name(request: HttpRequest | None, credentials: Mapping[str, str] | None) -> str:
    """The address in small letters, as accounts have it: other letters are no other account."""
    given = (credentials or {}).get("username") or (request.POST.get("username") if request else "")
    return (given or "").strip().lower()
