"""Resemblyzer's GE2E encoder: three LSTMs, the last state of the last through a ReLU.

Wan, Wang, Papir, Lopez Moreno, "Generalized end-to-end loss for speaker verification", ICASSP
2018 (arXiv:1710.10467); weights by Corentin Jemine, Apache-2.0.
"""

from torch import Tensor, nn
from torch.nn import functional

from voxgate.convert import Recipe
from voxgate.convert.checkpoint import Checkpoint

_LAYERS = 3


class GE2E(nn.Module):
    """Mel power (batch, 160, bands) → embeddings (batch, dim), unit length, none below 0."""

    def __init__(self, bands: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(bands, hidden, _LAYERS, batch_first=True)
        self.linear = nn.Linear(hidden, dim)

    def forward(self, features: Tensor) -> Tensor:
        states, _ = self.lstm(features)
        return functional.normalize(self.linear(states[:, -1]).relu(), eps=0.0)


def build(checkpoint: Checkpoint) -> nn.Module:
    """The network, of the size that the weights have."""
    dim, hidden = checkpoint.shape("linear.weight")
    bands = checkpoint.shape("lstm.weight_ih_l0")[1]
    return GE2E(bands, hidden, dim)


RECIPE = Recipe(build, like="resemblyzer", frames=160)
