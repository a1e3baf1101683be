"""Weights of few levels as such in a graph: several in a word, unpacked when it is loaded.

A weight that `voxgate.train.few_levels` rounded is, row by row, a scale times odd whole numbers.
They are found again here, exactly, and stored as digits: six of base 6 or four of base 16 make a
word of 16 bits. The graph turns words into what they stand for by ordinary operators on constants,
which a runtime works out once; from then on it computes with the tensors it had before, as fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_DIGITS = {6: 6, 8: 5, 16: 4, 40: 3}  # levels -> how many fit in 16 bits
_CLOSE = 1e-3  # of a level: float32 has its rounding
FEWEST_NUMBERS = 4096  # weights of fewer numbers stay as they are
_MOST = 127  # the largest number of 8 bits


@dataclass(frozen=True, eq=False)
class Levels:
    """A weight as scale times whole numbers."""

    numbers: NDArray[np.int8]  # odd; the weight's shape
    scale: NDArray[np.floating[Any]]  # as many axes, one as long as the weight's, the others 1


def find_levels(weight: NDArray[np.float32]) -> Levels | None:
    """The levels that a weight has along one of its axes, if it has."""
    for axis in range(weight.ndim):
        rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
        if rows.shape[1] > 1 and (scale := _scales(rows)) is not None:
            along = scale.reshape([-1 if a == axis else 1 for a in range(weight.ndim)])
            return Levels(np.rint(weight / along.astype(np.float32)).astype(np.int8), along)
    return None


def _scales(rows: NDArray[np.float32]) -> NDArray[np.floating[Any]] | None:
    """Of each row the number that all of it are odd multiples of: float16, if it can be."""
    least = np.abs(rows).min(axis=1)
    if not least.all():
        return None
    scale = np.zeros_like(least)
    for rtol, lowest in product((1e-6, 1e-3), (1, 3, 5, 7)):  # what its least number may be
        tried = least / lowest
        numbers = rows / tried[:, None]
        whole = np.rint(numbers)
        close = (np.abs(numbers - whole) < _CLOSE) & (np.abs(whole) <= _MOST) & (whole % 2 == 1)
        half = np.isclose(tried, tried.astype(np.float16), rtol=rtol, atol=0)
        scale = np.where((scale == 0) & close.all(axis=1) & half, tried, scale)
    if not scale.all():
        return None
    short = scale.astype(np.float16)
    return short if np.allclose(short, scale, rtol=1e-6, atol=0) else np.asarray(scale)


def pack_levels(graph: onnx.ModelProto, whole: onnx.ModelProto) -> None:
    """Store the weights of few levels in a graph by their levels, in place.

    Args:
        graph: with weights in float32, or as onnxruntime quantised them ("…_quantized").
        whole: the graph before it was quantised; the same names have the weights themselves.
    """
    _Packing(graph.graph, {w.name: w for w in whole.graph.initializer}).pack()


class _Packing:
    """Initializers that become other initializers and nodes on them, at the graph's beginning."""

    def __init__(self, graph: onnx.GraphProto, whole: Mapping[str, TensorProto]) -> None:
        self.graph, self.whole = graph, whole
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []

    def pack(self) -> None:
        for name, tensor in list(self.stored.items()):
            weight = name.removesuffix("_quantized")
            exact = tensor if weight == name else self.whole.get(weight, tensor)
            if exact.data_type != TensorProto.FLOAT or np.prod(exact.dims) < FEWEST_NUMBERS:
                continue
            levels = find_levels(numpy_helper.to_array(exact))
            if levels and weight == name:
                self._as_floats(name, levels)
            elif levels:
                self._as_numbers(weight, levels)
        makers = {name: node for node in self.graph.node for name in node.output}
        for node in self.graph.node:
            if node.op_type == "Conv" and len(node.input) == 3:
                self._bias(*(makers.get(name) for name in node.input))
        kept = {name for node in (*self.nodes, *self.graph.node) for name in node.input}
        del self.graph.initializer[:], self.graph.value_info[:]
        self.graph.initializer.extend(t for name, t in self.stored.items() if name in kept)
        for node in reversed(self.nodes):
            self.graph.node.insert(0, node)
        for node in self.graph.node:
            node.ClearField("name")  # nothing goes by it

    def _as_floats(self, name: str, levels: Levels) -> None:
        """A weight that is used as it was: scale times numbers."""
        self._numbers(f"{name}.numbers", levels.numbers)
        self._floats(f"{name}.scale", levels.scale)
        self._add("Cast", [f"{name}.numbers"], f"{name}.whole", to=TensorProto.FLOAT)
        self._add("Mul", [f"{name}.whole", f"{name}.scale"], name)
        del self.stored[name]

    def _as_numbers(self, weight: str, levels: Levels) -> None:
        """A weight of 8 bits: the numbers in place of what onnxruntime rounded them to."""
        name, scale = f"{weight}_quantized", f"{weight}_scale"
        numbers, shape = levels.numbers, tuple(self.stored[name].dims)
        if numbers.shape != shape:  # those of an LSTM are transposed
            numbers = numbers.swapaxes(1, 2)
        per_row = levels.scale.reshape(self.stored[scale].dims)
        del self.stored[name], self.stored[scale]
        self._numbers(name, numbers)
        self._floats(scale, per_row)

    def _bias(
        self,
        heard: onnx.NodeProto | None,
        weight: onnx.NodeProto | None,
        bias: onnx.NodeProto | None,
    ) -> None:
        """A bias of 32 bits, whose scale is that of the products: worked out, too.

        Args: what makes the three inputs of a convolution.
        """
        if bias is None or heard is None or weight is None or bias.op_type != "DequantizeLinear":
            return
        whole, (numbers, scale, zero) = bias.output[0], bias.input
        values, of_one, _ = (
            numpy_helper.to_array(self.stored.pop(name)) for name in (numbers, scale, zero)
        )
        values = values * of_one
        self._floats(f"{whole}.half", values.astype(np.float16))
        self._add("Mul", [heard.input[1], weight.input[1]], scale)
        self._add("Div", [f"{whole}.half", scale], f"{whole}.scaled")
        self._add("Round", [f"{whole}.scaled"], f"{whole}.rounded")
        self._add("Cast", [f"{whole}.rounded"], numbers, to=TensorProto.INT32)
        del bias.input[2], weight.input[2]  # zero, as is what is left out

    def _numbers(self, name: str, numbers: NDArray[np.int8]) -> None:
        """Have odd numbers of 8 bits under this name."""
        levels = next((n for n in _DIGITS if np.abs(numbers).max() < n), None)
        if levels is None:
            self._store(name, numbers)
            return
        digits, most = _DIGITS[levels], levels - 1
        flat = (numbers.reshape(-1).astype(np.int64) + most) // 2
        padded = np.pad(flat, (0, -len(flat) % digits)).reshape(-1, digits)
        places = levels ** np.arange(digits)
        self._store(f"{name}.words", (padded @ places).astype(np.uint16)[:, None])
        self._store(f"places_{levels}", places.astype(np.int32))
        self._store(f"base_{levels}", np.array(levels, np.int32))
        self._store(f"levels_{levels}", np.arange(-most, levels, 2).astype(np.int8))
        found = f"{name}.rows"
        self._add("Cast", [f"{name}.words"], f"{name}.whole_words", to=TensorProto.INT32)
        self._add("Div", [f"{name}.whole_words", f"places_{levels}"], f"{name}.shifted")
        self._add("Mod", [f"{name}.shifted", f"base_{levels}"], f"{name}.digits")
        self._add("Gather", [f"levels_{levels}", f"{name}.digits"], found)
        if padded.size > len(flat):
            for place, value in (("flat", -1), ("from", 0), (f"{name}.to", len(flat))):
                self._store(place, np.array([value]))
            self._add("Reshape", [found, "flat"], f"{name}.flat")
            found = f"{name}.cut"
            self._add("Slice", [f"{name}.flat", "from", f"{name}.to"], found)
        self._store(f"{name}.shape", np.array(numbers.shape))
        self._add("Reshape", [found, f"{name}.shape"], name)

    def _floats(self, name: str, values: NDArray[np.floating[Any]]) -> None:
        """Have float32 under this name."""
        if values.dtype == np.float16:
            self._store(f"{name}.half", values)
            self._add("Cast", [f"{name}.half"], name, to=TensorProto.FLOAT)
        else:
            self._store(name, values.astype(np.float32))

    def _store(self, name: str, values: NDArray[Any]) -> None:
        self.stored[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
