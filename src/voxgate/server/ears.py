"""Recordings are decoded and embedded by worker processes, not in the service itself.

A worker has one thread, bounded memory and bounded time for a recording. One that crashes,
takes too long or wants too much memory costs that one request, and is replaced.

Waiting is bounded, too: whoever comes when the queue is full is told to come back. The queue
is for bursts. Once it was full, or has stood for a second without running empty, more is asked than
can be done, and a long queue would only make everybody wait: it is cut to one place a worker,
which keeps them all busy, until nobody has been refused for a second (the idea of CoDel, RFC 8289).
"""

import contextlib
import logging
import math
import multiprocessing
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path

from voxgate.audio import Source
from voxgate.embed import Embedder, Embedding
from voxgate.errors import AudioError, OverloadedError, UnreadableAudioError, VoxgateError
from voxgate.packs import Pack, load_pack
from voxgate.server.bounds import bound, stand_back
from voxgate.server.wire import GarbledError, pack_embedding, pack_error, unpack

STARTS_WITHIN_S = 120.0
AGAIN_AFTER_S = 5.0  # a worker that could not start
READY = b"ready"  # what a worker says when it has loaded the model
STANDING_S = 1.0  # a queue that did not run empty for so long is no burst
DEFAULT_TIME_LIMIT_S = 30.0
DEFAULT_LONGEST_S = 600.0
DEFAULT_MEMORY_MB = 4096  # of address space, most of which is never touched

log = logging.getLogger("voxgate.ears")


