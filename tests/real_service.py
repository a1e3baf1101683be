"""`voxgate serve` for tests: how it is started, and recordings to send to it."""

import io
import secrets
from pathlib import Path

import soundfile
from voices import speak

SERVE = ("-m", "voxgate", "serve")
WAV = {"Content-Type": "audio/wav"}


def settings(folder: Path, pack: Path) -> dict[str, str]:
    """Variables for a service with a store of its own in the folder."""
    return {
        "VOXGATE_STORE": f"sqlite:///{folder}/voices.db",
        "VOXGATE_KEY": secrets.token_hex(32),
        "VOXGATE_PACK": str(pack),
        "VOXGATE_EARS": "1",
        "OMP_NUM_THREADS": "1",
    }


def wav(voice: int, take: int = 0) -> bytes:
    """A recording of a synthetic voice, 1.5 s."""
    file = io.BytesIO()
    soundfile.write(file, speak(voice, 1.5, take), 16_000, format="WAV")
    return file.getvalue()
