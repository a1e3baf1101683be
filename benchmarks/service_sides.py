"""The two sides of the service's benchmark: the service itself, and the bare embedder."""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from types import TracebackType

import psutil
import soundfile
from http_load import post

VOICES = Path(__file__).parents[1] / "examples" / "voices"
SPEAKERS = ("ada", "alan", "edsger", "grace")
PROBE_S = 3.0
STARTS_WITHIN_S = 120
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def probes() -> dict[str, list[bytes]]:
    """Cuts of 3 s of each synthetic speaker's recordings, as WAV files in memory."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(VOICES.glob("*.flac")):
        waveform, rate = soundfile.read(path)
        first, length = rate // 2, int(PROBE_S * rate)
        file = io.BytesIO()
        soundfile.write(file, waveform[first : first + length], rate, format="WAV")
        found.setdefault(path.name.partition("-")[0], []).append(file.getvalue())
    return found


@dataclass
class Service:
    """A running service, and requests that it answers."""

    process: psutil.Process
    port: int
    workers: int
    requests: list[bytes]

    def resident_mb(self) -> float:
        """Resident memory of all its processes, what they share counted once."""
        return sum(process.memory_full_info().pss for process in self._processes()) / 2**20

    def cpu_s(self) -> float:
        """Seconds that its processes have had a core."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._processes()))

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(workers: int) -> Iterator[Service]:
    """A service of its own, with a few speakers enrolled, until the block ends."""
    with tempfile.TemporaryDirectory() as folder, socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {
            **os.environ,
            **ONE_THREAD,
            "VOXGATE_STORE": f"sqlite:///{folder}/voxgate.db",
            "VOXGATE_PORT": str(port),
            "VOXGATE_EARS": str(workers),
            "VOXGATE_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "voxgate", "serve"]
        process = subprocess.Popen(command, env=environment)
        try:
            _wait(port, process)
            yield Service(psutil.Process(process.pid), port, workers, _enrolled(port))
        finally:
            process.terminate()
            process.wait(60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The service did not start.")


def _enrolled(port: int) -> list[bytes]:
    """Enrol each speaker with the first recording; verifications of all others, in turns."""
    wav = {"Content-Type": "audio/wav"}
    cuts = probes()
    for speaker, (first, *_) in cuts.items():
        address = f"http://127.0.0.1:{port}/v1/speakers/{speaker}/enrolments"
        request = urllib.request.Request(address, first, wav, method="POST")
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            json.load(answer)
    probe_cuts = [cut for _, *others in cuts.values() for cut in others]
    return [
        post(f"/v1/speakers/{speaker}/verify", cut, wav) for cut in probe_cuts for speaker in cuts
    ]


class Bare:
    """So many processes that embed the same probes, and do nothing else."""

    def __init__(self, processes: int) -> None:
        self._ends: list[Connection] = []
        self._processes = []
        os.environ.update(ONE_THREAD)
        for _ in range(processes):
            ours, theirs = get_context("spawn").Pipe()
            process = get_context("spawn").Process(target=_embed_on_demand, args=(theirs,))
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)
        for end in self._ends:
            end.recv()  # it is warm

    def work(self, seconds: float) -> tuple[float, float]:
        """Recordings a second of all together, and recordings for each second of a core."""
        for end in self._ends:
            end.send(seconds)
        done = [end.recv() for end in self._ends]  # count, seconds, seconds of a core; each
        counted, cpu_s = sum(count for count, _, _ in done), sum(cpu for _, _, cpu in done)
        return sum(count / took_s for count, took_s, _ in done), counted / cpu_s

    def __enter__(self) -> "Bare":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.join(10)


def _embed_on_demand(end: Connection) -> None:
    from voxgate import Embedder, load_pack  # noqa: PLC0415 - with one thread, as set above

    embedder = Embedder(load_pack(os.environ.get("VOXGATE_PACK") or "ecapa-compact"), threads=1)
    cuts = [cut for each in probes().values() for cut in each]
    for cut in cuts:
        embedder.embed(io.BytesIO(cut))
    end.send(0)
    while True:
        try:
            seconds = end.recv()
        except EOFError:
            return
        started, cpu_s, count = time.perf_counter(), time.process_time(), 0
        while (passed := time.perf_counter() - started) < seconds:
            embedder.embed(io.BytesIO(cuts[count % len(cuts)]))
            count += 1
        end.send((count, passed, time.process_time() - cpu_s))
