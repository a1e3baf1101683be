"""A network → ONNX, checked to give the same embeddings."""

import logging
import warnings

import numpy as np
import onnx
import torch
from torch import nn

from voxgate.errors import CheckpointError
from voxgate.networks import strip_notes
from voxgate.sessions import open_session

LEAST_COSINE = 0.99999  # between the network's embedding and the exported model's
_FRAMES = 200  # of the example the export follows
_TRIED = (60, 200, 517)  # frames that are compared


def export_network(network: nn.Module, bands: int, *, frames: int = 0) -> bytes:
    """The model from "features" (batch, frames, bands) to "embedding" (batch, dim).

    Args:
        network: in evaluation mode.
        bands: numbers in a frame.
        frames: it hears exactly so many; 0 for any number, one recording at a time.

    Raises:
        CheckpointError: what was exported gives other embeddings.
    """
    example = torch.randn(2 if frames else 1, frames or _FRAMES, bands)
    free = (
        {0: torch.export.Dim("batch")}
        if frames
        else {1: torch.export.Dim("frames", min=20, max=100_000)}
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            network, (example,), input_names=["features"], output_names=["embedding"],
            dynamic_shapes=(free,), opset_version=18, verbose=False,
        )  # fmt: skip
    if program is None:
        raise CheckpointError("torch.onnx.export gave no program for this network.")
    proto = program.model_proto
    strip_notes(proto.graph)
    onnx.checker.check_model(proto)
    model = bytes(proto.SerializeToString())
    _require_parity(network, model, bands, frames)
    return model


def parity(network: nn.Module, model: bytes, features: "list[np.ndarray]") -> float:
    """Smallest cosine between the network's and the model's embedding of features (1, t, bands)."""
    session = open_session(model, "the exported model", keep_memory=False)
    cosines = []
    for one in features:
        with torch.no_grad():
            ours = network(torch.from_numpy(one)).numpy()[0].astype(np.float64)
        theirs = session.run(["embedding"], {"features": one})[0][0].astype(np.float64)
        cosines.append(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
    return float(min(cosines))


def _require_parity(network: nn.Module, model: bytes, bands: int, frames: int) -> None:
    rng = np.random.default_rng(0)
    counts = (frames, frames) if frames else _TRIED
    tried = [rng.normal(0, 1, (1, count, bands)).astype(np.float32) for count in counts]
    if frames:
        tried = [np.abs(one) for one in tried]  # what such networks hear is power
    found = parity(network, model, tried)
    if not found >= LEAST_COSINE:
        raise CheckpointError(
            f"The exported model does not give the network's embeddings: cosine {found:.6f}, at "
            f"least {LEAST_COSINE} is needed."
        )
