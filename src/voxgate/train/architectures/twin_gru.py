"""Siamese GRU: frames of a spectrum → the state of one GRU layer → embedding.

The small system of many course projects: STFT magnitudes, a GRU of 128 units for either recording,
the dot product of both directions, a dense sigmoid. Features have shape (batch, bands, frames),
embeddings (batch, dim), not normalised.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from voxgate.train.architectures.recurrent import Recurrent, check_pooling, pool
from voxgate.train.architectures.twins import Twins


@dataclass(frozen=True)
class TwinGruConfig:
    """Sizes of the network."""

    dim: int = 128  # units of the GRU, which are the embedding
    pooling: str = "mean"  # of the states over time; "last" takes the last one, as the original
    shared: bool = True  # one GRU for both recordings of a pair


class _Gru(nn.Module):
    """One twin."""

    def __init__(self, config: TwinGruConfig, bands: int) -> None:
        super().__init__()
        check_pooling(config.pooling)
        self.pooling = config.pooling
        self.recurrent = Recurrent("GRU", bands, config.dim, layers=1)

    def forward(self, features: Tensor) -> Tensor:
        return pool(self.recurrent(features), self.pooling)


class TwinGru(Twins):
    """The whole network."""

    def __init__(self, config: TwinGruConfig, bands: int) -> None:
        super().__init__(lambda: _Gru(config, bands), shared=config.shared)
