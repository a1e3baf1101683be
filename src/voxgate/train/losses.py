"""What training minimises. Embeddings have shape (batch, dim), labels (batch,)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class SubCentreAAM(nn.Module):
    """Additive angular margin softmax with several centres a class.

    Deng et al., "ArcFace" (arXiv:1801.07698) and "Sub-center ArcFace" (ECCV 2020): the angle to the
    nearest centre of the right class is made larger by `margin` (radians) before the softmax; a
    recording with a wrong label can have a centre to itself.
    """

    def __init__(self, dim: int, classes: int, centres: int = 2, scale: float = 32.0) -> None:
        super().__init__()
        self.centres, self.scale = centres, scale
        self.margin = 0.0  # set by the loop, which lets it grow
        self.weight = nn.Parameter(torch.empty(classes * centres, dim))
        nn.init.xavier_normal_(self.weight)

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of the batch whose class was nearest (without margin)."""
        cosines = functional.linear(
            functional.normalize(embedding), functional.normalize(self.weight)
        )
        cosine = cosines.float().view(len(label), -1, self.centres).amax(dim=2)
        right = cosine.gather(1, label[:, None]).squeeze(1).clamp(-1 + 1e-6, 1 - 1e-6)
        harder = torch.cos(torch.acos(right) + self.margin)
        # beyond pi - margin the cosine would rise again: go on downhill instead
        harder = torch.where(
            right > -math.cos(self.margin), harder, right - self.margin * math.sin(self.margin)
        )
        logits = cosine.scatter(1, label[:, None], harder[:, None])
        accuracy = (cosine.detach().argmax(dim=1) == label).float().mean()
        return functional.cross_entropy(self.scale * logits, label), accuracy


def away_from(embedding: Tensor, target: Tensor) -> Tensor:
    """1 - cosine between embedding and target, both (batch, dim): mean over the batch."""
    return 1 - functional.cosine_similarity(embedding, target, dim=1).mean()
