"""Rewrite the silero model so that one call judges any number of frames.

    pip download --no-deps silero-vad==6.2.0 && unzip silero_vad-6.2.0-*.whl 'silero_vad/data/*'
    python recipes/vad/unroll.py silero_vad/data/silero_vad.onnx

The published model takes one frame of 32 ms a call. Only its LSTM needs what came before: here
all else is computed for many frames at once, and the LSTM walks over them. The weights are those
of the 16 kHz branch, unchanged; taps of the last two convolutions that only ever meet padding are
left out. A convolution over the few steps of a frame becomes a matrix product, of the steps that
its kernel covers laid side by side.

The result takes `windows` (frames, 576), each a frame of 512 samples after the last 64 of the one
before it, and the LSTM's state `h` and `c` (1, 1, 128). It gives `probabilities` (frames,), and
`h_next` and `c_next`. It is compared with the published model on recordings, and written only if
it gives the same.

Source: https://github.com/snakers4/silero-vad (MIT), release 6.2.0.
"""

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from voxgate.audio import SAMPLE_RATE, load

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "src/voxgate/silero/vad.onnx"
SOURCE = "silero-vad 6.2.0, https://github.com/snakers4/silero-vad (MIT)"
SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

FRAME, CONTEXT, TAIL = 512, 64, 64  # samples: a frame, those before it, those mirrored after it
WINDOW, HOP = 256, 128  # samples of the Fourier transform
STEPS = (FRAME + CONTEXT + TAIL - WINDOW) // HOP + 1  # 4 spectra a frame
HIDDEN = 128  # of the LSTM
TOLERANCE = 1e-4  # of probabilities; what rounding alone adds up to is less

SUFFIXES = {".flac", ".opus", ".wav"}  # of recordings to compare on

Floats = NDArray[np.float32]
Weights = dict[str, Floats]


def main() -> None:
    """Rewrite the model, compare, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="the published silero_vad.onnx")
    parser.add_argument(
        "--recordings", type=Path, default=ROOT / "examples/voices", help="to compare on: a folder"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    published = options.model.read_bytes()
    if (found := hashlib.sha256(published).hexdigest()) != SHA256:
        raise SystemExit(f"{options.model} has SHA-256 {found}; needed is {SHA256} ({SOURCE}).")
    unrolled = unroll(weights_of(onnx.load_from_string(published))).SerializeToString()
    files = options.recordings.rglob("*")
    paths = sorted(path for path in files if path.suffix in SUFFIXES)
    difference, seconds, spent = compare(published, unrolled, paths)
    print(f"largest difference {difference:.1e} in {len(paths)} recordings, {seconds:,.0f} s")
    print("published {:.5f}, unrolled {:.5f} of real time, one thread".format(*spent / seconds))
    if not difference <= TOLERANCE:
        raise SystemExit(f"That is more than {TOLERANCE}: nothing is written.")
    options.output.write_bytes(unrolled)
    print(f"{options.output}: {len(unrolled):,} bytes")


def weights_of(model: onnx.ModelProto) -> Weights:
    """The constants of the 16 kHz branch, by their names in silero's own code."""
    (choice,) = (node for node in model.graph.node if node.op_type == "If")
    (branch,) = (item.g for item in choice.attribute if item.name == "then_branch")
    return {
        node.output[0].partition("__Inline_0__")[2]: numpy_helper.to_array(node.attribute[0].t)
        for node in branch.node
        if node.op_type == "Constant"
    }


