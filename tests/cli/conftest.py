"""The command on synthetic voices and a tiny pack, with a store of its own for each test."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_pack
from typer.testing import CliRunner, Result
from voices import RATE, speak

import voxgate as package
from voxgate import microphone
from voxgate.cli.app import app


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack, which tells synthetic voices apart."""
    return tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny")


@pytest.fixture(autouse=True)
def _surroundings(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, an empty store, the tiny pack, a terminal of 80 columns."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("VOXGATE_PACK", str(pack))
    monkeypatch.setenv("VOXGATE_STORE", f"sqlite:///{tmp_path}/voices.db")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("VOXGATE_DEBUG", "VOXGATE_KEY", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def voxgate() -> Callable[..., Result]:
    """`voxgate("compare", a, b)`: run the command in this process."""

    def run(*words: str | Path, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=answer)

    return run


def environment() -> dict[str, str]:
    """For another process: the package as it is imported here."""
    return {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}


@pytest.fixture
def voxgate_process() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """The same as a process of its own, for what only a real one shows."""

    def run(*words: str | Path, **settings: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "voxgate", *map(str, words)]
        settings = {"capture_output": True, "text": True, "timeout": 120, **settings}
        return subprocess.run(command, check=False, env=environment(), **settings)

    return run


@pytest.fixture
def said() -> Callable[..., Path]:
    """`said("ada", take=1, seconds=3)`: path of a recording of a voice, in the folder."""

    def record(voice: str, take: int = 0, seconds: float = 3.0, name: str = "") -> Path:
        path = Path(name or f"{voice}-{take}.flac")
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speak(VOICES[voice], seconds, take), RATE)
        return path

    return record


VOICES = {"ada": 6, "alan": 21, "grace": 19}  # numbers of voices.py that are far apart


@pytest.fixture
def silence() -> Path:
    """A recording in which nobody speaks."""
    noise = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE).astype(np.float32)
    soundfile.write("silence.wav", noise, RATE)
    return Path("silence.wav")


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`spoken("ada")`: what the microphone hears from now on: a voice with pauses, for a minute."""

    def speak_up(voice: str | None, seconds: float = 60.0) -> None:
        pause = np.random.default_rng(0).normal(0, 1e-3, RATE).astype(np.float32)
        turns = [pause]
        for take in range(round(seconds / 4)):
            turns += [speak(VOICES[voice], 3.0, take) if voice else np.tile(pause, 3), pause]
        heard = np.concatenate(turns)
        blocks = [heard[start : start + 1600] for start in range(0, len(heard), 1600)]
        monkeypatch.setattr(microphone, "open_microphone", lambda device: nullcontext(blocks))

    return speak_up
