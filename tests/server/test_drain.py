"""Going down."""

from voxgate.server import drain as module
from voxgate.server.drain import Drain


def test_nothing_is_over_before_it_starts():
    drain = Drain(notice_s=0, longest_s=0)
    assert not drain.started
    assert not drain.over


def test_it_is_over_when_the_last_request_is_answered():
    drain = Drain(notice_s=0, longest_s=60)
    with drain.answering():
        with drain.answering():
            drain.start()
            assert drain.in_flight == 2
        assert not drain.over
    assert drain.over


def test_a_request_that_failed_is_not_waited_for():
    drain = Drain(notice_s=0, longest_s=60)
    drain.start()
    try:
        with drain.answering():
            raise ValueError
    except ValueError:
        pass
    assert drain.over


def test_it_goes_on_refusing_as_long_as_its_notice(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    drain = Drain(notice_s=5, longest_s=30)
    drain.start()
    now[0] = 104.9
    assert not drain.over
    now[0] = 105.0
    assert drain.over


def test_a_second_start_does_not_begin_anew(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    drain = Drain(notice_s=0, longest_s=30)
    with drain.answering():
        drain.start()
        now[0] = 120.0
        drain.start()
        assert not drain.over
        now[0] = 130.0
        assert drain.over  # though a request is not answered
