"""Two networks side by side, one for either recording of a pair; or one for both.

The loss `pairs` compares the even rows of a batch with the odd ones. Twins that share their weights
see every row alike. Of twins that do not, one learns from the even rows and the other from the odd
ones; afterwards the embedding is the sum of both directions, so that it does not matter which
recording of a pair is called the first.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Twins(nn.Module):
    """One network made by `make`, or two: features (batch, bands, frames) → (batch, dim)."""

    def __init__(self, make: Callable[[], nn.Module], *, shared: bool) -> None:
        super().__init__()
        self.twins = nn.ModuleList(make() for _ in range(1 if shared else 2))

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) → embeddings (batch, dim)."""
        if len(self.twins) == 1:
            embedding: Tensor = self.twins[0](features)
            return embedding
        first, second = self.twins
        if self.training:
            apart = torch.stack([first(features[::2]), second(features[1::2])], dim=1)
            return apart.flatten(0, 1)
        return functional.normalize(first(features)) + functional.normalize(second(features))
