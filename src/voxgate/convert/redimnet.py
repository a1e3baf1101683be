"""ReDimNet, of any of its published sizes, which a checkpoint states in `model_config`.

Yakovlev, Makarov, Balykin, Malov, Okhotnikov, Torgashov, "Reshape dimensions network for speaker
recognition", Interspeech 2024 (arXiv:2407.18223): 2-D blocks over bands and frames and 1-D blocks
over frames in turn, the same numbers seen as (channels, bands) or as channels alone; each stage
hears a weighted sum of all before it.

Inside, maps are (batch, channels, bands, frames) and rows (batch, bands * channels, frames).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from voxgate.convert import Recipe
from voxgate.convert.checkpoint import Checkpoint
from voxgate.convert.redimnet_blocks import (
    ContextBlock,
    LayerNorm,
    ToMaps,
    ToRows,
    WeightedSum,
    block_2d,
)
from voxgate.errors import CheckpointError

_VARIANCE_FLOOR = 1e-7


class Backbone(nn.Module):
    """Features (batch, 1, bands, frames) → rows."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        bands, channels = config["F"], config["C"]
        width = bands * channels
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding="same"), LayerNorm(channels), ToRows()
        )
        stages = config["stages_setup"]
        for number, stage in enumerate(stages):
            layers = _stage(stage, number, (bands, channels), width, config)
            setattr(self, f"stage{number}", nn.Sequential(*layers))
            bands, channels = bands // stage[0], channels * stage[0]
        self.fin_wght1d = WeightedSum(len(stages) + 1, width)
        outputs = config.get("out_channels")
        self.mfa = (
            nn.Sequential(nn.Conv1d(width, outputs, 1), nn.BatchNorm1d(outputs))
            if outputs
            else nn.Identity()
        )
        self.count = len(stages)

    def forward(self, features: Tensor) -> Tensor:
        rows = [self.stem(features)]
        for number in range(self.count):
            rows.append(getattr(self, f"stage{number}")(rows))
        out: Tensor = self.mfa(self.fin_wght1d(rows))
        return out


class AttentivePooling(nn.Module):
    """Mean and standard deviation over time, each row weighing the frames its own way."""

    def __init__(self, channels: int, bottleneck: int, *, context: bool) -> None:
        super().__init__()
        self.context = context
        self.linear1 = nn.Conv1d((3 if context else 1) * channels, bottleneck, 1)
        self.linear2 = nn.Conv1d(bottleneck, channels, 1)

    def forward(self, rows: Tensor) -> Tensor:
        seen = rows
        if self.context:
            mean = rows.mean(dim=2, keepdim=True)
            std = (rows.var(dim=2, keepdim=True) + _VARIANCE_FLOOR).sqrt()
            seen = torch.cat([rows, mean.expand_as(rows), std.expand_as(rows)], dim=1)
        weights = self.linear2(self.linear1(seen).tanh()).softmax(dim=2)
        mean = (weights * rows).sum(dim=2)
        variance = (weights * rows.square()).sum(dim=2) - mean.square()
        return torch.cat([mean, variance.clamp(min=_VARIANCE_FLOOR).sqrt()], dim=1)


class ReDimNet(nn.Module):
    """Features (batch, frames, bands) → embeddings (batch, dim)."""

    def __init__(self, config: Mapping[str, Any], bottleneck: int) -> None:
        super().__init__()
        self.backbone = Backbone(config)
        channels = config.get("out_channels") or config["F"] * config["C"]
        context = config.get("global_context_att", False)
        self.pool = AttentivePooling(channels, bottleneck, context=context)
        self.bn = nn.BatchNorm1d(2 * channels)
        dim = config.get("embed_dim", 192)
        self.linear = nn.Linear(2 * channels, dim)
        self.bn2 = nn.BatchNorm1d(dim) if config.get("emb_bn") else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        rows = self.backbone(features.transpose(1, 2).unsqueeze(1))
        out: Tensor = self.bn2(self.linear(self.bn(self.pool(rows))))
        return out


def _stage(
    setup: Sequence[Any], number: int, shape: tuple[int, int], width: int, config: Mapping[str, Any]
) -> list[nn.Module]:
    """The layers of one stage, which begins with maps of this shape (bands, channels)."""
    stride, blocks, expansion, _, reduction = setup
    bands, channels = shape
    divisor = config.get("group_divisor")
    wide, channels = int(stride * channels * expansion), stride * channels
    layers: list[nn.Module] = [
        WeightedSum(number + 1, width),
        ToMaps(*shape),
        nn.Conv2d(shape[1], wide, (stride, 1), (stride, 1)),
    ]
    bands //= stride
    layers += [block_2d(config["block_2d_type"], wide, bands, divisor) for _ in range(blocks)]
    if expansion != 1:
        groups = channels // divisor if divisor else 1
        layers.append(
            nn.Sequential(
                nn.Conv2d(wide, channels, 3, padding="same", groups=groups),
                nn.BatchNorm2d(channels, eps=1e-6),
                nn.GELU(),
                nn.Conv2d(channels, channels, 1),
            )
        )
    layers.append(ToRows())
    if reduction is not None:
        layers.append(ContextBlock(config["block_1d_type"], width, width // reduction))
    return layers


def build(checkpoint: Checkpoint) -> nn.Module:
    """The network that `model_config` describes.

    Raises:
        CheckpointError: there is no such description, or one of a kind that is not known.
    """
    config = _config(checkpoint)
    if config.get("pooling_func", "ASTP") != "ASTP":
        raise CheckpointError(f"The pooling {config['pooling_func']} of ReDimNet is not known.")
    bottleneck = checkpoint.shape("pool.linear1.weight")[0]
    try:
        return ReDimNet(config, bottleneck)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"The checkpoint's model_config makes no sense: {error}.") from error


def _config(checkpoint: Checkpoint) -> Mapping[str, Any]:
    config = checkpoint.settings.get("model_config")
    if not isinstance(config, dict):
        raise CheckpointError("The checkpoint has no model_config, so it is not of ReDimNet.")
    return config


def _front_end(checkpoint: Checkpoint) -> dict[str, int]:
    config = _config(checkpoint)
    return {"bands": config["F"], "frame_shift": config.get("hop_length", 160)}


RECIPE = Recipe(build, like="redimnet", front_end=_front_end)
