"""What Prometheus is told of the service. Labels never hold a name, a key or a domain.

With several service processes `PROMETHEUS_MULTIPROC_DIR` is set before this is imported (see
`voxgate.server.processes`); a scrape of any of them then tells of them all.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from voxgate.audio import Source
from voxgate.embed import Embedding, Listener
from voxgate.errors import TooLittleSpeechError
from voxgate.packs import Pack
from voxgate.server.trace import Trace, stage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SPEECH_S = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0, 300.0)
REST = "rest"  # of a request's time: all that is no other stage


class Metrics:
    """The counters of one process, and what they say together with those of the others."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "voxgate_requests", "Requests answered.", ["method", "route", "status"],
            registry=registry,
        )  # fmt: skip
        self._request_seconds = Histogram(
            "voxgate_request_seconds", "From a request's first byte to its answer's last.",
            ["route"], registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self._stage_seconds = Histogram(
            "voxgate_stage_seconds",
            "Of it, by stage: receive (the client sends), embed (waiting for a worker included), "
            "rest.",
            ["stage"], registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self._in_flight = Gauge(
            "voxgate_requests_in_flight", "Requests being answered.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._decisions = Counter(
            "voxgate_decisions", "Decisions by what was asked and how they ended.",
            ["asked", "outcome"], registry=registry,
        )  # fmt: skip
        self._shed = Counter(
            "voxgate_requests_shed", "Requests refused unheard, by reason.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._speech = Histogram(
            "voxgate_speech_seconds", "Speech found in a recording.",
            registry=registry, buckets=SPEECH_S,
        )  # fmt: skip
        self._failures = Counter(
            "voxgate_recordings_refused", "Recordings without an embedding, by error.",
            ["error"], registry=registry,
        )  # fmt: skip
        self._queue = Gauge(
            "voxgate_recordings_waiting", "Recordings handed to the workers, not yet embedded.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._model = Gauge(
            "voxgate_model_info", "The model in use; always 1.", ["pack", "dimension"],
            registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self._started = Gauge(
            "voxgate_start_time_seconds", "When the service started, in Unix time.",
            registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self._started.set(time.time())

    def model(self, pack: Pack) -> None:
        """Say which model is in use."""
        self._model.labels(pack.id, str(pack.dim)).set(1)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count what happens inside as a request being answered."""
        with self._in_flight.track_inprogress():
            yield

    def answered(
        self, trace: Trace, *, method: str, route: str, status: int, seconds: float
    ) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        for name, took in trace.stages.items():
            self._stage_seconds.labels(name).observe(took)
        self._stage_seconds.labels(REST).observe(max(0.0, seconds - sum(trace.stages.values())))
        if trace.shed:
            self.shed(trace.shed)
        for asked, outcome in trace.decisions:
            self._decisions.labels(asked, outcome).inc()

    def shed(self, reason: str) -> None:
        """Count a request that was refused unheard: "draining", "overload" or "rate"."""
        self._shed.labels(reason).inc()

    def listening(self, listener: Listener) -> Listener:
        """The same listener, with its time, its queue and its speech counted."""
        return _Counted(listener, self)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class _Counted:
    """A listener whose work is counted."""

    def __init__(self, listener: Listener, metrics: Metrics) -> None:
        self._listener = listener
        self._metrics = metrics

    def embed(self, source: Source) -> Embedding:
        metrics = self._metrics
        with stage("embed"), metrics._queue.track_inprogress():
            try:
                embedding = self._listener.embed(source)
            except Exception as error:
                metrics._failures.labels(type(error).__name__).inc()
                if isinstance(error, TooLittleSpeechError):
                    metrics._speech.observe(error.found_s)
                raise
        metrics._speech.observe(embedding.speech_s)
        return embedding
