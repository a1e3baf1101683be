"""Is this the same speaker? Binary cross-entropy over pairs of recordings."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from voxgate.errors import TrainingError
from voxgate.train.losses.likeness import Likeness


@dataclass(frozen=True)
class PairsConfig:
    """How two embeddings become a probability: sigmoid(scale · product + bias), both learned."""

    cosine: bool = True  # of directions; otherwise the dot product of the embeddings as they are
    scale: float = 10.0  # at first
    bias: float = -5.0  # at first
    all_pairs: bool = False  # every pair of the batch, each kind with half the weight


class Pairs(Likeness):
    """Pairs of an even row of the batch with an odd one: neighbours are of the same speaker.

    As many pairs of the same as of different speakers. By default the neighbours, and for each even
    row the next odd row round the batch that is of another speaker. With `all_pairs` every even row
    with every odd one: the same on average, but less by chance.
    """

    def __init__(self, config: PairsConfig, dim: int, classes: int) -> None:
        super().__init__(config.scale, config.bias)
        del dim, classes  # pairs know neither
        self.config = config

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of pairs on the right side of probability ½."""
        with torch.autocast(embedding.device.type, enabled=False):
            rows = embedding.float()
            rows = functional.normalize(rows) if self.config.cosine else rows
            logits = self.logits(rows[::2] @ rows[1::2].T)
            same = label[::2, None] == label[None, 1::2]
            positive, negative = self._chosen(logits, same)
            if not len(positive) or not len(negative):
                raise TrainingError(
                    "A batch has no pair of the same or none of different speakers; set "
                    "sampling.per_speaker to 2 and sampling.batch_s to that of several speakers."
                )
            loss = (
                functional.softplus(-positive).mean() + functional.softplus(negative).mean()
            ) / 2
            right = ((positive > 0).float().mean() + (negative <= 0).float().mean()) / 2
            return loss, right

    def _chosen(self, logits: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of pairs of the same speaker, and of different ones."""
        if self.config.all_pairs:
            return logits[same], logits[~same]
        count = len(logits)
        away = (torch.arange(count)[None] - torch.arange(count)[:, None]) % count
        nearest = torch.where(same, count, away.to(same.device)).argmin(dim=1)
        rows = torch.arange(count, device=same.device)
        other = ~same[rows, nearest]
        return logits.diagonal(), logits[rows, nearest][other]
