"""A complete pack small enough to build in a test: band energies and a fixed projection.

It tells the voices of `voices.py` apart, and is as good as useless for people. Nothing in
it is trained; its calibration and its false-accept table were once written down by hand
from the synthetic voices.
"""

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from voices import speak

DIM, BANDS, KERNEL, HOP = 24, 40, 400, 160
VOICES = range(1000, 1032)  # of the cohort; tests use others

TOML = """\
[pack]
name = "tiny"
version = "1"
description = "Band energies of synthetic voices, for tests."
license = "Apache-2.0"
training_data = ["synthetic voices"]
dim = 24
sample_rate_hz = 16000
min_speech_s = 0.5
max_window_s = 3.0

[files]
"model.onnx" = "{model}"
"cohort.npy" = "{cohort}"

[cohort]
nearest = 24

[calibration]
slope = [4.0, 0.3]
offset = [-8.4, -0.6]
speech_s = [0.5, 8.0]

[false_accepts]
speech_s = [1.0, 4.0]
far = [0.1, 0.01, 0.001]
thresholds = [[0.5, 1.5, 3.5], [0.3, 1.2, 3.0]]
misses = [[0.05, 0.1, 0.2], [0.01, 0.02, 0.05]]
pairs = [[1000, 10000], [1000, 10000]]

[metrics.synthetic]
eer = 1.0
"""


def write(folder: Path) -> Path:
    """Write the pack into `folder` (made if missing) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)
    return folder


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """The pack's files: name -> content."""
    model, cohort = _model_and_cohort()
    sums = {"model": hashlib.sha256(model), "cohort": hashlib.sha256(cohort)}
    toml = TOML.format(**{name: sha256.hexdigest() for name, sha256 in sums.items()})
    return {"pack.toml": toml.encode(), "model.onnx": model, "cohort.npy": cohort}


def _model_and_cohort() -> tuple[bytes, bytes]:
    """Project the bands on the directions in which synthetic voices differ most."""
    bands = graph(np.eye(BANDS), np.zeros(BANDS))
    heard = np.stack([[run(bands, speak(v, 1.5, take)) for take in (0, 1)] for v in VOICES])
    mean = heard.mean(axis=(0, 1))
    within = np.cov((heard[:, 0] - heard[:, 1]).T) / 2 + 0.3 * np.eye(BANDS)
    whiten = np.linalg.inv(np.linalg.cholesky(within))
    _, _, axes = np.linalg.svd((heard.mean(axis=1) - mean) @ whiten.T, full_matrices=False)
    projection = (axes[:DIM] @ whiten).T
    model = graph(projection, -mean @ projection)
    cohort = (heard.mean(axis=1) - mean) @ projection
    buffer = io.BytesIO()
    np.save(buffer, cohort.astype(np.float16))
    return model, buffer.getvalue()


def run(model: bytes, waveform: np.ndarray) -> np.ndarray:
    """What the model makes of one waveform (samples,)."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embedding"], {"waveform": waveform[None]})[0][0])


def graph(projection: np.ndarray, bias: np.ndarray, *, name_in: str = "waveform") -> bytes:
    """The ONNX graph: windowed band filters, log energies, mean over time, projection."""
    centres = 700 * (10 ** (np.linspace(np.log10(1 + 100 / 700), np.log10(11), BANDS)) - 1)
    phases = 2 * np.pi * centres[:, None] * np.arange(KERNEL) / 16_000
    filters = np.concatenate([np.cos(phases), np.sin(phases)]) * np.hanning(KERNEL) / KERNEL
    weights = {
        "filters": filters[:, None],
        "pairs": np.hstack([np.eye(BANDS), np.eye(BANDS)])[:, :, None],
        "floor": np.array(1e-8),
        "projection": projection,
        "bias": bias,
    }
    nodes = [
        helper.make_node("Unsqueeze", [name_in, "axis"], ["channel"]),
        helper.make_node("Conv", ["channel", "filters"], ["waves"], strides=[HOP]),
        helper.make_node("Mul", ["waves", "waves"], ["powers"]),
        helper.make_node("Conv", ["powers", "pairs"], ["energies"]),
        helper.make_node("Add", ["energies", "floor"], ["floored"]),
        helper.make_node("Log", ["floored"], ["logs"]),
        helper.make_node("ReduceMean", ["logs"], ["levels"], axes=[2], keepdims=0),
        helper.make_node("ReduceMean", ["levels"], ["loudness"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["levels", "loudness"], ["shape"]),
        helper.make_node("MatMul", ["shape", "projection"], ["projected"]),
        helper.make_node("Add", ["projected", "bias"], ["embedding"]),
    ]
    constants = [
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()
    ]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    floats = TensorProto.FLOAT
    built = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name_in, floats, ["batch", "samples"])],
        [helper.make_tensor_value_info("embedding", floats, ["batch", bias.size])],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(built, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
