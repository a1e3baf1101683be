"""Frames of sound from a client that streams: PCM or Opus in, waveforms at 16 kHz out."""

import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import soxr

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import AudioError, UnreadableAudioError, UsageError, VoxgateError
from voxgate.server import opus

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, SpawnContext

Format = Literal["pcm_s16le", "opus"]
RATES_HZ = (8_000, 48_000)
MOST_FRAME = 65_536  # bytes
LONGEST_FRAME_S = 4.1  # PCM of so many bytes at the lowest rate
TIME_LIMIT_S = 2.0  # for one Opus packet, which takes some 50 us
_OPEN_TO_OTHERS = {*((3, 10, micro) for micro in range(9)), (3, 11, 0)}  # CVE-2022-42919
MOST_SOUND = 262_144  # bytes of what an Opus packet comes to; 120 ms, the longest, are 23,040


class Frames(Protocol):
    """Turns frames into sound, one after the other."""

    def waveform(self, frame: bytes) -> Waveform:
        """The sound of the next frame, float32 (samples,) at 16 kHz.

        Raises:
            AudioError: it is not of the format that was said, or cannot be decoded.
        """

    def close(self) -> None:
        """Let go of what it holds; no frame comes any more."""


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

    def close(self) -> None:
        """It holds nothing."""


class OpusFrames:
    """Packets of Opus (RFC 6716), one a frame, mono or stereo.

    They are decoded by a process of this stream's own, by FFmpeg's decoder: a packet that crashes
    it, or keeps it busy for too long, ends this stream and nothing else.
    """

    def __init__(self) -> None:
        """Start the process.

        Raises:
            VoxgateError: it cannot be started.
        """
        self._resampler = soxr.ResampleStream(opus.RATE_HZ, SAMPLE_RATE, 1, dtype="float32")
        context = _context()
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=opus.work, args=(theirs,), daemon=True, name="opus")
        try:
            self._process.start()
        except (EOFError, OSError) as error:
            raise VoxgateError("A decoder for the stream cannot be started now.") from error
        finally:
            theirs.close()
        # Also where this is forgotten, or Python ends: then it would be waited for.
        self._let_go = Finalize(self, _let_go, (self._process, self._end), exitpriority=0)

    def waveform(self, frame: bytes) -> Waveform:
        samples = np.frombuffer(self._decoded(frame), np.float32)
        heard: Waveform = self._resampler.resample_chunk(samples)
        return heard

    def close(self) -> None:
        self._let_go()

    def _decoded(self, packet: bytes) -> bytes:
        try:
            self._end.send_bytes(packet)
            if not self._end.poll(TIME_LIMIT_S):
                raise AudioError(
                    f"An Opus packet took longer than {TIME_LIMIT_S:g} s to decode; stream PCM."
                )
            answer = self._end.recv_bytes(MOST_SOUND)
        except (EOFError, OSError) as error:
            raise UnreadableAudioError(
                "An Opus packet cannot be read: it broke the decoder. Stream PCM."
            ) from error
        if not answer.startswith(opus.SOUND) or len(answer) % 4 != 1:
            raise UnreadableAudioError(
                "A frame is no Opus packet; send one packet in each binary message."
            )
        return answer.removeprefix(opus.SOUND)


def _let_go(process: BaseProcess, end: "Connection") -> None:
    if process.is_alive():
        process.kill()
    end.close()


def _context() -> "ForkServerContext | SpawnContext":
    """How the processes are started: forked from one that has already imported what they need."""
    if sys.platform == "win32" or sys.version_info[:3] in _OPEN_TO_OTHERS:
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([opus.__name__])
    return context
