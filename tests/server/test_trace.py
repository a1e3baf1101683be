"""What is known of a request while it is worked on."""

import time
from contextlib import contextmanager
from threading import Thread

from starlette.concurrency import run_in_threadpool

from voxgate.server.trace import Trace, note_caller, note_decision, stage, tracing


def test_a_stage_passed_twice_is_added_up(monkeypatch):
    now = iter([1.0, 3.0, 10.0, 10.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    with tracing(Trace("id")) as trace:
        for _ in range(2):
            with stage("embed"):
                pass
    assert trace.stages == {"embed": 2.5}


def test_a_stage_that_fails_is_counted():
    with tracing(Trace("id")) as trace:
        try:
            with stage("embed"):
                raise ValueError
        except ValueError:
            pass
    assert trace.stages["embed"] >= 0


def test_without_a_request_nothing_is_noted_and_nothing_fails():
    with stage("embed"):
        note_decision("verify", "accept")
        note_caller("k1", "default")


async def _work(trace):
    def in_a_thread():
        note_decision("verify", "accept")
        note_caller("k1", "acme")

    with tracing(trace):
        await run_in_threadpool(in_a_thread)


def test_it_follows_the_request_into_its_thread():
    import anyio  # noqa: PLC0415

    trace = Trace("id")
    anyio.run(_work, trace)
    assert trace.decisions == [("verify", "accept")]
    assert (trace.key_id, trace.domain) == ("k1", "acme")


def test_another_thread_has_another_trace():
    with tracing(Trace("id")) as trace:
        other = Thread(target=note_decision, args=("verify", "accept"))
        other.start()
        other.join()
    assert trace.decisions == []


def test_a_stage_opens_a_span_where_spans_are_wanted():
    opened = []

    class Spans:
        @contextmanager
        def stage(self, name):
            opened.append(name)
            yield

    with tracing(Trace("id", spans=Spans())), stage("embed"):
        pass
    assert opened == ["embed"]
