"""A small ONNX model that takes features: its embedding is a projection of their mean and spread.

What the mean leaves is the same for any constant added to a band, so the spread (mean of squares)
is what tells voices apart where the front end subtracts the mean.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIM = 12


def build(  # noqa: PLR0913 - every form of model there is
    bands: int = 80,
    *,
    name_in: str = "feats",
    name_out: str = "embs",
    bands_first: bool = False,
    length: str = "",
    logits: str = "",
    metadata: dict[str, str] | None = None,
) -> bytes:
    """The model; `length` adds an input of lengths, `logits` an output before the embedding."""
    weights = np.random.default_rng(1).normal(0, 1, (2 * bands, DIM)).astype(np.float32)
    axis = 2 if bands_first else 1
    nodes = [
        helper.make_node("ReduceMean", [name_in], ["mean"], axes=[axis], keepdims=0),
        helper.make_node("Mul", [name_in, name_in], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["spread"], axes=[axis], keepdims=0),
        helper.make_node("Concat", ["mean", "spread"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "weights"], ["projected"]),
    ]
    shape = ["B", bands, "T"] if bands_first else ["B", "T", bands]
    inputs = [helper.make_tensor_value_info(name_in, TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(name_out, TensorProto.FLOAT, ["B", DIM])]
    if length:
        inputs.append(helper.make_tensor_value_info(length, TensorProto.INT64, ["B"]))
        nodes += [
            helper.make_node("Cast", [length], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["count", "one"], ["counts"]),
            helper.make_node("Mul", ["projected", "counts"], [name_out]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["projected"], [name_out]))
    if logits:
        nodes.append(helper.make_node("Neg", ["projected"], [logits]))
        outputs.insert(0, helper.make_tensor_value_info(logits, TensorProto.FLOAT, ["B", DIM]))
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
    ]
    graph = helper.make_graph(nodes, "features", inputs, outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def run(features: np.ndarray) -> np.ndarray:
    """What the model makes of features (frames, bands), computed in numpy."""
    bands = features.shape[1]
    weights = np.random.default_rng(1).normal(0, 1, (2 * bands, DIM)).astype(np.float32)
    both = np.concatenate([features.mean(axis=0), np.square(features).mean(axis=0)])
    return both @ weights
