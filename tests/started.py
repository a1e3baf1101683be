"""Start a service as a process of its own, and wait until it answers."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import psutil

PLAIN = (str(Path(__file__).with_name("plain_service.py")),)
STARTS_WITHIN_S = 60.0  # on a machine that is busy


@dataclass
class Started:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    url: str
    errors: BinaryIO = field(repr=False)  # what it writes to its standard error
    text: str = ""  # of it, when it has ended

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask over a connection of its own."""
        with self.client(**options) as client:
            return client.get(path)

    def signal(self, sig: int) -> None:
        os.kill(self.process.pid, sig)

    def terminate(self) -> int:
        """Send SIGTERM, and return the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """Kill -9, and see that nothing is left of it."""
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        self.signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(processes, 20)
        assert alive == []

    def log_text(self) -> str:
        """What it has written so far."""
        return os.pread(self.errors.fileno(), 1 << 24, 0).decode()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The log of one that has ended; every line must be JSON."""
        return [json.loads(line) for line in self.text.splitlines()]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def started(
    *words: str,
    program: Sequence[str] = PLAIN,
    tls: ssl.SSLContext | None = None,
    ready: str = "/readyz",
    env: dict[str, str] | None = None,
) -> Iterator[Started]:
    """The program at a free port, from its first answer until the block ends."""
    port = free_port()
    url = f"{'https' if tls else 'http'}://localhost:{port}"
    command = [sys.executable, *program, "--port", str(port), *words]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stderr=errors, env={**os.environ, **(env or {})})
        service = Started(process, port, url, errors)
        try:
            with service.client(verify=tls or True) as client:
                wait_until_ready(service, client, ready)
            yield service
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            service.text = service.log_text()


def wait_until_ready(service: Started, client: httpx.Client, path: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise AssertionError(f"It did not start: {service.log_text()}")
        try:
            if client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"Not ready in time: {service.log_text()}")
