"""A float graph → one that computes in 8 bits where it costs most: smaller, and faster.

Convolutions with a network's weights are quantised statically, together with the ReLU that
follows, the ranges measured on speech; LSTM layers dynamically, but for the first, which hears
spectra of too wide a range for 8 bits. Front ends stay as they are, and matrix products, of which
there is one an utterance.

Weights have 7 bits: on processors that add up 8-bit products in 16 bits, 8 would overflow
(onnxruntime's documentation, "Quantize ONNX models": reduce_range). What is multiplied with them
has no sign: with one, a quarter more time is needed.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from voxgate.audio import Waveform
from voxgate.train.packing import pack_levels

_OF_A_FRONT_END = ("front_end", "spectra", "filters")


def to_8_bits(
    graph: onnx.ModelProto, speech: Sequence[Waveform], *, packed: bool = False
) -> onnx.ModelProto:
    """Quantise an exported model, by what it computes for `speech`, waveforms (samples,).

    Weights of few levels are stored as such if they are to be `packed`.
    """
    with TemporaryDirectory() as folder, _quiet():
        whole, folded, partly, done = (Path(folder) / f"{n}.onnx" for n in range(4))
        del graph.graph.value_info[:]  # the exporter's, which onnx contradicts
        onnx.save(graph, whole)
        quant_pre_process(whole, folded, skip_symbolic_shape=True)
        nodes = onnx.load(folded).graph.node
        quantize_dynamic(
            folded, partly, op_types_to_quantize=["LSTM"],
            nodes_to_exclude=[node.name for node in nodes if node.op_type == "LSTM"][:1],
            weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
        )  # fmt: skip
        quantize_static(
            partly, done, _Speech(speech), op_types_to_quantize=["Conv", "Relu"],
            nodes_to_quantize=_convolutions(nodes), activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
        )  # fmt: skip
        quantised = onnx.load(done)
        _put_back(quantised.graph, graph.graph)
        if packed:
            pack_levels(quantised, onnx.load(folded))
        return quantised


def _put_back(graph: onnx.GraphProto, before: onnx.GraphProto) -> None:
    """Tables that were worked out on the way, again as the nodes that make them, if that is less.

    Args:
        graph: changed in place.
        before: the graph that it was made of, in which the nodes still are.
    """
    makers = {name: node for node in before.node for name in node.output}
    stored = {tensor.name: tensor for tensor in before.initializer}
    wanted: set[str] = set()
    for table in graph.initializer:
        names = [table.name]
        for name in names:  # grows on the way
            if name in makers:
                names.extend(given for given in makers[name].input if given not in names)
        made_of = sum(stored[name].ByteSize() for name in names if name in stored)
        if table.name in makers and made_of < table.ByteSize() // 2:
            wanted.update(names)
    nodes = [node for node in before.node if wanted.intersection(node.output)]
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    tensors.update({name: stored[name] for name in wanted if name in stored})
    made = {name for node in nodes for name in node.output}
    kept = sorted(tensors.keys() - made)
    del graph.initializer[:]
    graph.initializer.extend(tensors[name] for name in kept)
    there = {name for node in graph.node for name in node.output}
    for node in reversed(nodes):
        if not there.intersection(node.output):
            graph.node.insert(0, node)


def is_spectral(weight: str) -> bool:
    """Whether a weight of this name belongs to a front end."""
    return any(part in _OF_A_FRONT_END for part in weight.split("."))


def _convolutions(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    """The names of the networks' convolutions, and of the ReLUs right after them."""
    convolutions = [
        node
        for node in nodes
        if node.op_type == "Conv" and not any(is_spectral(name) for name in node.input)
    ]
    results = {name for node in convolutions for name in node.output}
    rectified = [node for node in nodes if node.op_type == "Relu" and node.input[0] in results]
    return [node.name for node in (*convolutions, *rectified)]


class _Speech(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Gives the waveforms one after the other."""

    def __init__(self, speech: Sequence[Waveform]) -> None:
        self._left = iter(speech)

    def get_next(self) -> dict[str, Waveform] | None:
        waveform = next(self._left, None)
        return None if waveform is None else {"waveform": np.ascontiguousarray(waveform[None])}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without onnxruntime's advice, which goes to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
