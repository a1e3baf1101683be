"""Several service processes on one socket, for real."""

import os
import signal
import time

import httpx
import psutil
import pytest
from started import started


def pids(service, wanted):
    """The processes that answer, asked until there are as many as wanted."""
    found, deadline = set(), time.monotonic() + 30
    while len(found) < wanted and time.monotonic() < deadline:
        try:
            found.add(int(service.get("/pid").text))
        except httpx.TransportError:
            time.sleep(0.05)
    return found


def test_they_share_one_socket_and_one_set_of_metrics_and_end_together(tmp_path):
    with started("--processes", "2", env={"TMPDIR": str(tmp_path)}) as service:
        both = pids(service, 2)
        assert len(both) == 2
        assert service.process.pid not in both
        answered = told(service)
        service.get("/pid")
        assert told(service) == answered + 1  # whichever of them is asked
        killed = both.pop()
        os.kill(killed, signal.SIGKILL)
        (kept,) = both
        assert len(pids(service, 2) - {killed}) == 2
        assert told(service) > answered
        assert service.terminate() == 0
        assert not psutil.pid_exists(kept)
        assert list(tmp_path.iterdir()) == []  # the folder of metrics is gone
    assert "a service process died; starting another" in service.text


def told(service):
    """How many requests for /pid were answered, by all processes."""
    lines = service.get("/metrics").text.splitlines()
    (line,) = [
        line for line in lines if line.startswith("voxgate_requests_total") and "/pid" in line
    ]
    return float(line.split()[-1])


def test_they_end_when_their_parent_is_killed(tmp_path):
    with started("--processes", "2", env={"TMPDIR": str(tmp_path)}) as service:
        both = pids(service, 2)
        service.process.kill()
        service.process.wait(10)
        _, alive = psutil.wait_procs([psutil.Process(p) for p in both if psutil.pid_exists(p)], 20)
        assert alive == []


def test_one_that_cannot_start_ends_them_all():
    failed = pytest.raises(AssertionError, match="a service process cannot start; giving up")
    with failed, started("--processes", "2", "--fail"):
        pass
