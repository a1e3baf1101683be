"""ReDimNet: the same numbers now as a plane for 2-D layers, now as channels for 1-D layers.

After Yakovlev, Makarov, Balykin, Malov, Okhotnikov, Torgashov, "Reshape Dimensions Network for
Speaker Recognition", Interspeech 2024 (arXiv:2407.18223); sizes B0 to B2 as its authors published
them. A plane of (channels, bands, frames) holds as many numbers a frame after every stage, since a
stage that makes the bands fewer makes the channels more; so it can be read as
(channels · bands, frames) and back, and every stage starts from a weighted sum of all before it.

Features have shape (batch, bands, frames), embeddings (batch, dim), not normalised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.errors import TrainingError
from voxgate.train.architectures.pooling import AttentiveStatistics

_HEADS = 4
_CONTEXT = (7, 19, 31, 59)  # frames that the 1-D convolutions of a stage see, one after the other


@dataclass(frozen=True)
class ReDimNetConfig:
    """Sizes of the network; a B0 over 60 bands without being told otherwise."""

    channels: int = 10  # of the first plane
    stages: tuple[tuple[int, int, int, int], ...] = (
        # stride over bands, 2-D blocks, times as many channels in them, 1-D reduction (0: no 1-D)
        (1, 2, 1, 30),
        (2, 3, 2, 30),
        (1, 3, 3, 30),
        (2, 4, 2, 10),
        (1, 3, 1, 10),
    )
    block: str = "residual"  # 2-D block: "residual" (B0) or "convnext" (B1, B2)
    group: int = 1  # channels that a 3x3 convolution sees together
    dim: int = 192


B0 = ReDimNetConfig()  # 60 bands
B1 = ReDimNetConfig(  # 72 bands
    channels=12,
    stages=((1, 2, 1, 0), (2, 3, 1, 0), (3, 4, 1, 12), (2, 5, 1, 12), (2, 3, 1, 8)),
    block="convnext",
    group=8,
)
B2 = ReDimNetConfig(  # 72 bands
    channels=16,
    stages=((1, 2, 1, 12), (2, 2, 1, 12), (1, 3, 1, 12), (2, 4, 1, 8), (1, 4, 1, 8), (2, 4, 1, 4)),
    block="convnext",
    group=4,
)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels, which come second: (batch, channels, …)."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values.movedim(1, -1)).movedim(-1, 1)


class ConvNext(nn.Module):
    """Grouped convolution, batch norm, GELU, 1x1 convolution, and a way round; 1-D or 2-D."""

    def __init__(self, channels: int, kernel: int, dimensions: Literal[1, 2], group: int) -> None:
        super().__init__()
        conv = nn.Conv1d if dimensions == 1 else nn.Conv2d
        norm = nn.BatchNorm1d if dimensions == 1 else nn.BatchNorm2d
        self.body = nn.Sequential(
            conv(channels, channels, kernel, padding=kernel // 2, groups=channels // group),
            norm(channels),
            nn.GELU(),
            conv(channels, channels, 1),
        )

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = values + self.body(values)
        return out


class Residual(nn.Module):
    """Two grouped 3x3 convolutions, each followed by one of 1x1, and a way round."""

    def __init__(self, channels: int, group: int) -> None:
        super().__init__()

        def grouped() -> nn.Conv2d:
            groups = channels // group
            return nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)

        self.body = nn.Sequential(
            grouped(),
            nn.Conv2d(channels, channels, 1),
            nn.ReLU(),
            nn.BatchNorm2d(channels),
            grouped(),
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, plane: Tensor) -> Tensor:
        return functional.relu(plane + self.body(plane))


class Attention(nn.Module):
    """A transformer's encoder layer over frames (batch, channels, frames), norms behind."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, 3 * channels)
        self.join = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)
        self.feed_forward = nn.Sequential(
            nn.Linear(channels, channels), nn.GELU(), nn.Linear(channels, channels)
        )
        self.last_norm = nn.LayerNorm(channels)

    def forward(self, frames: Tensor) -> Tensor:
        rows = frames.transpose(1, 2)
        heads: Tensor = self.project(rows).reshape(*rows.shape[:2], 3, _HEADS, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind()
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        heard = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        rows = self.norm(rows + self.join(heard))
        out: Tensor = self.last_norm(rows + self.feed_forward(rows))
        return out.transpose(1, 2)


class WeightedSum(nn.Module):
    """A sum of earlier outputs, each number a frame weighing them its own way."""

    def __init__(self, outputs: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, channels, 1))

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        weights = self.weight.softmax(dim=0)
        return sum(
            (weight * out for weight, out in zip(weights[1:], outputs[1:], strict=True)),
            start=weights[0] * outputs[0],
        )


