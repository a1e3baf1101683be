"""What losses over likeness share: logits that are scale · likeness + bias, both learned."""

import torch
from torch import Tensor, nn

_LEAST_SCALE = 1e-6  # a scale of 0 or less would turn likeness round


class Likeness(nn.Module):
    """The base of a loss that compares embeddings with one another; it knows no classes."""

    def __init__(self, scale: float, bias: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(scale)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def at(self, progress: float, *, fine_tuning: bool) -> None:
        """Nothing changes with the run."""

    def logits(self, likeness: Tensor) -> Tensor:
        """Of any shape."""
        return self.scale.clamp(min=_LEAST_SCALE) * likeness + self.bias
