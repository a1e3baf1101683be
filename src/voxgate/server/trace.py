"""What is known of the request at hand: how long each stage took, and what came of it.

A trace follows its request into the threads it is worked on, so that whatever has something
to say of it (`stage`, `note_decision`, `note_caller`) needs no reference to it. Nothing in
it is secret: no name, no key, no sound, only ids, durations in seconds and outcomes.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Spans(Protocol):
    """Opens a span for a stage; see `voxgate.server.telemetry`."""

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """A span below that of the request."""


@dataclass
class Trace:
    """One request, until it is answered."""

    request_id: str
    stages: dict[str, float] = field(default_factory=dict)  # name -> seconds
    decisions: list[tuple[str, str]] = field(default_factory=list)  # what was asked, outcome
    shed: str | None = None  # why it was refused unheard, if it was
    key_id: str | None = None
    domain: str | None = None
    spans: Spans | None = field(default=None, repr=False)

    def add(self, stage: str, seconds: float) -> None:
        """Count the time towards a stage, which may be passed more than once."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Make it the trace of whatever runs inside, threads of the server included."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time inside towards a stage of the request at hand, if there is one."""
    trace = _current.get()
    if trace is None:
        yield
        return
    started = time.perf_counter()
    try:
        with trace.spans.stage(name) if trace.spans else nullcontext():
            yield
    finally:
        trace.add(name, time.perf_counter() - started)


def note_decision(asked: str, outcome: str) -> None:
    """Say what was decided: "verify" or the like, and how it ended."""
    trace = _current.get()
    if trace is not None:
        trace.decisions.append((asked, outcome))


def note_shed(reason: str) -> None:
    """Say that it was refused unheard: "overload" or "rate"."""
    trace = _current.get()
    if trace is not None:
        trace.shed = reason


def note_caller(key_id: str | None, domain: str) -> None:
    """Say who asks: the key's public id, and the domain it works in."""
    trace = _current.get()
    if trace is not None:
        trace.key_id, trace.domain = key_id, domain
