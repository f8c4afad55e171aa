"""A mirror on the loopback interface that can misbehave."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 60.0  # seconds after which a test that waits for nothing is let go


class MirrorServer(ThreadingHTTPServer):
    """Serves `files`; `fault` is one of short, stall, drip, 500, wrong, silent, gone.

    A GET is answered once `clients` HEAD requests have come.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, files: dict[str, bytes], fault: str = "", clients: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), MirrorRequest)
        self.files = files
        self.fault = fault
        self.clients = clients
        self.requests: list[tuple[str, str]] = []
        self.all_clients_here = threading.Event()
        self.end = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def note(self, method: str, name: str) -> None:
        with self.lock:
            self.requests.append((method, name))
            if sum(method == "HEAD" for method, _ in self.requests) >= self.clients:
                self.all_clients_here.set()

    def count(self, method: str) -> int:
        return sum(m == method for m, _ in self.requests)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what these tests are about."""


class MirrorRequest(BaseHTTPRequestHandler):
    server: MirrorServer

    def do_HEAD(self) -> None:
        self.server.note("HEAD", self.path[1:])
        if self.server.fault == "silent":
            self.server.end.wait(LONG)
        self._headers(404 if self.server.fault == "gone" else 200, 0)

    def do_GET(self) -> None:
        self.server.note("GET", self.path[1:])
        self.server.all_clients_here.wait(LONG)
        body = self.server.files[self.path[1:]]
        if self.server.fault == "500":
            self._headers(500, 0)
            return
        if self.server.fault == "wrong":
            body = body[::-1]
        self._headers(200, len(body))
        if self.server.fault == "drip":
            self._drip(body)
            return
        if self.server.fault in ("short", "stall"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if self.server.fault == "short":
                return
            self.server.end.wait(LONG)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def _drip(self, body: bytes) -> None:
        """For two seconds a byte now and then, quicker than any time limit of one receive asks."""
        for start in range(100):
            self.wfile.write(body[start : start + 1])
            if self.server.end.wait(0.02):
                return
        self.wfile.write(body[100:])

    def _headers(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@contextmanager
def serving(files: dict[str, bytes], fault: str = "", clients: int = 0) -> Iterator[MirrorServer]:
    with MirrorServer(files, fault, clients) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.end.set()
            server.shutdown()
            thread.join()
