"""Frames of sound from a client that streams: PCM or Opus in, waveforms at 16 kHz out."""

from typing import Literal, Protocol

import av
import numpy as np
import soxr

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import UnreadableAudioError, UsageError

Format = Literal["pcm_s16le", "opus"]
RATES_HZ = (8_000, 48_000)
OPUS_HZ = 48_000
MOST_FRAME = 65_536  # bytes
LONGEST_FRAME_S = 4.1  # PCM of so many bytes at the lowest rate


class Frames(Protocol):
    """Turns frames into sound, one after the other."""

    def waveform(self, frame: bytes) -> Waveform:
        """The sound of the next frame, float32 (samples,) at 16 kHz.

        Raises:
            UnreadableAudioError: it is not of the format that was said.
        """


def frames_of(format: Format, rate_hz: int) -> Frames:
    """What reads frames of this format.

    Raises:
        UsageError: the rate is not from 8 to 48 kHz.
    """
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise UsageError(f"A rate of {rate_hz} Hz is not possible; 8000 to 48000 are.")
    return OpusFrames() if format == "opus" else PcmFrames(rate_hz)


class PcmFrames:
    """16-bit samples, little-endian, mono."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE, 1, dtype="float32")

    def waveform(self, frame: bytes) -> Waveform:
        if len(frame) % 2:
            raise UnreadableAudioError(
                f"A frame has {len(frame)} bytes, half a sample too many; send whole samples of "
                "16 bits."
            )
        samples = np.frombuffer(frame, "<i2").astype(np.float32) / 32_768
        heard: Waveform = self._resampler.resample_chunk(samples)
        return heard


class OpusFrames:
    """Packets of Opus (RFC 6716), one a frame, mono or stereo; FFmpeg's own decoder."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("opus", "r")
        self._mixer = av.AudioResampler("flt", "mono", OPUS_HZ)
        self._resampler = soxr.ResampleStream(OPUS_HZ, SAMPLE_RATE, 1, dtype="float32")

    def waveform(self, frame: bytes) -> Waveform:
        try:
            decoded = self._decoder.decode(av.Packet(frame))
            mono = [part for one in decoded for part in self._mixer.resample(one)]
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableAudioError(
                "A frame is no Opus packet; send one packet in each binary message."
            ) from error
        samples = [part.to_ndarray().reshape(-1) for part in mono]
        heard: Waveform = self._resampler.resample_chunk(
            np.concatenate([np.empty(0, np.float32), *samples])
        )
        return heard
