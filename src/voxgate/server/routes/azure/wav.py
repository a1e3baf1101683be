"""The one kind of recording that Azure took: WAV, 16 kHz, 16 bits, mono, PCM."""

import io
import wave

from voxgate.server.routes.azure.refusals import Refused

MAX_BYTES = 5 * 2**20
RATE_HZ, SAMPLE_BYTES, CHANNELS = 16_000, 2, 1
SHORTEST_S, LONGEST_S = 1.0, 120.0  # of a recording
MEDIA_TYPES = frozenset(
    {"audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave", "application/octet-stream"}
)


def check_media_type(content_type: str) -> None:
    """Refuse whatever does not say that it is a WAV file.

    Raises:
        Refused: 415.
    """
    given = content_type.partition(";")[0].strip().lower()
    if given not in MEDIA_TYPES:
        raise Refused(
            415,
            f"Unsupported media type {given or '(none)'!r}. Only 'audio/wav; codecs=audio/pcm' is "
            "accepted.",
        )


def check_wav(recording: bytes) -> None:
    """Refuse a recording that Azure would not have taken.

    Raises:
        Refused: 400, for its format or its length.
    """
    rate, width, channels, seconds = _facts(recording)
    if (rate, width, channels) != (RATE_HZ, SAMPLE_BYTES, CHANNELS):
        raise _not_the_format(f"{rate:,} Hz, {8 * width} bits, {channels} channels")
    if seconds < SHORTEST_S:
        raise Refused(
            400,
            f"Invalid audio length: {seconds:.2f} s. Minimum allowed length per request is "
            f"{SHORTEST_S:g} second.",
        )
    if seconds > LONGEST_S:
        raise Refused(
            400,
            f"Invalid audio length: {seconds:.1f} s. Maximum allowed length per request is "
            f"{LONGEST_S:g} seconds.",
        )


def _facts(recording: bytes) -> tuple[int, int, int, float]:
    """Sample rate, bytes a sample, channels, and seconds; what is there, not what is promised."""
    try:
        with wave.open(io.BytesIO(recording)) as file:
            rate, width, channels = (
                file.getframerate(), file.getsampwidth(), file.getnchannels(),
            )  # fmt: skip
            frames = min(file.getnframes(), len(recording) // (width * channels))
    except (wave.Error, EOFError, ZeroDivisionError):
        raise _not_the_format("no WAV file of PCM") from None
    return rate, width, channels, frames / rate if rate else 0.0


def _not_the_format(found: str) -> Refused:
    return Refused(
        400, f"Invalid audio format: {found}. Supported format is 16 kHz 16-bit mono PCM."
    )