class _Graph:
    """A graph under construction: each method adds nodes and gives the name of their output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def windows(self, rows: str, width: int, shift: int, count: int) -> str:
        """Cut windows from rows (n, length), to (n * count, width)."""
        if count > 1:
            cuts = [
                self.add("Slice", rows, *(self.constant([x]) for x in (start, start + width, 1)))
                for start in range(0, count * shift, shift)
            ]
            rows = self.add("Concat", *cuts, axis=1)
        return str(self.add("Reshape", rows, self.constant([-1, width])))

    def pad(self, rows: str, before: int, after: int, mode: str = "constant") -> str:
        """Lengthen rows (n, length), with zeros or ("reflect") with what they hold, mirrored."""
        return str(self.add("Pad", rows, self.constant([0, before, 0, after]), mode=mode))

    def convolve(self, rows: str, kernel: Floats, bias: Floats, stride: int, count: int) -> str:
        """Convolve steps laid side by side, (n, steps * inputs), to (n, count * outputs).

        The kernel is (outputs, inputs, taps), the bias (outputs,); from one output to the next it
        is moved on by `stride` steps.
        """
        outputs, inputs, taps = kernel.shape
        cut = self.windows(rows, taps * inputs, stride * inputs, count)
        matrix = self.constant(kernel.transpose(2, 1, 0).reshape(taps * inputs, outputs))
        relu = self.add("Relu", self.add("Gemm", cut, matrix, self.constant(bias)))
        return str(self.add("Reshape", relu, self.constant([-1, count * outputs])))


def unroll(weights: Weights) -> onnx.ModelProto:
    """The model for many frames."""
    graph = _Graph()
    features = _encode(graph, _magnitudes(graph, weights["stft.forward_basis_buffer"]), weights)
    sequence = graph.add("Reshape", features, graph.constant([-1, 1, HIDDEN]))
    heard, h, c = graph.add(
        "LSTM", sequence, *_lstm_weights(graph, weights), "", "h", "c",
        outputs=3, hidden_size=HIDDEN,
    )  # fmt: skip
    heard = graph.add("Relu", graph.add("Reshape", heard, graph.constant([-1, HIDDEN])))
    last = graph.constant(weights["decoder.decoder.2.weight"].reshape(HIDDEN, 1))
    logits = graph.add("Gemm", heard, last, graph.constant(weights["decoder.decoder.2.bias"]))
    flat = graph.add("Reshape", graph.add("Sigmoid", logits), graph.constant([-1]))
    results = {"probabilities": flat, "h_next": h, "c_next": c}
    graph.nodes += [helper.make_node("Identity", [name], [to]) for to, name in results.items()]
    return _model(graph)


def _magnitudes(graph: _Graph, basis: Floats) -> str:
    """The magnitudes (frames, 4 * 129) of the spectra of the windows."""
    mirrored = graph.pad("windows", 0, TAIL, "reflect")
    cut = graph.windows(mirrored, WINDOW, HOP, STEPS)
    spectra = graph.add("MatMul", cut, graph.constant(basis[:, 0].T))
    parts = graph.add("Split", spectra, outputs=2, axis=1)
    power = graph.add("Add", *(graph.add("Mul", part, part) for part in parts))
    bands = basis.shape[0] // 2
    shape = graph.constant([-1, STEPS * bands])
    return str(graph.add("Reshape", graph.add("Sqrt", power), shape))


def _encode(graph: _Graph, rows: str, weights: Weights) -> str:
    """The features (frames, 128), from four steps to two to one."""
    kernels = [weights[f"encoder.{i}.reparam_conv.weight"] for i in range(4)]
    biases = [weights[f"encoder.{i}.reparam_conv.bias"] for i in range(4)]
    first, second = (kernel.shape[1] for kernel in kernels[:2])  # numbers of a step
    rows = graph.convolve(graph.pad(rows, first, first), kernels[0], biases[0], 1, 4)
    rows = graph.convolve(graph.pad(rows, second, 0), kernels[1], biases[1], 2, 2)
    rows = graph.convolve(rows, kernels[2][:, :, 1:], biases[2], 2, 1)  # the first tap: padding
    return graph.convolve(rows, kernels[3][:, :, 1:2], biases[3], 1, 1)  # both the outer taps


def _lstm_weights(graph: _Graph, weights: Weights) -> list[str]:
    """The LSTM's matrices and biases: gates in ONNX's order (i, o, f, g), not PyTorch's."""

    def ordered(name: str) -> Floats:
        i, f, g, o = np.split(weights[f"decoder.rnn.{name}"], 4)
        return np.concatenate([i, o, f, g])

    bias = np.concatenate([ordered("bias_ih"), ordered("bias_hh")])
    arrays = (ordered("weight_ih"), ordered("weight_hh"), bias)
    return [graph.constant(array[None]) for array in arrays]


def _model(graph: _Graph) -> onnx.ModelProto:
    def value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    state: list[int | str] = [1, 1, HIDDEN]
    made = helper.make_graph(
        graph.nodes,
        "silero-vad-unrolled",
        [value("windows", ["frames", CONTEXT + FRAME]), value("h", state), value("c", state)],
        [value("probabilities", ["frames"]), value("h_next", state), value("c_next", state)],
        graph.constants,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="voxgate"
    )
    helper.set_model_props(model, {"source": SOURCE, "source_sha256": SHA256})
    onnx.checker.check_model(model)
    return model


def compare(
    published: bytes, unrolled: bytes, paths: list[Path]
) -> tuple[float, float, NDArray[np.float64]]:
    """The largest difference of probabilities, the seconds of sound, and those each model took."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [
        onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        for model in (published, unrolled)
    ]
    largest, seconds, spent = 0.0, 0.0, np.zeros(2)
    for path in paths:
        samples = np.pad(load(path), (CONTEXT, FRAME))  # the last frame filled up
        cut = np.lib.stride_tricks.sliding_window_view(samples, CONTEXT + FRAME)[::FRAME]
        clock = [time.thread_time()]
        found = []
        for session, judge in zip(sessions, (frame_by_frame, all_at_once), strict=True):
            found.append(judge(session, cut))
            clock.append(time.thread_time())
        largest = max(largest, float(np.abs(found[0] - found[1]).max()))
        seconds += len(cut) * FRAME / SAMPLE_RATE
        spent += np.diff(clock)
    return largest, seconds, spent


def all_at_once(session: onnxruntime.InferenceSession, windows: Floats) -> Floats:
    """What the unrolled model gives for windows (frames, 576)."""
    start = np.zeros((1, 1, HIDDEN), np.float32)
    inputs = {"windows": np.ascontiguousarray(windows), "h": start, "c": start}
    found: Floats = session.run(["probabilities"], inputs)[0]
    return found


def frame_by_frame(session: onnxruntime.InferenceSession, windows: Floats) -> Floats:
    """What the published model gives for windows (frames, 576)."""
    state = np.zeros((2, 1, HIDDEN), np.float32)
    rate = np.array(SAMPLE_RATE, np.int64)
    found = []
    for window in windows:
        inputs = {"input": np.ascontiguousarray(window[None]), "state": state, "sr": rate}
        probability, state = session.run(["output", "stateN"], inputs)
        found.append(probability[0, 0])
    return np.array(found, np.float32)


if __name__ == "__main__":
    main()
