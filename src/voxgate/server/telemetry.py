"""OpenTelemetry: a span for each request and each of its stages. Optional, and off by default.

Where spans go is said by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_SERVICE_NAME, …). A span holds what the log's line holds: no name, no key, no sound.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from voxgate.extras import need
from voxgate.server.trace import Trace

NAME = "voxgate"


class Telemetry:
    """Makes spans with the tracer provider it was given."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(NAME)
        self._api = need("opentelemetry.trace", "otel")
        self._propagate = need("opentelemetry.propagate", "otel")

    @classmethod
    def to_collector(cls) -> "Telemetry":
        """Send spans by OTLP over HTTP, in batches, from a thread of its own.

        Raises:
            MissingExtraError: OpenTelemetry is not installed.
        """
        sdk = need("opentelemetry.sdk.trace", "otel")
        batches = need("opentelemetry.sdk.trace.export", "otel")
        otlp = need("opentelemetry.exporter.otlp.proto.http.trace_exporter", "otel")
        resources = need("opentelemetry.sdk.resources", "otel")
        resource = resources.Resource.create({"service.name": NAME})
        named = resource.merge(resources.OTELResourceDetector().detect())
        provider = sdk.TracerProvider(resource=named)
        provider.add_span_processor(batches.BatchSpanProcessor(otlp.OTLPSpanExporter()))
        return cls(provider)

    @contextmanager
    def request(self, scope: Scope, trace: Trace) -> Iterator["RequestSpan"]:
        """A span for a request, below the one that its caller may have sent along."""
        parent = self._propagate.extract(dict(Headers(scope=scope)))
        kind = self._api.SpanKind.SERVER
        with self._tracer.start_as_current_span(
            scope.get("method", "WEBSOCKET"), context=parent, kind=kind, record_exception=False
        ) as span:
            trace.spans = self
            yield RequestSpan(span, trace)

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """A span below the one at hand; what goes wrong inside is told by its kind alone."""
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        )
        return span

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: Any, trace: Trace) -> None:
        self._span = span
        self._trace = trace

    def answered(self, route: str, status: int) -> None:
        """Say what came of it."""
        method = self._span.name
        self._span.update_name(f"{method} {route}")
        self._span.set_attribute("http.request.method", method)
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        self._span.set_attribute("voxgate.request_id", self._trace.request_id)
        if self._trace.decisions:
            said = [f"{asked}: {outcome}" for asked, outcome in self._trace.decisions]
            self._span.set_attribute("voxgate.decisions", said)
