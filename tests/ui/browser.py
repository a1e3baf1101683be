"""A page that is served by a process of its own, and a Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import numpy as np
import soundfile
from playwright.sync_api import Browser, Playwright

import voxgate as package

NEEDED = "needs Chromium: apt-get install chromium, or set VOXGATE_CHROMIUM to its executable"
PATIENCE_S = 90  # until the page is served: a busy machine takes its time
_QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)  # fmt: skip


def find_chromium() -> str | None:
    """The installed browser, if any."""
    named = os.environ.get("VOXGATE_CHROMIUM")
    return named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def launch(
    playwright: Playwright, chromium: str, spoken: Path | Sequence[Path], folder: Path
) -> Browser:
    """A browser whose microphone plays these recordings over and over."""
    recordings = [spoken] if isinstance(spoken, Path) else list(spoken)
    heard = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in recordings])
    wav = folder / f"microphone-{recordings[0].stem}.wav"
    soundfile.write(wav, heard, 16_000, subtype="PCM_16")
    microphone = f"--use-file-for-fake-audio-capture={wav}"
    return playwright.chromium.launch(executable_path=chromium, args=[*_QUIET, microphone])


@contextmanager
def serving(
    folder: Path,
    script: Path | None = None,
    *,
    options: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[str]:
    """`voxgate ui`, or a script that takes the same options; gives its address."""
    port = port or free_port()
    start = [str(script)] if script else ["-m", "voxgate"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(package.__file__).parents[1]),
        "VOXGATE_STORE": f"sqlite:///{folder}/voices.db",
        "VOXGATE_PACKS": str(folder / "packs"),
        "TMPDIR": str(folder),
    }
    for name in ("VOXGATE_PACK", "VOXGATE_KEY", "VOXGATE_UI_AUTH"):
        environment.pop(name, None)
    address, log = f"http://127.0.0.1:{port}/", folder / "log.txt"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, *start, "ui", "--port", str(port), *options],
            stdout=said, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
    try:
        wait_for(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when the page answers."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_S:
        if process.poll() is not None:
            raise RuntimeError(f"voxgate ui has ended: {log.read_text()}")
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"voxgate ui does not answer: {log.read_text()}")
