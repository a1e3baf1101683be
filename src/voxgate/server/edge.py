"""The outermost layer of the service: every request passes here, first and last.

It gives the request its id, counts and times it, refuses it while the service drains, puts
the security headers on the answer, writes one log line, and turns an error nobody foresaw
into a 500 that says nothing of it.
"""

import logging
import re
import time
from collections.abc import Mapping
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxgate.server.drain import Drain
from voxgate.server.errors import problem
from voxgate.server.metrics import Metrics
from voxgate.server.telemetry import Telemetry
from voxgate.server.trace import Trace, tracing

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})  # answered while draining; not logged
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
RETRY_AFTER_S = 2
UNKNOWN_ROUTE = "(none)"  # a path that no route has is never repeated
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}

log = logging.getLogger("voxgate.requests")


class Edge:
    """ASGI middleware, the last one to be added to an app; see the module."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        drain: Drain,
        metrics: Metrics,
        telemetry: Telemetry | None = None,
        over_tls: bool = False,
    ) -> None:
        """Put it round an app.

        Args:
            app: what answers.
            drain: whether new requests are still taken.
            metrics: what is told of each request.
            telemetry: where spans go; nowhere without it.
            over_tls: tell browsers to come back by TLS only.
        """
        self._app = app
        self._drain = drain
        self.metrics = metrics
        self.telemetry = telemetry
        self.headers = SECURITY_HEADERS | (OVER_TLS if over_tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        trace = Trace(_request_id(scope))
        scope.setdefault("state", {})["request_id"] = trace.request_id
        exchange = _Exchange(self, scope, receive, send, trace)
        if scope["path"] in WATCHED:
            await exchange.run(self._app)
        elif self._drain.started:
            await exchange.refuse()
        else:
            with tracing(trace), self._drain.answering(), self.metrics.in_flight():
                await exchange.observed(self._app)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, edge: Edge, scope: Scope, receive: Receive, send: Send, trace: Trace
    ) -> None:
        self._edge = edge
        self._scope = scope
        self._take = receive
        self._give = send
        self._trace = trace
        self._status = 0  # none sent yet
        self._received = False  # the whole body

    async def observed(self, app: ASGIApp) -> None:
        """Run the app on it; count, time and log what came of it."""
        started = time.perf_counter()
        telemetry = self._edge.telemetry
        try:
            if telemetry is None:
                await self.run(app)
            else:
                with telemetry.request(self._scope, self._trace) as span:
                    await self.run(app)
                    span.answered(_route(self._scope), self._status)
        finally:
            self._tell(time.perf_counter() - started)

    async def run(self, app: ASGIApp) -> None:
        """Run the app on it; an error that nobody foresaw becomes a 500."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:
            log.exception("unforeseen error", extra={"request_id": self._trace.request_id})
            if self._status or self._scope["type"] != "http":
                raise  # too late to say anything: the server cuts the connection
            await self._answer(500, "The service failed on this request. Its log says where.")

    async def refuse(self) -> None:
        """Answer that the service is going down."""
        if self._scope["type"] == "websocket":
            await self._give({"type": "websocket.close", "code": 1012, "reason": "draining"})
            return
        self._edge.metrics.shed("draining")
        await self._answer(
            503,
            "The service is going down; send the request again.",
            {"Retry-After": str(RETRY_AFTER_S), "Connection": "close"},
        )

    async def _answer(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        response = problem(status, detail, request_id=self._trace.request_id, headers=headers)
        await response(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._received:
            return await self._take()
        started = time.perf_counter()
        message = await self._take()
        if message["type"] == "http.request":
            self._trace.add("receive", time.perf_counter() - started)
            self._received = not message.get("more_body", False)
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers["X-Request-Id"] = self._trace.request_id
            for name, value in self._edge.headers.items():
                headers.setdefault(name, value)
        await self._give(message)

    def _tell(self, seconds: float) -> None:
        """Count it and write its line of the log."""
        trace, scope = self._trace, self._scope
        is_http = scope["type"] == "http"
        status = self._status or (101 if not is_http else 499)  # 499: gone before the answer
        asked = scope["method"] if is_http else "WEBSOCKET"
        method = asked if asked in METHODS or not is_http else "OTHER"
        route = _route(scope)
        self._edge.metrics.answered(
            trace, method=method, route=route, status=status, seconds=seconds
        )
        log.info(
            "request",
            extra={
                "request_id": trace.request_id,
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 6),
                "stages": {name: round(took, 6) for name, took in trace.stages.items()},
                "decisions": [{"asked": a, "outcome": o} for a, o in trace.decisions] or None,
                "key_id": trace.key_id,
                "domain": trace.domain,
            },
        )


def _request_id(scope: Scope) -> str:
    """The caller's own id of the request, where it is one fit to be logged; else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def _route(scope: Scope) -> str:
    """The route's pattern, such as /v1/speakers/{id}: a path would tell a speaker's name."""
    return getattr(scope.get("route"), "path", None) or UNKNOWN_ROUTE
