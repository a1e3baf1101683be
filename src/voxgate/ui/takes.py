"""Recordings that are being made: what the microphone of a browser has sent so far."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
import soxr

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import UsageError, VoxgateError
from voxgate.microphone import Monitor

MOST_TAKES = 16  # at a time; the oldest is forgotten: at most 200 MB of sound
LONGEST_S = 180.0
LARGEST_MESSAGE = 4_000_000  # base64 characters: 15 s at 96 kHz
_RATES_HZ = (8_000, 192_000)


class Takes:
    """Follows each recording while it is made; the sound stays in memory, and not for long."""

    def __init__(self) -> None:
        self._takes: OrderedDict[str, _Take] = OrderedDict()
        self._lock = Lock()

    def hear(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Take the next sound of a recording; tell how much speech there is and what to read.

        Args:
            message: `take`, a name that the browser chose at random; `rate` in Hz; `pcm`,
                base64 of 16-bit samples, little-endian, mono; `wanted_s` of speech. Or only
                `take` and `over`: then it is forgotten.
        """
        try:
            return self._forget(message) if message.get("over") else self._hear(message)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            reason = str(error) if isinstance(error, VoxgateError) else "it is malformed"
            return {"error": f"The sound was not understood: {reason}."}

    def waveform(self, take: str) -> Waveform | None:
        """What was heard so far, (samples,) at 16 kHz; None where the take is not known."""
        with self._lock:
            known = self._takes.get(take)
        return known.waveform() if known else None

    def _hear(self, message: Mapping[str, Any]) -> dict[str, Any]:
        pcm, rate_hz = message["pcm"], int(message["rate"])
        if len(pcm) > LARGEST_MESSAGE or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
            raise UsageError("it is too much at once, or of a rate that is not known")
        block = np.frombuffer(base64.b64decode(pcm, validate=True), "<i2")
        take = self._take(str(message["take"]), rate_hz, float(message["wanted_s"]))
        return take.hear(np.asarray(block / 32_768, np.float32))

    def _forget(self, message: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._takes.pop(str(message["take"]), None)
        return {}

    def _take(self, name: str, rate_hz: int, wanted_s: float) -> "_Take":
        with self._lock:
            if name not in self._takes:
                self._takes[name] = _Take(rate_hz, wanted_s)
            while len(self._takes) > MOST_TAKES:
                self._takes.popitem(last=False)
            return self._takes[name]


class _Take:
    """One recording; its blocks come one after another."""

    def __init__(self, rate_hz: int, wanted_s: float) -> None:
        self._monitor = Monitor(wanted_s=wanted_s)
        self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE, 1, dtype="float32")
        self._blocks: list[Waveform] = []
        self._samples = 0

    def hear(self, samples: Waveform) -> dict[str, Any]:
        if self._samples > LONGEST_S * SAMPLE_RATE:
            return {"stop": True}
        block = self._resampler.resample_chunk(samples)
        self._blocks.append(block)
        self._samples += len(block)
        progress = self._monitor.hear(block)
        return {
            "speech_s": progress.speech_s,
            "share": min(1.0, progress.speech_s / progress.wanted_s),
            "sentence": progress.sentence,
            "enough": progress.enough,
        }

    def waveform(self) -> Waveform:
        return np.concatenate([np.empty(0, np.float32), *self._blocks])
