"""From a recording to an embedding: its speech, in windows, through the pack's model.

The model is only ever given inputs of a few lengths (`bucket_lengths`), because
onnxruntime keeps memory for every new one. Speech between two lengths is repeated from
its start to fill the longer.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Source, Waveform
from voxgate.errors import PackError, ScoringError, TooLittleSpeechError
from voxgate.packs import Pack
from voxgate.quality import Quality
from voxgate.scoring import to_unit_length
from voxgate.speech import read_speech
from voxgate.vad import Segment

if TYPE_CHECKING:
    import onnxruntime

_SHORTEST_S = 0.4  # first of the bucket lengths
_RATIO = 1.12  # from each bucket length to the next: at most this much is computed in vain


@dataclass(frozen=True, eq=False)
class Embedding:
    """The voice of a recording as a direction, and what it was heard from."""

    vector: NDArray[np.float32] = field(repr=False)  # (dim,), unit length
    speech_s: float
    quality: Quality
    segments: tuple[Segment, ...] = field(repr=False)
    pack: str  # the pack's id, such as "ecapa-compact@1"
    name: str  # of the recording


def bucket_lengths(max_window_s: float, sample_rate_hz: int) -> tuple[int, ...]:
    """The input lengths, in samples, that a model is given: rising, the last a whole window."""
    longest = round(max_window_s * sample_rate_hz)
    lengths = []
    seconds = _SHORTEST_S
    while (length := round(seconds * sample_rate_hz)) < longest:
        lengths.append(length)
        seconds *= _RATIO
    return (*lengths, longest)


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


class Embedder:
    """Runs a pack's model. Threads may share one."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        """Load the model of `pack`, to be run on so many threads.

        Raises:
            PackError: the model is not the one stated, or not of the form packs have.
        """
        self.pack = pack
        self._lengths = np.array(bucket_lengths(pack.max_window_s, pack.sample_rate_hz))
        self._session = _open_session(pack, threads)

    def embed(self, source: Source) -> Embedding:
        """Embed the speech of a recording, however long, in bounded memory.

        Raises:
            TooLittleSpeechError: it holds less speech than the pack needs.
            AudioError: it cannot be read.
        """
        with closing(read_speech(source)) as reader:
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

    def _sum_of_windows(self, pieces: Iterable[Waveform]) -> tuple[NDArray[np.float64], int]:
        """The windows' directions added up by their length, and the samples in all."""
        total, samples = np.zeros(self.pack.dim), 0
        for window in windows(pieces, int(self._lengths[-1])):
            total += len(window) * self._direction(self._run(window))
            samples += len(window)
        return total, samples

    def _run(self, window: Waveform) -> NDArray[np.float32]:
        length = self._lengths[np.searchsorted(self._lengths, len(window))]
        filled = np.resize(window, (1, length))  # repeats it from the start
        (output,) = self._session.run(["embedding"], {"waveform": filled})
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


def _open_session(pack: Pack, threads: int) -> "onnxruntime.InferenceSession":
    """A session on the very bytes whose SHA-256 was checked."""
    import onnxruntime  # noqa: PLC0415 - takes a moment, and is only needed to embed

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle means idle
    options.log_severity_level = 4  # fatal only: what goes wrong is raised, not printed
    model = pack.read("model.onnx")
    try:
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other base
        reason = str(error).partition("\n")[0]
        raise PackError(f"onnxruntime cannot run the model of {pack.id}: {reason}") from error
    inputs = [(i.name, i.type, len(i.shape)) for i in session.get_inputs()]
    outputs = [(o.name, o.type, len(o.shape)) for o in session.get_outputs()]
    if inputs != [("waveform", "tensor(float)", 2)] or outputs != [
        ("embedding", "tensor(float)", 2)
    ]:
        raise PackError(
            f"The model of {pack.id} goes from {inputs} to {outputs}; needed is one float input "
            "'waveform' (batch, samples) and one float output 'embedding' (batch, dim)."
        )
    return session
