"""Statistics over time, which turn any number of frames into one vector."""

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
        mean = frames.mean(dim=2, keepdim=True)
        std = (frames - mean).square().mean(dim=2).clamp(min=1e-5).sqrt()
        context = self.of_all(torch.cat([mean.squeeze(2), std], dim=1))
        weights = self.attend(self.of_frame(frames) + context[:, :, None]).softmax(dim=2)
        mean = (weights * frames).sum(dim=2, keepdim=True)
        variance = (weights * (frames - mean).square()).sum(dim=2)
        return torch.cat([mean.squeeze(2), variance.clamp(min=1e-5).sqrt()], dim=1)
