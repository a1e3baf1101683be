"""A tiny network beside Resemblyzer's with random weights, as packs in few bits are made of."""

from typing import Any

import numpy as np
import torch

from voxgate.train.carried import Carried
from voxgate.train.config import build_experiment
from voxgate.train.model import SpeakerModel
from voxgate.train.resemblyzer import DIM, Resemblyzer


def tiny_model(*, windows: int | None = None, **sizes: Any) -> SpeakerModel:
    """An ECAPA-TDNN of 24 numbers, and 8 of an LSTM that hears so many windows, or all."""
    network = {"kind": "ecapa", "channels": 64, "aggregate": 96, "dim": 24, **sizes}
    table = {
        "name": "tiny", "steps": 1, "front_end": {"kind": "mel", "bands": 24},
        "model": network, "carried": {"dim": 8},
    }  # fmt: skip
    torch.manual_seed(1)
    model = SpeakerModel(build_experiment(table, "test"))
    rng = np.random.default_rng(0)
    space = rng.normal(0, 0.01, DIM), rng.normal(0, 1, (DIM, 8))
    model.carry(Carried(Resemblyzer(windows), *space), 8)
    return model.eval()
