"""Under which name and which address wrong passwords are counted."""

from collections.abc import Mapping
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def counted_name(request: HttpRequest | None, credentials: Mapping[str, str] | None) -> str:
    """The address in small letters, as accounts have it: other letters are no other account."""
    given = (credentials or {}).get("username") or (request.POST.get("username") if request else "")
    return (given or "").strip().lower()


def address_of(request: HttpRequest) -> str:
    """Where a request comes from. What a sender writes into ``X-Forwarded-For`` himself counts for nothing.

    Each of the `TRUSTED_PROXIES` in front of the site adds one address at the end, that of who asked it.
    """
    near = str(request.META.get("REMOTE_ADDR", ""))
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if not 0 < settings.TRUSTED_PROXIES <= len(told):
        return near
    try:
        return str(ip_address(told[-settings.TRUSTED_PROXIES].strip()))
    except ValueError:
        return near
