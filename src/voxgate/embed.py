"""From a recording to an embedding: its speech, in windows, through the pack's model.

How a window of speech is given to a model, and what it needs for that, is in
`voxgate.networks`.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Source, Waveform
from voxgate.errors import PackError, ScoringError, TooLittleSpeechError
from voxgate.networks import open_network
from voxgate.packs import Pack
from voxgate.quality import Quality
from voxgate.scoring import to_unit_length
from voxgate.speech import read_speech
from voxgate.vad import Segment


@dataclass(frozen=True, eq=False)
class Embedding:
    """The voice of a recording as a direction, and what it was heard from."""

    vector: NDArray[np.float32] = field(repr=False)  # (dim,), unit length
    speech_s: float
    quality: Quality
    segments: tuple[Segment, ...] = field(repr=False)
    pack: str  # the pack's id, such as "ecapa-compact@7"
    name: str  # of the recording


def windows(pieces: Iterable[Waveform], longest: int) -> Iterator[Waveform]:
    """Join pieces of speech and cut them into windows of at most `longest` samples.

    A window is whole until less than two are left, which become two equal ones: none but
    that of a short recording is shorter than half a window. At most two windows and a
    piece are held in memory.
    """
    held: Waveform = np.empty(0, np.float32)
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= 2 * longest:
            yield held[:longest]
            held = held[longest:]
    if len(held) > longest:
        half = (len(held) + 1) // 2
        yield held[:half]
        held = held[half:]
    if len(held):
        yield held


class Listener(Protocol):
    """Whatever turns recordings into embeddings of one pack: an Embedder, here or elsewhere."""

    def embed(self, source: Source) -> Embedding:
        """As `Embedder.embed`, with the same errors."""


class Embedder:
    """Runs a pack's model. Threads may share one."""

    def __init__(self, pack: Pack, *, threads: int = 1, max_s: float | None = None) -> None:
        """Load the model of `pack`, to be run on so many threads.

        Args:
            pack: whose model.
            threads: how many it may use.
            max_s: the longest recording that is taken, in seconds; None for any length.

        Raises:
            PackError: the model is not the one stated, or not of the form packs have.
        """
        self.pack = pack
        self._network = open_network(pack, threads)
        self._max_s = max_s
        self._longest = round(pack.max_window_s * pack.sample_rate_hz)

    def embed(self, source: Source) -> Embedding:
        """Embed the speech of a recording, however long, in bounded memory.

        Raises:
            TooLittleSpeechError: it holds less speech than the pack needs.
            AudioError: it cannot be read, or is too long.
        """
        with closing(read_speech(source, max_s=self._max_s)) as reader:
            total, samples = self._sum_of_windows(reader)
        speech_s = samples / self.pack.sample_rate_hz
        if speech_s < self.pack.min_speech_s:
            raise TooLittleSpeechError(reader.name, speech_s, self.pack.min_speech_s)
        return Embedding(
            vector=self._direction(total),
            speech_s=speech_s,
            quality=reader.quality,
            segments=reader.segments,
            pack=self.pack.id,
            name=reader.name,
        )

    def embed_waveform(self, speech: Waveform) -> NDArray[np.float32]:
        """Embed a waveform (samples,) that is all speech: a vector (dim,) of unit length.

        Raises:
            TooLittleSpeechError: it is shorter than the pack needs.
        """
        speech_s = len(speech) / self.pack.sample_rate_hz
        if speech_s < self.pack.min_speech_s:
            raise TooLittleSpeechError("waveform", speech_s, self.pack.min_speech_s)
        return self._direction(self._sum_of_windows([speech])[0])

    def raw_output(self, speech: Waveform) -> NDArray[np.float32]:
        """What the model itself gives for speech (samples,): (1, dim), of any length."""
        return self._network.run(speech)

    def _sum_of_windows(self, pieces: Iterable[Waveform]) -> tuple[NDArray[np.float64], int]:
        """The windows' directions added up by their length, and the samples in all."""
        total, samples = np.zeros(self.pack.dim), 0
        for window in windows(pieces, self._longest):
            total += len(window) * self._direction(self._run(window))
            samples += len(window)
        return total, samples

    def _run(self, window: Waveform) -> NDArray[np.float32]:
        output = self.raw_output(window)
        if output.shape != (1, self.pack.dim):
            raise PackError(
                f"The model of {self.pack.id} gives embeddings of shape {output.shape}; "
                f"pack.toml promises (1, {self.pack.dim})."
            )
        vector: NDArray[np.float32] = output[0]
        return vector

    def _direction(self, vector: NDArray[np.floating]) -> NDArray[np.float32]:
        try:
            return to_unit_length(vector).astype(np.float32)
        except ScoringError as error:
            raise PackError(f"The model of {self.pack.id} gave no usable embedding.") from error
