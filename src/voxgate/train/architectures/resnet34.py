"""ResNet34 over the time-frequency plane: features → speaker embedding.

He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), made narrower and
given statistics pooling, as the r-vector of Zeinali et al. (arXiv:1910.12592) and WeSpeaker
(arXiv:2210.17016) have it: 3, 4, 6 and 3 blocks of two 3x3 convolutions, of 1, 2, 4 and 8 times
`channels`; the last three groups halve both axes.

Features have shape (batch, bands, frames), embeddings (batch, dim), not normalised.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from voxgate.train.architectures.pooling import TemporalStatistics


@dataclass(frozen=True)
class ResNet34Config:
    """Sizes of the network."""

    channels: int = 32  # of the first group; WeSpeaker's and the r-vector's
    blocks: tuple[int, ...] = (3, 4, 6, 3)  # in each group
    first_stride: int = 1  # 2 halves both axes at once: a quarter of the cost
    dim: int = 256


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a way round them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.round: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.round = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, plane: Tensor) -> Tensor:
        return functional.relu(self.body(plane) + self.round(plane))


class ResNet34(nn.Module):
    """The whole network."""

    def __init__(self, config: ResNet34Config, bands: int) -> None:
        super().__init__()
        width = config.channels
        self.first = nn.Sequential(
            nn.Conv2d(1, width, 3, config.first_stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        rows = -(-bands // config.first_stride)  # each stride rounds up
        inputs, groups = width, []
        for group, blocks in enumerate(config.blocks):
            outputs, stride = width * 2**group, 2 if group else 1
            groups.append(BasicBlock(inputs, outputs, stride))
            groups += [BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
            inputs, rows = outputs, -(-rows // stride)
        self.groups = nn.Sequential(*groups)
        self.pool = TemporalStatistics()
        self.embed = nn.Linear(2 * inputs * rows, config.dim)

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        pooled = self.pool(self.groups(self.first(features[:, None])))
        embedding: Tensor = self.embed(pooled)
        return embedding
