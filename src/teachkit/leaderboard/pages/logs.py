"""Logs as lines of JSON, which log services read; known secrets never get in."""

import json
import logging
from datetime import UTC, datetime

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request"}
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
        return json.dumps(told, default=str, ensure_ascii=False)
