"""A plain convolutional network over a picture of speech: features → embedding.

3x3 convolutions with batch norm and max pooling, each of which halves both axes; then mean and
standard deviation over time, and a dense layer. Features have shape (batch, bands, frames),
embeddings (batch, dim), not normalised.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from voxgate.train.architectures.pooling import TemporalStatistics


@dataclass(frozen=True)
class SpectrogramCnnConfig:
    """Sizes of the network."""

    channels: tuple[int, ...] = (16, 32, 64, 128)  # of each convolution
    dim: int = 128


class SpectrogramCnn(nn.Module):
    """The whole network."""

    def __init__(self, config: SpectrogramCnnConfig, bands: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((1, *config.channels), config.channels, strict=False):
            layers += [
                nn.Conv2d(inputs, outputs, 3, padding=1),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                nn.MaxPool2d(3, 2, padding=1),
            ]
            bands = -(-bands // 2)
        self.convolutions = nn.Sequential(*layers)
        self.pool = TemporalStatistics()
        self.dense = nn.Linear(2 * config.channels[-1] * bands, config.dim)

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        embedding: Tensor = self.dense(self.pool(self.convolutions(features[:, None])))
        return embedding
