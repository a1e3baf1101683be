"""Siamese LSTM: frames of a spectrum → two LSTM layers → dense → embedding.

The twin network of many course projects: spectrograms of both recordings, the same layers for
either, a dot product, a sigmoid. Features have shape (batch, bands, frames), embeddings
(batch, dim), not normalised.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from voxgate.train.architectures.recurrent import Recurrent, check_pooling, pool
from voxgate.train.architectures.twins import Twins


@dataclass(frozen=True)
class TwinLstmConfig:
    """Sizes of the network."""

    hidden: int = 128  # units of each LSTM layer
    layers: int = 2
    pooling: str = "mean"  # of the outputs over time; "last" takes the last one
    shared: bool = True  # the same layers for both recordings of a pair
    dim: int = 128


class _Lstm(nn.Module):
    """One twin."""

    def __init__(self, config: TwinLstmConfig, bands: int) -> None:
        super().__init__()
        check_pooling(config.pooling)
        self.pooling = config.pooling
        self.recurrent = Recurrent("LSTM", bands, config.hidden, config.layers)
        self.dense = nn.Linear(config.hidden, config.dim)

    def forward(self, features: Tensor) -> Tensor:
        embedding: Tensor = self.dense(pool(self.recurrent(features), self.pooling))
        return embedding


class TwinLstm(Twins):
    """The whole network."""

    def __init__(self, config: TwinLstmConfig, bands: int) -> None:
        super().__init__(lambda: _Lstm(config, bands), shared=config.shared)
