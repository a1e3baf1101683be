"""Recordings as bytes, as they come to a service."""

import io

import soundfile
from voices import speak


def wav(voice: int, seconds: float = 2.0, take: int = 0) -> bytes:
    """A recording of a synthetic voice."""
    file = io.BytesIO()
    soundfile.write(file, speak(voice, seconds, take), 16_000, format="WAV")
    return file.getvalue()
