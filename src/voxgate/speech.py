"""Walk over a recording once: read it, find its speech, and judge its quality on the way.

This is the one place where `voxgate.audio`, `voxgate.vad` and `voxgate.quality` meet. Memory
stays bounded however long the recording: at most one segment and one block are held.
"""

from collections.abc import Generator, Iterable, Iterator

import numpy as np

from voxgate.audio import SAMPLE_RATE, AudioInfo, AudioStream, Source, Waveform, open_audio
from voxgate.quality import Quality, QualityMeter
from voxgate.vad import Segment, Segmenter, SpeechDetector, VadOptions

# A recording shorter than TRIMMED_S was cut to its word, and gets a lead-in of silence: the
# detector then finds 0.25 s of speech in 94 % of single digits instead of 86 %. Longer recordings
# do not: of noise alone, a second would count as speech in 29 % of cases instead of 7 %.
TRIMMED_S = 0.75
LEAD_IN_S = 0.25


def read_speech(
    source: Source, *, options: VadOptions | None = None, max_s: float | None = None
) -> "SpeechReader":
    """Open a recording to read the speech in it.

    Raises:
        AudioError: it cannot be opened, or is longer than `max_s` (see
            `voxgate.audio.open_audio`).
    """
    return SpeechReader(open_audio(source, max_s=max_s), options=options)


class SpeechReader:
    """The speech of a recording: iterate over it once, for a waveform per segment, in order.

    Reading raises what `AudioStream` raises. When all is read, `segments` and `quality` are known.

    Attributes:
        name: what to call the recording in messages.
        info: codec, sample rate, channels and duration, as the file states them.
    """

    def __init__(self, stream: AudioStream, *, options: VadOptions | None = None) -> None:
        self.name = stream.name
        self.info: AudioInfo = stream.info
        self._stream = stream
        self._segmenter = Segmenter(options)
        self._detector = SpeechDetector()
        self._meter = QualityMeter()
        self._held: Waveform = np.empty(0, np.float32)  # not yet known to be speech or not
        self._held_from = 0  # its first sample, counted from the start of the recording
        self._segments: list[Segment] = []
        self._quality: Quality | None = None
        self._pieces = self._read()

    def __iter__(self) -> Iterator[Waveform]:
        """Give the next pieces of speech, each (samples,), none longer than `max_segment_s`."""
        return self._pieces

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Where in the recording the pieces were, in seconds."""
        self._check_finished()
        return tuple(self._segments)

    @property
    def quality(self) -> Quality:
        """What the recording is like."""
        return self._check_finished()

    def close(self) -> None:
        """Stop reading."""
        self._pieces.close()
        self._stream.close()

    def _check_finished(self) -> Quality:
        if self._quality is None:
            raise RuntimeError(f"{self.name} is not read to its end yet; iterate over it first.")
        return self._quality

    def _read(self) -> Generator[Waveform, None, None]:
        detector, segmenter = self._detector, self._segmenter
        with self._stream as stream:
            for index, block in enumerate(_with_whole_start(stream)):
                if index == 0 and len(block) < TRIMMED_S * SAMPLE_RATE:
                    detector.reset(lead_in_s=LEAD_IN_S)
                self._held = np.concatenate([self._held, block])
                yield from self._cut(segmenter.push(detector.probabilities(block)))
                self._let_go(round(segmenter.undecided_from_s * SAMPLE_RATE))
        end = self._held_from + len(self._held)
        yield from self._cut(segmenter.push(detector.flush()))
        yield from self._cut(segmenter.finish(end / SAMPLE_RATE))
        self._let_go(end)
        self._quality = self._meter.quality()

    def _cut(self, segments: list[Segment]) -> Iterator[Waveform]:
        """Cut the pieces of finished segments out of the samples that are held."""
        for segment in segments:
            self._let_go(round(segment.start_s * SAMPLE_RATE))
            piece = self._take(round(segment.end_s * SAMPLE_RATE))
            self._meter.add(piece, is_speech=True)
            self._segments.append(segment)
            yield piece

    def _let_go(self, until: int) -> None:
        """What is before sample `until` is no speech."""
        self._meter.add(self._take(until), is_speech=False)

    def _take(self, until: int) -> Waveform:
        count = max(0, until - self._held_from)
        taken, self._held = self._held[:count], self._held[count:]
        self._held_from += len(taken)
        return taken


def _with_whole_start(blocks: Iterable[Waveform]) -> Iterator[Waveform]:
    """Join first blocks that are short, so that the first tells a trimmed recording."""
    start: Waveform | None = np.empty(0, np.float32)
    for block in blocks:
        if start is None:
            yield block
            continue
        start = np.concatenate([start, block])
        if len(start) >= TRIMMED_S * SAMPLE_RATE:
            yield start
            start = None
    if start is not None:
        yield start
