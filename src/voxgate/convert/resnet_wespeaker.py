"""WeSpeaker's ResNets (18, 34, 50, 101, 152, 221, 293), their size read from the weights.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016
(arXiv:1512.03385), with 32 channels, no max pooling, and mean and standard deviation over time;
Wang et al., "WeSpeaker", ICASSP 2023 (arXiv:2210.17016).

Maps are (batch, channels, bands, frames) inside.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from voxgate.convert import Recipe
from voxgate.convert.checkpoint import Checkpoint

_STRIDES = (1, 2, 2, 2)  # of the first block in each layer
_VARIANCE_FLOOR = 1e-7


class Basic(nn.Module):
    """Two 3x3 convolutions and a way round them."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = _shortcut(inputs, planes, stride)

    def forward(self, maps: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(maps)).relu()))
        both: Tensor = (out + self.shortcut(maps)).relu()
        return both


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a way round them."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, maps: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(maps)).relu())).relu()
        both: Tensor = (self.bn3(self.conv3(out)) + self.shortcut(maps)).relu()
        return both


class Sizes(NamedTuple):
    """Sizes of the network."""

    block: type[Basic] | type[Bottleneck]
    depths: tuple[int, ...]  # blocks in each of the four layers
    channels: int
    pooled: int  # numbers after the pooling
    dim: int
    two_layers: bool  # of the embedding


class ResNet(nn.Module):
    """Features (batch, frames, bands) → embeddings (batch, dim)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        block, channels, dim, two_layers = sizes.block, sizes.channels, sizes.dim, sizes.two_layers
        self.conv1 = nn.Conv2d(1, channels, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        inputs = channels
        for number, (depth, stride) in enumerate(zip(sizes.depths, _STRIDES, strict=True)):
            planes = channels * 2**number
            blocks = []
            for place in range(depth):
                blocks.append(block(inputs, planes, stride if place == 0 else 1))
                inputs = planes * block.expansion
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
        self.seg_1 = nn.Linear(sizes.pooled, dim)
        self.seg_bn_1 = nn.BatchNorm1d(dim, affine=False) if two_layers else nn.Identity()
        self.seg_2 = nn.Linear(dim, dim) if two_layers else nn.Identity()
        self.two_layers = two_layers

    def forward(self, features: Tensor) -> Tensor:
        maps = self.bn1(self.conv1(features.transpose(1, 2).unsqueeze(1))).relu()
        for number in range(len(_STRIDES)):
            maps = getattr(self, f"layer{number + 1}")(maps)
        mean = maps.mean(dim=3).flatten(1)
        std = (maps.var(dim=3) + _VARIANCE_FLOOR).sqrt().flatten(1)
        first: Tensor = self.seg_1(torch.cat([mean, std], dim=1))
        if not self.two_layers:
            return first
        second: Tensor = self.seg_2(self.seg_bn_1(first.relu()))
        return second


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    if stride == 1 and inputs == outputs:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def build(checkpoint: Checkpoint) -> nn.Module:
    """The network, of the size that the weights have."""
    channels = checkpoint.shape("conv1.weight")[0]
    dim, pooled = checkpoint.shape("seg_1.weight")
    depths = tuple(_depth(checkpoint, f"layer{number}") for number in range(1, 5))
    block = Bottleneck if "layer1.0.conv3.weight" in checkpoint.weights else Basic
    two_layers = "seg_2.weight" in checkpoint.weights
    return ResNet(Sizes(block, depths, channels, pooled, dim, two_layers))


def _bands(checkpoint: Checkpoint) -> dict[str, int]:
    """How many bands the pooling was made for."""
    block = Bottleneck if "layer1.0.conv3.weight" in checkpoint.weights else Basic
    channels = checkpoint.shape("conv1.weight")[0] * 8 * block.expansion
    return {"bands": checkpoint.shape("seg_1.weight")[1] // (2 * channels) * 8}


def _depth(checkpoint: Checkpoint, layer: str) -> int:
    """Blocks in a layer."""
    names = (name.split(".") for name in checkpoint.weights if name.startswith(f"{layer}."))
    return len({name[1] for name in names})


RECIPE = Recipe(build, like="wespeaker", front_end=_bands)
