"""A web site on this machine that can be slow, broken, moved or wrong."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Site:
    """Its files, how it misbehaves, and what it was asked for."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)  # path -> content
    tag: str = '"1"'  # ETag of all of them; "" for none
    ranges: bool = True  # whether it knows ranges
    breaks: list[int] = field(default_factory=list)  # bytes after which answers end, in turn
    codes: list[int] = field(default_factory=list)  # what it answers instead, in turn
    moved: dict[str, str] = field(default_factory=dict)  # path -> address
    wait: Callable[[], None] = lambda: None  # before it answers
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and range


@contextmanager
def serve() -> Iterator[Site]:
    """A site at a free port, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.site = Site(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.site  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        asked = self.headers.get("Range", "")
        site.asked.append((self.path, asked))
        site.wait()
        if site.codes and (code := site.codes.pop(0)):
            self._answer(code, b"")
        elif self.path in site.moved:
            self._answer(302, b"", Location=site.moved[self.path])
        elif self.path not in site.files:
            self._answer(404, b"")
        else:
            self._send(site, site.files[self.path], asked)

    def _send(self, site: Site, content: bytes, asked: str) -> None:
        headers = {"ETag": site.tag} if site.tag else {}
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if not (site.ranges and asked and self.headers.get("If-Range") == site.tag):
            self._answer(200, content, site, **headers)
        elif start >= len(content):
            self._answer(416, b"", **headers)
        else:
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._answer(206, content[start:], site, **headers, **{"Content-Range": place})

    def _answer(self, code: int, content: bytes, site: Site | None = None, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if site and site.breaks and (count := site.breaks.pop(0)) < len(content):
            self.wfile.write(content[:count])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
