"""What training minimises, one file each.

A loss is a module made from its frozen config, the size of the embedding and the number of classes.
Called with embeddings (batch, dim) and labels (batch,) it gives the mean loss and an accuracy in
[0, 1]. Before each step the loop says through `at` how far the run is.
"""

from typing import Protocol

from torch import Tensor

from voxgate.train.losses.aam import AamConfig, SubCentreAAM
from voxgate.train.losses.by_speaker import (
    Ge2e,
    Ge2eConfig,
    Prototypical,
    PrototypicalConfig,
)
from voxgate.train.losses.pairs import Pairs, PairsConfig
from voxgate.train.losses.softmax import Softmax, SoftmaxConfig
from voxgate.train.losses.teacher import away_from

LOSSES = {  # name in the TOML's [loss] kind -> config, loss
    "aam": (AamConfig, SubCentreAAM),
    "ge2e": (Ge2eConfig, Ge2e),
    "pairs": (PairsConfig, Pairs),
    "prototypical": (PrototypicalConfig, Prototypical),
    "softmax": (SoftmaxConfig, Softmax),
}


class Loss(Protocol):
    """What the loop asks of a loss."""

    def at(self, progress: float, *, fine_tuning: bool) -> None:
        """Say how much of the run, 0 to 1, lies behind, and whether this is its last phase."""

    def __call__(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy of a batch."""


__all__ = ["LOSSES", "Loss", "away_from"]
