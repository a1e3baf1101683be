"""ECAPA-TDNN: frames of features → speaker embedding.

After Desplanques, Thienpondt, Demuynck, "ECAPA-TDNN: Emphasized Channel Attention, Propagation
and Aggregation in TDNN Based Speaker Verification", Interspeech 2020 (arXiv:2005.07143):
squeeze-excitation Res2 blocks, aggregation of all of them, attentive statistics pooling with
global context.

One departure: the first layer has stride 2, so that everything after it works on 20 ms frames. It
halves the cost of training and of use.

Features have shape (batch, bands, frames), embeddings (batch, dim), not normalised.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from voxgate.train.architectures.pooling import AttentiveStatistics


@dataclass(frozen=True)
class EcapaConfig:
    """Sizes of the network."""

    channels: int = 512
    aggregate: int = 1024  # channels that the pooling sees
    attention: int = 128
    scale: int = 8  # Res2Net: how many groups of channels see each other in turn
    dilations: tuple[int, ...] = (2, 3, 4)  # of the blocks, in frames of 20 ms
    rank: int = 0  # of the blocks' 1x1 convolutions (see `pointwise`); 0: the full one
    aggregate_rank: int = 0  # and of that which brings the blocks together
    dim: int = 192


def pointwise(inputs: int, outputs: int, rank: int) -> nn.Module:
    """A 1x1 convolution; or, of a rank, two with only so many channels between them."""
    if not rank:
        return nn.Conv1d(inputs, outputs, 1)
    return nn.Sequential(nn.Conv1d(inputs, rank, 1, bias=False), nn.Conv1d(rank, outputs, 1))


class ConvBlock(nn.Sequential):
    """A convolution over time, ReLU, batch norm."""

    def __init__(self, conv: nn.Module, outputs: int) -> None:
        super().__init__(conv, nn.ReLU(), nn.BatchNorm1d(outputs))


class Res2(nn.Module):
    """Groups of channels, each convolved after the result of the group before was added to it."""

    def __init__(self, channels: int, scale: int, dilation: int) -> None:
        super().__init__()
        self.width = channels // scale
        self.convs = nn.ModuleList(
            ConvBlock(self._conv(dilation), self.width) for _ in range(scale - 1)
        )

    def _conv(self, dilation: int) -> nn.Module:
        return nn.Conv1d(self.width, self.width, 3, padding=dilation, dilation=dilation)

    def forward(self, frames: Tensor) -> Tensor:
        first, *rest = torch.split(frames, self.width, dim=1)
        out = [first]
        carried = torch.zeros_like(first)
        for conv, group in zip(self.convs, rest, strict=True):
            carried = conv(group + carried)
            out.append(carried)
        return torch.cat(out, dim=1)


class SqueezeExcite(nn.Module):
    """Scale each channel by what all frames together say of it."""

    def __init__(self, channels: int, bottleneck: int = 128) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, bottleneck),
            nn.ReLU(),
            nn.Linear(bottleneck, channels),
            nn.Sigmoid(),
        )

    def forward(self, frames: Tensor) -> Tensor:
        gate: Tensor = self.gate(frames.mean(dim=2))
        return frames * gate.unsqueeze(2)


class SERes2Block(nn.Module):
    """The block of ECAPA: 1x1, Res2, 1x1, squeeze-excitation, and a way round it all."""

    def __init__(self, channels: int, scale: int, dilation: int, rank: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvBlock(pointwise(channels, channels, rank), channels),
            Res2(channels, scale, dilation),
            ConvBlock(pointwise(channels, channels, rank), channels),
            SqueezeExcite(channels),
        )

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = frames + self.body(frames)
        return out


class Ecapa(nn.Module):
    """The whole network."""

    def __init__(self, config: EcapaConfig, bands: int) -> None:
        super().__init__()
        self.config = c = config
        self.first = ConvBlock(nn.Conv1d(bands, c.channels, 5, 2, padding=2), c.channels)
        self.blocks = nn.ModuleList(
            SERes2Block(c.channels, c.scale, dilation, c.rank) for dilation in c.dilations
        )
        self.aggregate = nn.Sequential(
            pointwise(len(self.blocks) * c.channels, c.aggregate, c.aggregate_rank), nn.ReLU()
        )
        self.pool = AttentiveStatistics(c.aggregate, c.attention)
        self.embed = nn.Sequential(
            nn.BatchNorm1d(2 * c.aggregate),
            nn.Linear(2 * c.aggregate, c.dim),
            nn.BatchNorm1d(c.dim),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        frames = self.first(features)
        outputs = []
        for block in self.blocks:
            frames = block(frames)
            outputs.append(frames)
        pooled: Tensor = self.pool(self.aggregate(torch.cat(outputs, dim=1)))
        embedding: Tensor = self.embed(pooled.float())
        return embedding
