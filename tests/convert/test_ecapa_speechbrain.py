import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded import features, weights_of

from voxgate.convert import ecapa_speechbrain
from voxgate.convert.checkpoint import Checkpoint, fill
from voxgate.convert.export import LEAST_COSINE, export_network, parity

RECORDED = np.load(Path(__file__).with_name("speechbrain_ecapa.npz"))


def shapes(size):
    rows = (row.partition(" ") for row in RECORDED[f"{size} names"].tolist())
    return {name: ast.literal_eval(shape) for name, _, shape in rows}


def network(size):
    empty = {name: torch.empty(shape) for name, shape in shapes(size).items()}
    built = ecapa_speechbrain.build(Checkpoint(empty))
    return fill(built, Checkpoint(weights_of(built)), "ecapa-speechbrain")


@pytest.mark.parametrize("size", ["small", "published"])
def test_its_weights_have_the_names_and_shapes_of_speechbrains(size):
    found = {name: tuple(weight.shape) for name, weight in network(size).state_dict().items()}
    assert found == shapes(size)


@pytest.mark.parametrize("frames", [60, 217])
@pytest.mark.parametrize("size", ["small", "published"])
def test_its_embeddings_are_those_of_speechbrains_own_code(size, frames):
    with torch.no_grad():
        ours = network(size)(torch.from_numpy(features(frames, 80)))[0].numpy()
    theirs = RECORDED[f"{size} {frames}"]
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) >= LEAST_COSINE
    assert np.abs(ours - theirs).max() <= 1e-3 * np.abs(theirs).max()


def test_the_exported_model_gives_the_same_embeddings():
    small = network("small")
    model = export_network(small, 80)
    assert parity(small, model, [features(frames, 80) for frames in (41, 300)]) >= LEAST_COSINE
