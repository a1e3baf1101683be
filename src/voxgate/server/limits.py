"""What one caller may ask of the service: bodies of a bounded size, requests at a bounded rate."""

import threading
import time
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_CALLERS = 10_000  # whose rates are remembered
UPLOADS = "/v1/jobs"  # archives of recordings


class BoundedBodies:
    """ASGI middleware: a body is refused as soon as it is longer than allowed, or says so."""

    def __init__(self, app: ASGIApp, most: int, upload: int) -> None:
        """Allow so many bytes; and to archives of recordings so many."""
        self._app = app
        self._most = most
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._upload if scope["path"].startswith(UPLOADS) else self._most
        stated = Headers(scope=scope).get("content-length", "")
        read = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 19 else 0

        async def bounded() -> Message:
            nonlocal read
            if read > most:  # stated: nothing of it is read
                raise _refusal(most)
            message = await receive()
            if not stated:
                read += len(message.get("body", b""))
                if read > most:
                    raise _refusal(most)
            return message

        await self._app(scope, bounded, send)


class Rate:
    """So many requests a minute for each caller, as a bucket that fills steadily."""

    def __init__(self, a_minute: float, burst: int) -> None:
        """Let each caller start with `burst` requests, and have `a_minute` more each minute."""
        self._a_second = a_minute / 60
        self._burst = burst
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests, and when

    def wait_s(self, caller: str) -> float:
        """Count a request: 0 if it may go on, else the seconds to wait before the next."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(caller, (float(self._burst), now))
            left = min(float(self._burst), left + (now - at) * self._a_second)
            allowed = left >= 1
            self._left[caller] = (left - 1 if allowed else left, now)
            if len(self._left) > MOST_CALLERS:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._a_second


def _refusal(most: int) -> HTTPException:
    return HTTPException(
        413,
        f"The body has more than {most:,} bytes, which is the most allowed.",
        {"Connection": "close"},  # or the rest of it would be received, to be thrown away
    )
