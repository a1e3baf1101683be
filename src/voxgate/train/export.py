"""A trained model → model.onnx, checked to give the same embeddings."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxscript import optimizer

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import TrainingError
from voxgate.networks import strip_notes
from voxgate.train.model import SpeakerModel
from voxgate.train.quantise import is_spectral, to_8_bits

_LARGEST_WORKED_OUT = 4096  # numbers; what is larger is stored as what it is made of
_FEWEST_HALVED = {"float16": 4096, "int8": 4096, "int4": 64}  # tensors below stay float32
_LEAST_COSINE = {  # between the two embeddings of a waveform
    "float16": 0.9999,  # it costs about 1e-6
    "int8": 0.95,
    "int4": 0.95,  # the few levels of its weights are the model's own, and cost nothing here
}


def export_onnx(
    model: SpeakerModel, path: Path, precision: str = "float16", speech: Sequence[Waveform] = ()
) -> None:
    """Write the graph from "waveform" (batch, samples) to "embedding" (batch, dim).

    The network's large weights are stored as float16, which halves the file; the runtime turns them
    back into float32 once, when it loads the graph. The front end stays in float32. With the
    precision "int8" the network computes in 8 bits, as `voxgate.train.quantise` says, ranges being
    those that `speech` shows; with "int4" it does so, too, and weights that
    `voxgate.train.few_levels` rounded are stored as `voxgate.train.packing` says.
    """
    batch = torch.export.Dim("batch")
    samples = torch.export.Dim("samples", min=SAMPLE_RATE // 10)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            model.eval(),
            (torch.randn(2, 5 * SAMPLE_RATE),),
            input_names=["waveform"],
            output_names=["embedding"],
            dynamic_shapes=({0: batch, 1: samples},),
            opset_version=18,
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise TrainingError("torch.onnx.export gave no program; the model has no static graph.")
    program.model = optimizer.optimize(program.model, output_size_limit=_LARGEST_WORKED_OUT)
    proto = program.model_proto
    if precision != "float16":
        proto = to_8_bits(proto, speech, packed=precision == "int4")
    strip_notes(proto.graph)
    _halve_weights(proto, _FEWEST_HALVED[precision])
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def check_parity(
    model: SpeakerModel, path: Path, waveforms: list[Waveform], precision: str = "float16"
) -> float:
    """Smallest cosine between torch's and the exported graph's embedding of a waveform.

    Raises:
        TrainingError: it is below 0.9999 (8 bits: 0.95), so this is not what was trained.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    cosines = []
    for waveform in waveforms:
        with torch.no_grad():
            trained = model.eval()(torch.from_numpy(waveform[None])).numpy()[0]
        exported: NDArray[np.float32] = session.run(["embedding"], {"waveform": waveform[None]})[0][
            0
        ]
        cosines.append(
            float(trained @ exported / np.linalg.norm(trained) / np.linalg.norm(exported))
        )
    if not min(cosines) >= _LEAST_COSINE[precision]:
        raise TrainingError(
            f"{path} does not give the trained model's embeddings: cosine {min(cosines):.6f}, "
            f"at least {_LEAST_COSINE[precision]} is needed."
        )
    return min(cosines)


def _halve_weights(proto: onnx.ModelProto, fewest: int) -> None:
    """Replace each large float32 initializer outside the front ends by float16 and a cast."""
    casts = []
    for weight in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < fewest or is_spectral(weight.name):
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + ".half"))
        casts.append(
            onnx.helper.make_node("Cast", [name + ".half"], [name], to=onnx.TensorProto.FLOAT)
        )
    for cast in reversed(casts):
        proto.graph.node.insert(0, cast)
