"""There and back through the Opus codec (RFC 6716), in memory.

PyAV brings libopus, as encoder, and FFmpeg's own decoder. Waveforms are (samples,) at 16 kHz.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import soxr

from voxgate.audio import SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

_DECODED_HZ = 48_000  # whatever was encoded


def opus(waveform: Waveform, kbps: float) -> Waveform:
    """What is heard of it after Opus at `kbps`, as long as before and not delayed."""
    level = max(float(np.abs(waveform).max()), 1e-6)
    encoder = _encoder(kbps)
    decoder = av.CodecContext.create("opus", "r")
    decoder.extradata = encoder.extradata  # says how much is a lead-in, which the decoder drops
    decoder.sample_rate, decoder.layout = _DECODED_HZ, "mono"
    packets = [packet for frame in _frames(waveform / level, encoder.frame_size)
               for packet in encoder.encode(frame)]  # fmt: skip
    heard = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    decoded = np.concatenate([frame.to_ndarray()[0] for frame in heard])
    narrow = soxr.resample(decoded, _DECODED_HZ, SAMPLE_RATE, quality="MQ")
    back: Waveform = (narrow[: len(waveform)] * level).astype(np.float32)
    return back


def _encoder(kbps: float) -> "AudioCodecContext":
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "flt"
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.bit_rate = round(1000 * kbps)
    encoder.options = {"compression_level": "3", "application": "voip"}  # of 10: as phones do
    encoder.open()
    return encoder


def _frames(waveform: Waveform, size: int) -> "Iterator[av.AudioFrame | None]":
    """Whole frames of it, silence after it for the codec's delay, and the end."""
    after = 2 * size - len(waveform) % size
    padded = np.pad(waveform, (0, after)).astype(np.float32)
    for first in range(0, len(padded), size):
        piece = np.ascontiguousarray(padded[None, first : first + size])
        frame = av.AudioFrame.from_ndarray(piece, format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
        yield frame
    yield None