class Ears:
    """A listener that hands recordings to its workers. Threads share it."""

    def __init__(  # noqa: PLR0913 - all but the pack by name
        self,
        pack: Pack,
        *,
        workers: int,
        waiting: int,
        time_limit_s: float = DEFAULT_TIME_LIMIT_S,
        longest_s: float = DEFAULT_LONGEST_S,
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> None:
        """Start the workers, and wait until they have loaded the model.

        Args:
            pack: with which they embed.
            workers: how many.
            waiting: recordings that may wait for one of them, in a burst.
            time_limit_s: for one recording to be heard.
            longest_s: of a recording; what is beyond is never decoded.
            memory_mb: address space of each worker, in MB.

        Raises:
            VoxgateError: a worker cannot start.
        """
        self._arguments = pack.path, memory_mb, longest_s
        self._time_limit_s = time_limit_s
        self._workers = workers
        self._waiting = waiting
        self._lock = threading.Lock()
        self._inside = 0  # recordings that wait or are heard
        self._empty_at = time.monotonic()  # when nobody waited, last
        self._refused_at = -math.inf  # when somebody was, last
        self._closed = False
        self._alive: set[_Worker] = set()
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()  # the warmest is used first
        started = [self._start() for _ in range(workers)]
        for worker in started:
            worker.wait_until_ready()
            self._free.put(worker)

    def embed(self, source: Source) -> Embedding:
        """As `Embedder.embed`, for a recording as bytes.

        Raises:
            OverloadedError: too many are waiting already.
            AudioError: it cannot be read, has too little speech, or cost a worker its life.
        """
        if not isinstance(source, bytes):
            raise TypeError(f"Ears hear bytes, not {type(source).__name__}.")
        with self._inside_the_bounds(), self._worker() as worker:
            return worker.embed(source, self._time_limit_s)

    @property
    def ready(self) -> bool:
        """Whether there is a worker."""
        return any(worker.is_alive() for worker in self._alive)

    def close(self) -> None:
        """End the workers; those that are busy, too."""
        self._closed = True
        for worker in list(self._alive):
            worker.end()

    def check_room(self) -> None:
        """See that a recording would be taken now, before it is even received.

        Raises:
            OverloadedError: too many are waiting already.
        """
        with self._lock:
            self._check_room()

    def _check_room(self) -> None:
        if self._inside >= self._workers + self._places():
            self._refused_at = time.monotonic()
            raise OverloadedError(self._inside)

    @contextmanager
    def _inside_the_bounds(self) -> Iterator[None]:
        with self._lock:
            self._check_room()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside <= self._workers:
                    self._empty_at = time.monotonic()

    def _places(self) -> int:
        """How many may wait now."""
        if self._inside < self._workers:
            self._empty_at = time.monotonic()
        now = time.monotonic()
        stands = now - self._empty_at > STANDING_S
        refused = now - self._refused_at < STANDING_S
        return min(self._workers, self._waiting) if stands or refused else self._waiting

    @contextmanager
    def _worker(self) -> Iterator["_Worker"]:
        """A worker for one recording; afterwards it is free again, or replaced."""
        worker = self._next()
        try:
            yield worker
        finally:
            if worker.lost:
                self._give_up(worker)
            else:
                self._free.put(worker)

    def _next(self) -> "_Worker":
        """The next free worker that is alive."""
        while True:
            try:
                worker = self._free.get(timeout=self._time_limit_s)
            except queue.Empty:
                raise OverloadedError(self._inside) from None
            if worker.is_alive():
                return worker
            worker.lost = worker.lost or "died"
            self._give_up(worker)

    def _give_up(self, worker: "_Worker") -> None:
        """Replace it, in a thread of its own: a model takes a while to load."""
        if not self._closed:
            threading.Thread(target=self._replace, args=(worker,), daemon=True).start()

    def _start(self) -> "_Worker":
        worker = _Worker(*self._arguments)
        self._alive.add(worker)
        return worker

    def _replace(self, lost: "_Worker") -> None:
        log.warning("a worker was lost; starting another", extra={"reason": lost.lost})
        lost.end()
        self._alive.discard(lost)
        worker = self._start()
        try:
            worker.wait_until_ready()
        except VoxgateError:
            log.exception("a worker cannot start")
            worker.lost = "start"
            time.sleep(AGAIN_AFTER_S)
        self._free.put(worker)


class _Worker:
    """The service's end of one worker process."""

    def __init__(self, pack: Path, memory_mb: int, longest_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, pack, memory_mb, longest_s), daemon=True, name="ears"
        )
        self._process.start()
        theirs.close()
        self.lost = ""  # why, if it is

    def wait_until_ready(self) -> None:
        """Return when it has loaded the model.

        Raises:
            VoxgateError: it could not.
        """
        try:
            if not self._end.poll(STARTS_WITHIN_S):
                raise VoxgateError("A worker did not start in time.")
            answer = self._end.recv_bytes()
            if answer != READY:
                unpack(answer)
        except (EOFError, OSError, GarbledError) as error:
            raise VoxgateError("A worker ended while it started; is there memory?") from error

    def is_alive(self) -> bool:
        return not (self.lost or wait([self._process.sentinel], timeout=0))

    def embed(self, recording: bytes, time_limit_s: float) -> Embedding:
        """Let it embed one recording."""
        try:
            self._end.send_bytes(recording)
            if not self._end.poll(time_limit_s):
                self.lost = "time"
                raise AudioError(
                    f"The recording took longer than {time_limit_s:g} s to read; send a "
                    "shorter one."
                )
            return unpack(self._end.recv_bytes())
        except (EOFError, OSError, GarbledError) as error:
            self.lost = "crash"
            raise UnreadableAudioError(
                "The recording cannot be read: it broke the decoder. Send it in another format."
            ) from error

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._end.close()


def _work(end: Connection, pack: Path, memory_mb: int, longest_s: float) -> None:
    """What a worker does until the service is gone: recordings in, embeddings out."""
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, signal.SIG_IGN)  # it goes when the service goes
    logging.getLogger().addHandler(logging.NullHandler())
    stand_back()
    try:
        bound(memory_mb)
        embedder = Embedder(load_pack(pack), threads=1, max_s=longest_s)
    except VoxgateError as error:
        end.send_bytes(pack_error(error))
        return
    with contextlib.suppress(EOFError, OSError):
        end.send_bytes(READY)
        while True:
            end.send_bytes(_answer(embedder, end.recv_bytes()))


def _answer(embedder: Embedder, recording: bytes) -> bytes:
    try:
        return pack_embedding(embedder.embed(recording))
    except VoxgateError as error:
        return pack_error(error)
    except MemoryError:
        return pack_error(AudioError("The recording needs too much memory; send a shorter one."))
