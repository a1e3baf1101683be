"""Several service processes on one socket, watched by a parent that does nothing else.

One that dies is replaced, with a wait that grows while it keeps dying. SIGTERM or Ctrl-C
drains them all, SIGHUP lets them read their certificates again. Should the parent be killed,
they drain by themselves.
"""

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess

from voxgate.server import logs
from voxgate.server.serving import CUT_OFF_S, MakeApp, Serving, bind, server

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CANNOT_START = 3  # what uvicorn exits with where the app cannot be started
LONGEST_WAIT_S = 30.0  # before one that keeps dying is started again
STEADY_S = 60.0  # one that lived so long was no failure of the start

log = logging.getLogger("voxgate.processes")


def run(make_app: MakeApp, serving: Serving) -> int:
    """Serve until a signal ends it, and return the exit status.

    Raises:
        UsageError: TLS cannot be spoken with the files given, or the address cannot be had.
    """
    if serving.tls:
        serving.tls.check()
    with closing(bind(serving.host, serving.port)) as listening:
        if serving.processes == 1:
            server(make_app, serving).run([listening])
            return 0
        return _Parent(make_app, serving, listening).run()


class _Parent:
    def __init__(self, make_app: MakeApp, serving: Serving, listening: socket.socket) -> None:
        self._arguments = make_app, serving, listening
        self._serving = serving
        self._children: list[SpawnProcess] = []
        self._born: dict[int, float] = {}  # pid -> when
        self._deaths = 0  # one after the other, each of a child that had just been born
        self._ending = False
        self._wake_up, self._woken = socket.socketpair()

    def run(self) -> int:
        logs.configure(self._serving.log_level, self._serving.log_format)
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sig, self._on_signal)
        folder = tempfile.mkdtemp(prefix="voxgate-metrics-")
        os.environ[METRICS_FOLDER] = folder
        try:
            self._children = [self._bear() for _ in range(self._serving.processes)]
            status = self._watch()
            return self._end() or status
        finally:
            del os.environ[METRICS_FOLDER]
            shutil.rmtree(folder, ignore_errors=True)

    def _bear(self) -> SpawnProcess:
        child = get_context("spawn").Process(target=_child, args=self._arguments)
        child.start()
        self._born[child.pid or 0] = time.monotonic()
        return child

    def _watch(self) -> int:
        """Replace whoever dies, until a signal comes; returns the exit status."""
        while not self._ending:
            connection.wait([self._woken, *(child.sentinel for child in self._children)])
            for place, child in enumerate(self._children):
                if self._ending or child.is_alive():
                    continue
                if child.exitcode == CANNOT_START:
                    log.error("a service process cannot start; giving up")
                    return CANNOT_START
                self._bury(child)
                self._children[place] = self._bear()
        return 0

    def _bury(self, child: SpawnProcess) -> None:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see Metrics

        child.join()
        pid = child.pid or 0
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        lived_s = time.monotonic() - self._born.pop(pid)
        self._deaths = 0 if lived_s >= STEADY_S else self._deaths + 1
        log.error("a service process died; starting another", extra={"pid": pid})
        if self._deaths > 1:
            self._woken.settimeout(min(2.0**self._deaths / 4, LONGEST_WAIT_S))
            with suppress(TimeoutError):
                self._woken.recv(1)

    def _end(self) -> int:
        """Drain all, kill those that take too long; returns 1 if there were any."""
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + self._serving.drain_longest_s + 2 * CUT_OFF_S
        for child in self._children:
            child.join(max(0.0, deadline - time.monotonic()))
        stuck = [child for child in self._children if child.is_alive()]
        for child in stuck:
            log.error("a service process did not end in time", extra={"pid": child.pid})
            child.kill()
            child.join()
        return 1 if stuck else 0

    def _on_signal(self, sig: int, frame: object) -> None:
        if sig == signal.SIGHUP:
            for child in self._children:
                if child.pid and child.is_alive():
                    os.kill(child.pid, sig)
            return
        self._ending = True
        self._wake_up.send(b"\0")


def _child(make_app: MakeApp, serving: Serving, listening: socket.socket) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        prepared = server(make_app, serving)
    except Exception:
        log.exception("a service process cannot start")
        sys.exit(CANNOT_START)
    prepared.run([listening])


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
