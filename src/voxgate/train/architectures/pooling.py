"""Statistics over time, which turn any number of frames into one vector."""

from typing import Any

import torch
from torch import Tensor, nn


class TemporalStatistics(nn.Module):
    """Mean and standard deviation over the last axis: (batch, …, frames) → (batch, 2 · the rest).

    Frames that are all alike have a standard deviation of 0.003, where the root still has a slope.
    """

    def forward(self, frames: Tensor) -> Tensor:
        rows = frames.float().flatten(1, -2)
        mean = rows.mean(dim=2, keepdim=True)
        std = (rows - mean).square().mean(dim=2).clamp(min=1e-5).sqrt()
        return torch.cat([mean.squeeze(2), std], dim=1)


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time, each channel weighing the frames its own way.

    Frames (batch, channels, frames) → (batch, 2 · channels). With global context, as in ECAPA-TDNN:
    the weights of a frame also depend on mean and deviation of all.
    """

    def __init__(self, channels: int, attention: int) -> None:
        super().__init__()
        self.of_frame = nn.Conv1d(channels, attention, 1)
        self.of_all = nn.Linear(2 * channels, attention, bias=False)
        self.attend = nn.Sequential(
            nn.ReLU(), nn.BatchNorm1d(attention), nn.Tanh(), nn.Conv1d(attention, channels, 1)
        )

    def forward(self, frames: Tensor) -> Tensor:
        frames = frames.float()  # a variance is a small difference of squares
        context = self.of_all(_mean_and_std(frames.mean(dim=2), frames.square().mean(dim=2)))
        weights = self.attend(self.of_frame(frames) + context[:, :, None]).softmax(dim=2)
        weighed = weights * frames
        return _mean_and_std(weighed.sum(dim=2), (weighed * frames).sum(dim=2))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Also take weights from when frame and context went through one convolution."""
        old = f"{prefix}attend.0.weight"
        if old in state:
            channels = self.of_frame.in_channels
            weight = state.pop(old)
            state[f"{prefix}of_frame.weight"] = weight[:, :channels]
            state[f"{prefix}of_all.weight"] = weight[:, channels:, 0]
            state[f"{prefix}of_frame.bias"] = state.pop(f"{prefix}attend.0.bias")
            for name in [name for name in state if name.startswith(f"{prefix}attend.")]:
                number, _, part = name.removeprefix(f"{prefix}attend.").partition(".")
                state[f"{prefix}attend.{int(number) - 1}.{part}"] = state.pop(name)
        super()._load_from_state_dict(state, prefix, *rest)


def _mean_and_std(mean: Tensor, square: Tensor) -> Tensor:
    """Means of numbers and of their squares, both (batch, channels) → (batch, 2 · channels).

    From the squares, not from the distances to the mean: these would be three more passes.
    """
    return torch.cat([mean, (square - mean.square()).clamp(min=1e-5).sqrt()], dim=1)