class Stage(nn.Module):
    """(batch, channels · bands, frames) → the same: through a plane, then along time."""

    def __init__(
        self, stage: tuple[int, int, int, int], channels: int, bands: int, config: ReDimNetConfig
    ) -> None:
        super().__init__()
        stride, blocks, expansion, reduction = stage
        self.bands = bands
        wide, after = channels * stride * expansion, channels * stride
        layers: list[nn.Module] = [nn.Conv2d(channels, wide, (stride, 1), (stride, 1))]
        for _ in range(blocks):
            layers.append(
                Residual(wide, config.group)
                if config.block == "residual"
                else ConvNext(wide, 3, 2, config.group)
            )
        if expansion > 1:
            layers += [
                nn.Conv2d(wide, after, 3, padding=1, groups=after // config.group),
                nn.BatchNorm2d(after),
                nn.GELU(),
                nn.Conv2d(after, after, 1),
            ]
        self.plane = nn.Sequential(*layers)
        self.time = _along_time(channels * bands, reduction) if reduction else None

    def forward(self, frames: Tensor) -> Tensor:
        plane = frames.reshape(frames.shape[0], self.bands, -1, frames.shape[2]).transpose(1, 2)
        frames = flat(self.plane(plane))
        return frames if self.time is None else frames + self.time(frames)


def _along_time(channels: int, reduction: int) -> nn.Sequential:
    small = channels // reduction
    if small % _HEADS:
        raise TrainingError(
            f"{channels} numbers a frame over model.stages' 1-D reduction {reduction} is {small}; "
            f"it must be a multiple of {_HEADS}."
        )
    return nn.Sequential(
        nn.Conv1d(channels, small, 1),
        ChannelNorm(small),
        *(ConvNext(small, kernel, 1, group=1) for kernel in _CONTEXT),
        Attention(small),
        nn.Conv1d(small, channels, 1),
    )


def flat(plane: Tensor) -> Tensor:
    """(batch, channels, bands, frames) → (batch, bands · channels, frames)."""
    return plane.transpose(1, 2).flatten(1, 2)


class ReDimNet(nn.Module):
    """The whole network."""

    def __init__(self, config: ReDimNetConfig, bands: int) -> None:
        super().__init__()
        if config.block not in ("residual", "convnext"):
            raise TrainingError(
                f"model.block is {config.block!r}; it must be residual or convnext."
            )
        size = config.channels * bands
        self.stem = nn.Sequential(
            nn.Conv2d(1, config.channels, 3, padding=1), ChannelNorm(config.channels)
        )
        channels, stages = config.channels, []
        for stage in config.stages:
            stride = stage[0]
            if bands % stride:
                raise TrainingError(
                    f"{bands} bands do not divide by a stride of {stride}; choose others in "
                    "front_end.bands or model.stages."
                )
            stages.append(Stage(stage, channels, bands, config))
            channels, bands = channels * stride, bands // stride
        self.stages = nn.ModuleList(stages)
        self.sums = nn.ModuleList(WeightedSum(n + 2, size) for n in range(len(stages)))
        self.pool = AttentiveStatistics(size, 128)
        self.embed = nn.Sequential(nn.BatchNorm1d(2 * size), nn.Linear(2 * size, config.dim))

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        frames = flat(self.stem(features[:, None]))
        outputs = [frames]
        for stage, weighted_sum in zip(self.stages, self.sums, strict=True):
            outputs.append(stage(frames))
            frames = weighted_sum(outputs)
        embedding: Tensor = self.embed(self.pool(frames).float())
        return embedding
