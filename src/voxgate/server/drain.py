"""Going down without breaking a promise: what is being answered is finished first."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Drain:
    """How many requests are being answered, and whether new ones are still taken.

    From `start` on new requests are refused and readiness is off, so that a load balancer
    sends them elsewhere; `over` tells when the process may end.
    """

    def __init__(self, *, notice_s: float, longest_s: float) -> None:
        """For at least `notice_s` it goes on refusing; after `longest_s` it waits no more."""
        self._notice_s = notice_s
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._in_flight = 0
        self._started: float | None = None

    @property
    def started(self) -> bool:
        """Whether new requests are refused."""
        return self._started is not None

    @property
    def in_flight(self) -> int:
        """Requests being answered."""
        return self._in_flight

    def start(self) -> None:
        """Refuse what comes from now on; a second call changes nothing."""
        if self._started is None:  # no lock: a signal handler may call this inside of one
            self._started = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether nothing is waited for any more."""
        if self._started is None:
            return False
        waited_s = time.monotonic() - self._started
        finished = self._in_flight == 0 and waited_s >= self._notice_s
        return finished or waited_s >= self._longest_s

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count what happens inside as a request being answered."""
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
