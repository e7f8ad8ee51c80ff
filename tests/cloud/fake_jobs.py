"""A stand-in for the service of custom jobs: a web server that speaks its JSON and lives a job's life.

Requests and replies go through the service's own message types, so a field that the real service does not
know is refused here as well.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.cloud import aiplatform_v1 as v1
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

ROOT = re.compile(r"^/v1/(projects/[^/]+/locations/[^/]+)/customJobs(?:/(\d+))?(:cancel)?$")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = 2  # jobs on a page, so that lists have pages
LIFE = ("QUEUED", "PENDING", "RUNNING", "SUCCEEDED")
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}  # fmt: skip

# What a fault may be: a status with a message, "lost" (done, but the reply is dropped), or nothing.
Fault = Callable[[str, str], "tuple[int, str] | str | None"]


class FakeService:
    """The jobs that were asked for. Each look at a job brings it one step further in its `life`."""

    def __init__(self) -> None:
        self.jobs: dict[str, Any] = {}
        self.lives: dict[str, list[str]] = {}
        self.life: tuple[str, ...] = LIFE
        self.error = ""
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.fault: Fault = lambda method, path: None
        self.on_state: Callable[[str, Any], None] = lambda state, job: None
        self.minutes = 60

    def names(self) -> list[str]:
        """The display names of all jobs, in the order in which they began."""
        return [job.display_name for job in self.jobs.values()]

    def create(self, parent: str, body: dict[str, Any]) -> Any:
        job = v1.CustomJob(ParseDict(body, v1.CustomJob.pb()()))
        job.name = f"{parent}/customJobs/{len(self.jobs) + 1}"
        job.create_time = NOON + timedelta(minutes=len(self.jobs))
        self.jobs[job.name] = job
        self.lives[job.name] = list(self.life)
        self._enter(job, self.lives[job.name].pop(0))
        return job

    def look(self, job: Any) -> Any:
        if left := self.lives[job.name]:
            self._enter(job, left.pop(0))
        return job

    def cancel(self, job: Any) -> None:
        self._enter(job, "CANCELLING")
        self.lives[job.name] = ["CANCELLED"]

    def _enter(self, job: Any, state: str) -> None:
        changed = job.state != v1.JobState[f"JOB_STATE_{state}"]
        job.state = v1.JobState[f"JOB_STATE_{state}"]
        if state == "RUNNING":
            job.start_time = NOON
        if state in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"):
            job.end_time = NOON + timedelta(minutes=self.minutes)
            if state != "SUCCEEDED" and self.error:
                job.error = {"code": 3, "message": self.error}
        if changed:
            self.on_state(state, job)

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(target)
        found = ROOT.match(parts.path)
        if not found:
            return refusal(404, f"No such address: {parts.path}")
        parent, number, verb = found.groups()
        if method == "POST" and not number:
            self.bodies.append(json.loads(body))
            try:
                return 200, said(self.create(parent, self.bodies[-1]))
            except ParseError as error:
                return refusal(400, f"INVALID_ARGUMENT: {error}")
        if method == "GET" and not number:
            return 200, self.page(parent, parse_qs(parts.query))
        job = self.jobs.get(f"{parent}/customJobs/{number}")
        if job is None:
            return refusal(404, "The CustomJob does not exist.")
        if verb:
            if job.end_time:
                return refusal(400, "FAILED_PRECONDITION: the job has ended.")
            self.cancel(job)
            return 200, {}
        return 200, said(self.look(job))

    def page(self, parent: str, query: dict[str, list[str]]) -> dict[str, Any]:
        wanted = re.fullmatch(r'labels\.([\w-]+)(?::\*|="([^"]*)")', query.get("filter", [""])[0])
        assert wanted, f"a filter that the service would not know: {query}"
        label, value = wanted.groups()
        fitting = [
            job
            for name, job in self.jobs.items()
            if name.startswith(parent) and label in job.labels and value in (None, job.labels[label])
        ]
        begin = int(query.get("pageToken", ["0"])[0] or 0)
        more = {"nextPageToken": str(begin + PAGE)} if len(fitting) > begin + PAGE else {}
        return {"customJobs": [said(job) for job in fitting[begin : begin + PAGE]], **more}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The class that a web server answers with."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urlsplit(self.path).path
                service.requests.append((self.command, path))
                fault = service.fault(self.command, path)
                if isinstance(fault, tuple):
                    self._reply(*refusal(*fault))
                    return
                reply = service.answer(self.command, self.path, body)
                if fault == "lost":
                    self.close_connection = True
                    self.connection.close()
                    return
                self._reply(*reply)

            do_GET = do_POST = _serve  # noqa: N815

            def _reply(self, status: int, content: dict[str, Any]) -> None:
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        return Handler


def said(job: Any) -> dict[str, Any]:
    """A job as the service writes it."""
    return MessageToDict(job._pb)


def refusal(code: int, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "message": message, "status": STATUS.get(code, "UNKNOWN")}}
