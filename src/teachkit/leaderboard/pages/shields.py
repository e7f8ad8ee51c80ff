"""Middleware: bodies that are too large are refused unread, and every answer carries strict headers."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Next = Callable[[HttpRequest], HttpResponse]
FORM_BYTES = 2**20  # for everything in an upload that is not the file
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def size_limit(get_response: Next) -> Next:
    """Refuse by the stated length, before a byte of the body is read. A length must be stated."""

    def middleware(request: HttpRequest) -> HttpResponse:
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return _refusal(411, "State the length of what you send.")
        if not stated.isdigit() or int(stated) > settings.UPLOAD_MOST_BYTES + FORM_BYTES:
            most = settings.UPLOAD_MOST_BYTES // 2**20
            text = f"This is larger than {most} MiB. Pack the file with gzip, and check its columns."
            return _refusal(413, text)
        return get_response(request)

    return middleware


def _refusal(status: int, text: str) -> HttpResponse:
    answer = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    answer["Connection"] = "close"
    return answer


def headers(get_response: Next) -> Next:
    """Nothing is loaded from elsewhere, nothing inline runs, and pages of people are not kept by caches."""

    def middleware(request: HttpRequest) -> HttpResponse:
        answer = get_response(request)
        answer.setdefault("Content-Security-Policy", POLICY)
        answer.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if hasattr(request, "user") and request.user.is_authenticated:
            answer.setdefault("Cache-Control", "private, no-store")
        return answer

    return middleware
