"""A load of HTTP requests that costs its own process as little as can be.

The requests are made beforehand and answers are hardly parsed, for the load shares its
machine with the service. `closed` keeps so many clients busy; `open_` sends at a rate,
whatever comes back, and counts latency from when a request was due, so that a service that
stalls is seen to stall.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

TIMEOUT_S = 60.0
FAILED = 0  # the status of a request without an answer


@dataclass
class Load:
    """What came of a load."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)  # of those answered with 200
    late_s: list[float] = field(default_factory=list)  # how late an open load sent, each

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())

    @property
    def shed(self) -> int:
        """Refused with 429 or 503, as a service that is asked too much should."""
        return self.statuses[429] + self.statuses[503]

    @property
    def errors(self) -> int:
        return self.sent - self.statuses[200] - self.shed

    @property
    def rate(self) -> float:
        """Answers of 200 a second."""
        return self.statuses[200] / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """Of the latencies; one answer has no percentiles, so that is what is given."""
        if len(self.latencies_s) < 2:
            return 1000 * sum(self.latencies_s)
        return 1000 * quantiles(self.latencies_s, n=100, method="inclusive")[percent - 1]


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """One connection, opened anew whenever the service has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request, and return the status of its answer."""
        try:
            return await asyncio.wait_for(self._ask(request), TIMEOUT_S)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            self.close()
            return FAILED

    async def _ask(self, request: bytes) -> int:
        if self._writer is None or self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


async def closed(
    port: int, requests: Sequence[bytes], *, clients: int, seconds: float, pause_s: float = 1.0
) -> Load:
    """So many clients, each sending its next request when the last was answered.

    One that is refused waits `pause_s` before it asks again, as Retry-After tells it to.
    """
    load, started = Load(), time.perf_counter()

    async def client(first: int) -> None:
        connection, number = _Connection(port), first
        while time.perf_counter() - started < seconds:
            sent = time.perf_counter()
            status = await connection.ask(requests[number % len(requests)])
            _note(load, status, time.perf_counter() - sent)
            number += clients
            if status != 200:
                await asyncio.sleep(pause_s)
        connection.close()

    await asyncio.gather(*map(client, range(clients)))
    load.seconds = time.perf_counter() - started
    return load


async def open_(port: int, requests: Sequence[bytes], *, rate: float, seconds: float) -> Load:
    """Requests at random moments, so many a second on average, whatever is answered."""
    load, started = Load(), time.perf_counter()
    moments = random.Random(0)  # noqa: S311 - no secret is made of it
    idle: list[_Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(request: bytes, due: float) -> None:
        connection = idle.pop() if idle else _Connection(port)
        load.late_s.append(time.perf_counter() - due)
        status = await connection.ask(request)
        _note(load, status, time.perf_counter() - due)
        idle.append(connection)

    due, number = started, 0
    while (due := due + moments.expovariate(rate)) < started + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(requests[number % len(requests)], due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    await asyncio.gather(*under_way)
    load.seconds = time.perf_counter() - started
    for connection in idle:
        connection.close()
    return load


def _note(load: Load, status: int, took_s: float) -> None:
    load.statuses[status] += 1
    if status == 200:
        load.latencies_s.append(took_s)
