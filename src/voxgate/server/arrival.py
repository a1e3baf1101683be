"""The body of a request as it arrives."""

import hashlib

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope


def has_body(headers: Headers) -> bool:
    """Whether a request says that a body comes with it."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class Arrival:
    """A request's body as it arrives: its digest, and whether all of it is there.

    Without the boundary, if it is a form: a client chooses that anew whenever it sends one.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._boundary = parse_options_header(headers.get("content-type"))[1].get(b"boundary", b"")
        self._tail = b""  # which may be the beginning of a boundary
        self._digest = hashlib.sha256()
        self.whole = not has_body(headers)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what has arrived."""
        digest = self._digest.copy()
        digest.update(self._tail)
        return digest.digest()

    async def receive(self) -> Message:
        """The next message, passed on as it is."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._add(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        return message

    async def rest(self) -> bool:
        """Receive what is left, and say whether it came."""
        while not self.whole:
            if (await self.receive())["type"] != "http.request":
                return False
        return True

    def _add(self, part: bytes) -> None:
        if not self._boundary:
            self._digest.update(part)
            return
        *before, last = (self._tail + part).split(self._boundary)
        for piece in before:
            self._digest.update(piece)
        kept = min(len(last), len(self._boundary) - 1)
        self._digest.update(last[: len(last) - kept])
        self._tail = last[len(last) - kept :]
