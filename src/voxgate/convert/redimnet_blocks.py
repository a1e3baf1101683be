"""The blocks that ReDimNet is made of; see `voxgate.convert.redimnet`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.errors import CheckpointError

_HEADS = 4
_CONTEXT_KERNELS = (7, 19, 31, 59)  # frames
_POSITION_KERNEL = 59  # frames


class ToRows(nn.Module):
    """Maps → rows."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.transpose(1, 2).flatten(1, 2)


class ToMaps(nn.Module):
    """Rows → maps."""

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.shape = (bands, channels)

    def forward(self, rows: Tensor) -> Tensor:
        batch, _, frames = rows.shape
        return rows.reshape(batch, *self.shape, frames).transpose(1, 2)


class WeightedSum(nn.Module):
    """What came before, each row in shares of its own."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, count, width if count > 1 else 1, 1))

    def forward(self, rows: Sequence[Tensor]) -> Tensor:
        return (self.w.softmax(dim=1) * torch.stack(list(rows), dim=1)).sum(dim=1)


class LayerNorm(nn.Module):
    """Over the channels, which are the second axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last = x.transpose(1, -1)
        normed = functional.layer_norm(last, self.weight.shape, self.weight, self.bias, 1e-6)
        return normed.transpose(1, -1)


class ConvNextBlock(nn.Module):
    """Convolutions of few channels each, then all channels together, and a way round."""

    def __init__(
        self, channels: int, kernels: Sequence[int], divisor: int | None, *, maps: bool,
        activation: nn.Module,
    ) -> None:  # fmt: skip
        super().__init__()
        conv: type[nn.Conv1d | nn.Conv2d] = nn.Conv2d if maps else nn.Conv1d
        norm: type[nn.BatchNorm1d | nn.BatchNorm2d] = nn.BatchNorm2d if maps else nn.BatchNorm1d
        groups = channels // divisor if divisor else 1
        self.dwconvs = nn.ModuleList(
            conv(channels, channels, kernel, padding="same", groups=groups) for kernel in kernels
        )
        self.norm = norm(channels * len(kernels))
        self.act = activation
        self.pwconv1 = conv(channels * len(kernels), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        heard = torch.cat([conv(x) for conv in self.dwconvs], dim=1)
        out: Tensor = x + self.pwconv1(self.act(self.norm(heard)))
        return out


class BandGate(nn.Module):
    """Scale each band by what all bands together say of it."""

    def __init__(self, bands: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(bands, hidden)
        self.exitation = nn.Linear(hidden, bands)  # the checkpoints spell it so

    def forward(self, maps: Tensor) -> Tensor:
        gate: Tensor = self.exitation(self.squeeze(maps.mean(dim=(1, 3))).relu()).sigmoid()
        return maps * gate[:, None, :, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions of few channels each, each followed by one of all, and a way round."""

    def __init__(self, channels: int, bands: int, divisor: int | None, *, gated: bool) -> None:
        super().__init__()
        groups = channels // divisor if divisor else 1

        def conv() -> nn.Conv2d:
            return nn.Conv2d(channels, channels, 3, padding=1, bias=False, groups=groups)

        def pointwise() -> nn.Module:
            return nn.Conv2d(channels, channels, 1) if divisor else nn.Identity()

        self.conv1, self.conv1pw, self.bn1 = conv(), pointwise(), nn.BatchNorm2d(channels)
        self.conv2, self.conv2pw, self.bn2 = conv(), pointwise(), nn.BatchNorm2d(channels)
        hidden = min(64, max(channels, 32))
        self.se = BandGate(bands, hidden) if gated else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        out = self.bn1(self.conv1pw(self.conv1(maps)).relu())
        out = self.se(self.bn2(self.conv2pw(self.conv2(out))))
        both: Tensor = (out + maps).relu()
        return both


class Block2d(nn.Module):
    """A 2-D block, under the name that the checkpoints give it."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.conv_block = block

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.conv_block(maps)
        return out


class Position(nn.Module):
    """Tells frames where they are, by a convolution of each row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            width, width, _POSITION_KERNEL, padding=_POSITION_KERNEL // 2, groups=width
        )
        self.norm = LayerNorm(width)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = rows + self.norm(self.conv(rows))
        return out


class Attention(nn.Module):
    """Every frame hears every other, with several heads; x is (batch, frames, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        k, v, q = (
            projection(x).unflatten(2, (_HEADS, -1)).transpose(1, 2)
            for projection in (self.k_proj, self.v_proj, self.q_proj)
        )
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(dim=3)
        out: Tensor = self.out_proj((weights @ v).transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Module):
    """Two layers for each frame."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, hidden)
        self.output_dense = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.gelu(self.intermediate_dense(x), approximate="tanh")
        out: Tensor = self.output_dense(hidden)
        return out


class Encoder(nn.Module):
    """A layer of a transformer, over rows."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.layer_norm = nn.LayerNorm(width, eps=1e-6)
        self.feed_forward = FeedForward(width, hidden)
        self.final_layer_norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, rows: Tensor) -> Tensor:
        x = rows.transpose(1, 2)
        x = self.layer_norm(x + self.attention(x))
        out: Tensor = self.final_layer_norm(x + self.feed_forward(x)).transpose(1, 2)
        return out


class ContextBlock(nn.Module):
    """A 1-D block: fewer rows, what happens over time, all rows again, and a way round."""

    def __init__(self, kind: str, width: int, hidden: int) -> None:
        super().__init__()
        self.red_dim_conv = nn.Sequential(nn.Conv1d(width, hidden, 1), LayerNorm(hidden))
        self.tcm = _over_time(kind, hidden)
        self.exp_dim_conv = nn.Conv1d(hidden, width, 1)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = rows + self.exp_dim_conv(self.tcm(self.red_dim_conv(rows)))
        return out


def block_2d(kind: str, channels: int, bands: int, divisor: int | None) -> nn.Module:
    """A 2-D block of one of the published kinds.

    Raises:
        CheckpointError: the kind is not known.
    """
    if kind in ("convnext_like", "convnext_like_relu"):
        activation = nn.ReLU() if kind.endswith("relu") else nn.GELU()
        return Block2d(ConvNextBlock(channels, (3,), divisor, maps=True, activation=activation))
    if kind in ("basic_resnet", "basic_resnet_fwse"):
        return Block2d(ResidualBlock(channels, bands, divisor, gated=kind.endswith("fwse")))
    raise CheckpointError(f"The 2-D block {kind!r} of ReDimNet is not known.")


def _over_time(kind: str, width: int) -> nn.Sequential:
    """What a 1-D block does with its rows."""

    def convolution(*kernels: int) -> nn.Module:
        return ConvNextBlock(width, kernels, 1, maps=False, activation=nn.GELU())

    if kind == "att":
        return nn.Sequential(Position(width), Encoder(width, 2 * width))
    if kind == "conv+att":
        return nn.Sequential(*map(convolution, _CONTEXT_KERNELS), Encoder(width, width))
    if kind == "conv":
        return nn.Sequential(*(convolution(7, 15, 31) for _ in range(4)))
    if kind == "fc":
        return nn.Sequential(
            nn.Conv1d(width, 2 * width, 1), LayerNorm(2 * width), nn.GELU(),
            nn.Conv1d(2 * width, width, 1),
        )  # fmt: skip
    raise CheckpointError(f"The 1-D block {kind!r} of ReDimNet is not known.")
