"""SpeechBrain's ECAPA-TDNN (speechbrain/spkrec-ecapa-voxceleb).

Desplanques, Thienpondt, Demuynck, "ECAPA-TDNN: emphasized channel attention, propagation and
aggregation in TDNN based speaker verification", Interspeech 2020 (arXiv:2005.07143). SpeechBrain
mirrors the frames at both ends where a convolution reaches beyond them.

Frames are (batch, channels, frames) inside.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.convert import Recipe
from voxgate.convert.checkpoint import Checkpoint

_DILATIONS = (2, 3, 4)  # of the three blocks after the first
_SMALLEST_VARIANCE = 1e-12


class Conv(nn.Module):
    """A convolution over as many frames as before, their ends mirrored."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.reach = dilation * (kernel - 1) // 2
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)

    def forward(self, frames: Tensor) -> Tensor:
        if self.reach:
            frames = functional.pad(frames, (self.reach, self.reach), "reflect")
        out: Tensor = self.conv(frames)
        return out


class Norm(nn.Module):
    """Batch norm, under the name that SpeechBrain gives it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.norm(frames)
        return out


class Tdnn(nn.Module):
    """Convolution, ReLU, batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, kernel, dilation)
        self.norm = Norm(outputs)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(frames).relu())
        return out


class Res2(nn.Module):
    """Groups of channels, each heard after the result of the one before was added to it."""

    def __init__(self, channels: int, scale: int, dilation: int) -> None:
        super().__init__()
        width = channels // scale
        self.blocks = nn.ModuleList(Tdnn(width, width, 3, dilation) for _ in range(scale - 1))

    def forward(self, frames: Tensor) -> Tensor:
        first, second, *rest = frames.chunk(len(self.blocks) + 1, dim=1)
        out = [first, self.blocks[0](second)]
        for block, group in zip(list(self.blocks)[1:], rest, strict=True):
            out.append(block(group + out[-1]))
        return torch.cat(out, dim=1)


class SqueezeExcite(nn.Module):
    """Scale each channel by what all frames together say of it."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, bottleneck)
        self.conv2 = Conv(bottleneck, channels)

    def forward(self, frames: Tensor) -> Tensor:
        gate = self.conv2(self.conv1(frames.mean(dim=2, keepdim=True)).relu()).sigmoid()
        out: Tensor = gate * frames
        return out


class Block(nn.Module):
    """1x1, Res2, 1x1, squeeze-excitation, and a way round it all."""

    def __init__(self, channels: int, scale: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.tdnn1 = Tdnn(channels, channels)
        self.res2net_block = Res2(channels, scale, dilation)
        self.tdnn2 = Tdnn(channels, channels)
        self.se_block = SqueezeExcite(channels, bottleneck)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = frames + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(frames))))
        return out


class Pooling(nn.Module):
    """Mean and standard deviation over time, each channel weighing the frames its own way."""

    def __init__(self, channels: int, attention: int) -> None:
        super().__init__()
        self.tdnn = Tdnn(3 * channels, attention)
        self.conv = Conv(attention, channels)

    def forward(self, frames: Tensor) -> Tensor:
        context = [part.unsqueeze(2).expand_as(frames) for part in _moments(frames, None)]
        weights = self.conv(self.tdnn(torch.cat([frames, *context], dim=1)).tanh()).softmax(dim=2)
        return torch.cat(_moments(frames, weights), dim=1).unsqueeze(2)


class Sizes(NamedTuple):
    """Sizes of the network; those published are 80, 1024, 3072, 8, 128, 128 and 192."""

    bands: int
    channels: int
    aggregate: int  # channels that the pooling sees
    scale: int  # groups of channels in a Res2
    squeeze: int  # channels in the middle of a squeeze-excitation
    attention: int  # and in that of the pooling
    dim: int


class Ecapa(nn.Module):
    """Features (batch, frames, bands) → embeddings (batch, dim)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        s = sizes
        blocks = [Block(s.channels, s.scale, s.squeeze, dilation) for dilation in _DILATIONS]
        self.blocks = nn.ModuleList([Tdnn(s.bands, s.channels, 5), *blocks])
        self.mfa = Tdnn(len(blocks) * s.channels, s.aggregate)
        self.asp = Pooling(s.aggregate, s.attention)
        self.asp_bn = Norm(2 * s.aggregate)
        self.fc = Conv(2 * s.aggregate, s.dim)

    def forward(self, features: Tensor) -> Tensor:
        outputs = [features.transpose(1, 2)]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        pooled = self.asp_bn(self.asp(self.mfa(torch.cat(outputs[2:], dim=1))))
        out: Tensor = self.fc(pooled).squeeze(2)
        return out


def _moments(frames: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over time, each (batch, channels)."""
    if weights is None:
        mean = frames.mean(dim=2)
        variance = (frames - mean.unsqueeze(2)).square().mean(dim=2)
    else:
        mean = (weights * frames).sum(dim=2)
        variance = (weights * (frames - mean.unsqueeze(2)).square()).sum(dim=2)
    return mean, variance.clamp(min=_SMALLEST_VARIANCE).sqrt()


def sizes_of(checkpoint: Checkpoint) -> Sizes:
    """The sizes of the network that has these weights.

    Raises:
        CheckpointError: they are not of this architecture.
    """
    channels, bands, _ = checkpoint.shape("blocks.0.conv.conv.weight")
    width = checkpoint.shape("blocks.1.res2net_block.blocks.0.conv.conv.weight")[0]
    squeeze = checkpoint.shape("blocks.1.se_block.conv1.conv.weight")[0]
    attention, aggregate = checkpoint.shape("asp.tdnn.conv.conv.weight")[:2]
    dim = checkpoint.shape("fc.conv.weight")[0]
    scale = channels // width
    return Sizes(bands, channels, aggregate // 3, scale, squeeze, attention, dim)


def build(checkpoint: Checkpoint) -> nn.Module:
    """The network, of the size that the weights have."""
    return Ecapa(sizes_of(checkpoint))


RECIPE = Recipe(build, like="speechbrain-ecapa")
