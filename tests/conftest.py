"""Fixtures for all tests: synthetic voices, encoded files, and real recordings where there are."""

import csv
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from encoding import encode
from hypothesis import settings
from store.databases import made_store, own_database, postgres, postgres_url

__all__ = [
    "made_store",
    "own_database",
    "postgres",
    "postgres_url",
]  # fixtures: one server for all tests

settings.register_profile("voxgate", deadline=None)  # tests are never timed
settings.load_profile("voxgate")

SPEAKERS = ("ada", "alan", "edsger", "grace")
_VOICES = Path(__file__).parents[1] / "examples" / "voices"


@pytest.fixture(autouse=True)
def _no_installed_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packs of whoever runs the tests are none of theirs."""
    monkeypatch.setenv("VOXGATE_PACKS", str(tmp_path / "installed-packs"))
    for name in ("VOXGATE_MIRROR", "VOXGATE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def voice() -> Callable[..., Path]:
    """`voice("ada", 2)`: path of a synthetic recording, of speakers SPEAKERS, numbers 1 to 3."""

    def path(speaker: str = "ada", number: int = 1) -> Path:
        assert speaker in SPEAKERS
        return _VOICES / f"{speaker}-{number}.flac"

    return path


@pytest.fixture
def ada() -> np.ndarray:
    """A synthetic recording as a waveform: float32, 16 kHz, shape (samples,), 5.6 s."""
    return sf.read(_VOICES / "ada-1.flac", dtype="float32")[0]


@pytest.fixture
def words(ada: np.ndarray) -> np.ndarray:
    """The first words of `ada`, 2 s, for tests that take their time."""
    return ada[4_000:36_000]


@pytest.fixture
def encoded(tmp_path: Path) -> Callable[..., Path]:
    """`encoded(waveform, "m4a", rate=16_000, name="x")`: path of a file in one of the FORMATS."""

    def write(waveform: np.ndarray, format: str, *, rate: int = 16_000, name: str = "x") -> Path:
        return encode(waveform, format, tmp_path / name, rate=rate)

    return write


@pytest.fixture(scope="session")
def voxgate_data() -> Path:
    """The folder of real recordings; without it the test is skipped."""
    folder = os.environ.get("VOXGATE_DATA")
    if not folder:
        pytest.skip("needs real recordings: set VOXGATE_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def real_recordings(
    voxgate_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, int], list[Path]]:
    """`real_recordings("fsdd", 20)`: paths of so many development recordings, spread evenly."""
    folder = tmp_path_factory.mktemp("real")
    with (voxgate_data / "dev" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["dataset"], row["path"]) for row in csv.DictReader(file)]

    def unpack(dataset: str, count: int) -> list[Path]:
        members = sorted(path for name, path in rows if name == dataset)
        chosen = members[:: max(1, len(members) // count)][:count]
        with tarfile.open(voxgate_data / "dev" / f"{dataset}.tar") as tar:
            for member in chosen:
                content = tar.extractfile(member)
                assert content is not None
                (folder / member).parent.mkdir(parents=True, exist_ok=True)
                (folder / member).write_bytes(content.read())
        return [folder / member for member in chosen]

    return unpack
