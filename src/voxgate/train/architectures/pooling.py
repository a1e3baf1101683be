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
