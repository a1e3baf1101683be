"""A pack's model in onnxruntime: how a window of speech goes in and an embedding comes out.

onnxruntime keeps memory for every new form of input. A model that takes a waveform is given
only a few lengths (`bucket_lengths`); speech between two of them is repeated from its start to
fill the longer. A public model is given exactly the features of the speech, for its embeddings
to be those its makers' own code gives, and onnxruntime is told to keep no memory.
"""

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Waveform
from voxgate.errors import PackError, TooLittleSpeechError
from voxgate.feeding import Feeding
from voxgate.frontends import Features, FrontEnd
from voxgate.packs import Pack
from voxgate.sessions import open_session

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]

_SHORTEST_S = 0.4  # first of the bucket lengths
_RATIO = 1.12  # from each bucket length to the next: at most this much is computed in vain
_BATCH = 8  # windows that a network with windows hears at a time


class Network(Protocol):
    """What runs a pack's model. Threads may share one."""

    def run(self, window: Waveform) -> Floats:
        """The embedding (1, dim) of a window of speech (samples,), of any length."""


def open_network(pack: Pack, threads: int) -> Network:
    """Load the model of `pack`, to be run on so many threads.

    Raises:
        PackError: the model is not the one stated, or not of the form that pack.toml states.
    """
    if pack.front_end is None or pack.feeding is None:
        session = open_session(pack.read("model.onnx"), pack.id, threads=threads)
        return WaveformNetwork(session, pack)
    session = open_session(pack.read("model.onnx"), pack.id, threads=threads, keep_memory=False)
    kind = WindowNetwork if pack.feeding.window_frames else FeatureNetwork
    return kind(session, pack.id, pack.front_end, pack.feeding)


def bucket_lengths(max_window_s: float, sample_rate_hz: int) -> tuple[int, ...]:
    """The input lengths, in samples, that a model is given: rising, the last a whole window."""
    longest = round(max_window_s * sample_rate_hz)
    lengths = []
    seconds = _SHORTEST_S
    while (length := round(seconds * sample_rate_hz)) < longest:
        lengths.append(length)
        seconds *= _RATIO
    return (*lengths, longest)


class WaveformNetwork:
    """A model with its front end inside."""

    def __init__(self, session: "onnxruntime.InferenceSession", pack: Pack) -> None:
        _require_form(
            session, pack.id, "waveform", "embedding",
            "one float input 'waveform' (batch, samples) and one float output 'embedding' "
            "(batch, dim)",
        )  # fmt: skip
        self._session = session
        self.lengths = np.array(bucket_lengths(pack.max_window_s, pack.sample_rate_hz))

    def run(self, window: Waveform) -> Floats:
        length = self.lengths[np.searchsorted(self.lengths, len(window))]
        filled = np.resize(window, (1, length))  # repeats it from the start
        return _only(self._session.run(["embedding"], {"waveform": filled}))


class FeatureNetwork:
    """A public model that hears all of the speech at once, as features."""

    def __init__(
        self,
        session: "onnxruntime.InferenceSession",
        name: str,
        front_end: FrontEnd,
        feeding: Feeding,
    ) -> None:
        _require_features(session, name, feeding)
        self._session = session
        self._front_end = front_end
        self._feeding = feeding

    def run(self, window: Waveform) -> Floats:
        self._check_length(window)
        features = self._front_end.features(self._feeding.level(window))
        return self._embed(features[None])

    def _check_length(self, window: Waveform) -> None:
        needed = self._front_end.shortest
        if len(window) < needed:
            raise TooLittleSpeechError("waveform", len(window) / 16_000, needed / 16_000)

    def _embed(self, features: Features) -> Floats:
        """Embeddings (batch, dim) of features (batch, frames, bands)."""
        count = features.shape[1]
        if filling := -count % self._feeding.frames_multiple:
            features = np.pad(features, ((0, 0), (0, filling), (0, 0)))
        if self._feeding.layout == "bands, frames":
            features = np.ascontiguousarray(features.transpose(0, 2, 1))
        inputs = {self._feeding.input: features}
        if self._feeding.length_input:
            inputs[self._feeding.length_input] = np.full(len(features), count, np.int64)
        return _only(self._session.run([self._feeding.output], inputs))


class WindowNetwork(FeatureNetwork):
    """A public model that hears windows of a fixed length; its outputs are averaged."""

    def run(self, window: Waveform) -> Floats:
        self._check_length(window)
        frames = self._feeding.window_frames
        shift = self._front_end.frame_shift
        starts = self._feeding.window_starts(len(window), shift)
        silence = max(0, (starts[-1] + frames) * shift - len(window))
        filled = np.pad(self._feeding.level(window), (0, silence))
        features = self._front_end.features(filled)
        cut = iter(features[start : start + frames] for start in starts)
        outputs = []
        while batch := list(islice(cut, _BATCH)):
            outputs.append(self._embed(np.stack(batch)))
        mean: Floats = np.concatenate(outputs).mean(axis=0, keepdims=True)
        return mean


def _require_form(session: Any, name: str, input: str, output: str, needed: str) -> None:
    inputs = [(i.name, i.type, len(i.shape)) for i in session.get_inputs()]
    outputs = [(o.name, o.type, len(o.shape)) for o in session.get_outputs()]
    if inputs != [(input, "tensor(float)", 2)] or outputs != [(output, "tensor(float)", 2)]:
        raise PackError(f"The model of {name} goes from {inputs} to {outputs}; needed is {needed}.")


def _require_features(session: Any, name: str, feeding: Feeding) -> None:
    """The model has the inputs and the output that [model] names, and no more inputs."""
    inputs = {i.name: (i.type, len(i.shape)) for i in session.get_inputs()}
    outputs = {o.name: o.type for o in session.get_outputs()}
    wanted = {feeding.input: ("tensor(float)", 3)}
    if feeding.length_input:
        wanted[feeding.length_input] = ("tensor(int64)", 1)
    if inputs != wanted or outputs.get(feeding.output) != "tensor(float)":
        raise PackError(
            f"The model of {name} goes from {inputs} to {outputs}; [model] in its pack.toml "
            f"promises {wanted} and a float output {feeding.output!r}."
        )


def _only(outputs: list[Any]) -> Floats:
    (output,) = outputs
    return np.asarray(output)


def strip_notes(graph: Any) -> None:
    """Remove an exporter's notes from an onnx.GraphProto: they name its user's paths."""
    del graph.metadata_props[:]
    for part in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        for item in part:
            item.ClearField("doc_string")
            del item.metadata_props[:]
