"""Find the speech in a waveform: a model gives probabilities, a pure function cuts segments.

Probabilities are one per frame of 32 ms (512 samples), from the silero model; frame i covers the
time from i * 0.032 s to (i + 1) * 0.032 s. Segments are in seconds. Both steps also work block
by block, with the same result whatever the blocks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import UsageError
from voxgate.sessions import open_session

if TYPE_CHECKING:
    import onnxruntime

FRAME_SAMPLES = 512  # what the model takes at 16 kHz
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE  # 0.032

_MODEL = Path(__file__).with_name("silero") / "vad.onnx"
_CONTEXT_SAMPLES = 64  # before each frame, that the model is given again
_STATE_SHAPE = (1, 1, 128)  # of both parts of what it remembers
_BATCH = 64  # frames at a time: no more are faster, and memory stays small

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
    Source of the model: https://github.com/snakers4/silero-vad (MIT), release 6.2.0, rewritten by
    recipes/vad to judge many frames at once.
    """

    _held: Waveform  # the context of the next frame, and what there is of it
    _h: NDArray[np.float32]  # what the model remembers of the frames so far
    _c: NDArray[np.float32]

    def __init__(self) -> None:
        self._session = _open_model()
        self._begin()

    def probabilities(self, waveform: Waveform) -> Probabilities:
        """Judge the frames that the next `waveform` (samples,) completes, shape (frames,)."""
        held = np.concatenate([self._held, waveform], dtype=np.float32)
        count = (len(held) - _CONTEXT_SAMPLES) // FRAME_SAMPLES
        self._held = held[count * FRAME_SAMPLES :].copy()
        if not count:
            return np.empty(0, np.float32)
        windows = sliding_window_view(held, _CONTEXT_SAMPLES + FRAME_SAMPLES)[::FRAME_SAMPLES]
        return np.concatenate(
            [self._judge(windows[i : i + _BATCH]) for i in range(0, count, _BATCH)]
        )

    def flush(self) -> Probabilities:
        """Judge what is left of the recording, filled up with zeros: one frame, or none."""
        rest = len(self._held) - _CONTEXT_SAMPLES
        if not rest:
            return np.empty(0, np.float32)
        return self.probabilities(np.zeros(FRAME_SAMPLES - rest, np.float32))

    def reset(self, *, lead_in_s: float = 0.0) -> None:
        """Begin another recording.

        Args:
            lead_in_s: as if so much digital silence came before it. The model is slow to hear a
                word that begins with the recording, and quick after silence, but then takes
                noise for speech more readily, too.
        """
        self._begin()
        self.probabilities(np.zeros(math.ceil(lead_in_s / FRAME_S) * FRAME_SAMPLES, np.float32))

    def _begin(self) -> None:
        self._held = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._h = self._c = np.zeros(_STATE_SHAPE, np.float32)

    def _judge(self, windows: NDArray[np.float32]) -> Probabilities:
        """Probabilities (frames,) of windows (frames, 576): each a frame and what precedes it."""
        inputs = {"windows": np.ascontiguousarray(windows), "h": self._h, "c": self._c}
        found, self._h, self._c = self._session.run(["probabilities", "h_next", "c_next"], inputs)
        return np.asarray(found)


@lru_cache(maxsize=1)
def _open_model() -> "onnxruntime.InferenceSession":
    """The one session, which detectors share: what it remembers of a recording is with them."""
    return open_session(_MODEL.read_bytes(), "the speech detector", keep_memory=False)
