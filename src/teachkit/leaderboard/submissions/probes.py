"""Whether a worker is alive, for machines that watch it: on Cloud Run every service answers on a port."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SILENT_SECONDS = 60.0  # a worker gives a sign of life every second


def answer_probes(host: str, port: int, seen: Callable[[], float]) -> ThreadingHTTPServer:
    """Answer every GET beside the worker: 200 while it gives signs of life, 503 when it is silent too long.

    Args:
        seen: when the last sign of life was, by `time.monotonic`.
    """

    class Probe(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            alive = time.monotonic() - seen() < SILENT_SECONDS
            self.send_response(200 if alive else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: probes come every few seconds."""

    server = ThreadingHTTPServer((host, port), Probe)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
