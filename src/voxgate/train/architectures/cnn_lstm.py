"""Convolutions and an LSTM over cepstra: features → the layer before the softmax → embedding.

The closed-set classifier of many course projects: MFCC → convolutions over time, each with batch
norm and max pooling → LSTM → dense. The dense layer, which the softmax of the loss stands on, is
the embedding. Features have shape (batch, bands, frames), embeddings (batch, dim), not normalised.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from voxgate.train.architectures.recurrent import Recurrent, check_pooling, pool


@dataclass(frozen=True)
class CnnLstmConfig:
    """Sizes of the network."""

    channels: tuple[int, ...] = (64, 128)  # of each convolution; each halves the frames
    hidden: int = 128  # units of the LSTM
    pooling: str = "mean"  # of its outputs over time; "last" takes the last one
    dim: int = 128


class HalveFrames(nn.MaxPool2d):
    """Max pooling over time; 2-D, as torch exports 1-D pooling for one number of frames only."""

    def __init__(self) -> None:
        super().__init__((1, 3), (1, 2), (0, 1))

    def forward(self, frames: Tensor) -> Tensor:
        halved: Tensor = super().forward(frames[:, :, None])
        return halved.squeeze(2)


class CnnLstm(nn.Module):
    """The whole network."""

    def __init__(self, config: CnnLstmConfig, bands: int) -> None:
        super().__init__()
        check_pooling(config.pooling)
        self.pooling = config.pooling
        layers: list[nn.Module] = []
        for inputs, outputs in zip((bands, *config.channels), config.channels, strict=False):
            layers += [
                nn.Conv1d(inputs, outputs, 5, padding=2),
                nn.BatchNorm1d(outputs),
                nn.ReLU(),
                HalveFrames(),
            ]
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = Recurrent("LSTM", config.channels[-1], config.hidden, layers=1)
        self.dense = nn.Linear(config.hidden, config.dim)

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        states = self.recurrent(self.convolutions(features))
        embedding: Tensor = self.dense(pool(states, self.pooling))
        return embedding
