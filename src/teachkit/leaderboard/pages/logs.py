"""Logs as lines of JSON, which log services read; known secrets never get in."""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request"}
# Whoever has such an address may join, confirm or set a password.
LINKS = re.compile(r"""(/(?:join|confirm|password-reset)/)[^\s"'\\?#]+""")
SECRET = ("password", "token", "secret", "cookie", "authorization", "email")


class Lines(logging.Formatter):
    """One line a record: time, level, logger, message, and what was passed as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in STANDARD:
                told[name] = "…" if any(word in name.lower() for word in SECRET) else value
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return LINKS.sub(r"\1…", json.dumps(told, default=str, ensure_ascii=False))


def access(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a line for each request by the pattern of its address, which holds no secret."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        answer = get_response(request)
        match = request.resolver_match  # None for style sheets, and for what is refused unread
        if match is not None or answer.status_code >= 400:
            told = {"method": request.method, "route": match.route if match else ""}
            took = round(1000 * (time.perf_counter() - started))
            log.info("request", extra={**told, "status": answer.status_code, "milliseconds": took})
        return answer

    return middleware
