"""How far a student is from its teacher."""

from torch import Tensor
from torch.nn import functional


def away_from(embedding: Tensor, target: Tensor) -> Tensor:
    """1 - cosine between embedding and target, both (batch, dim): mean over the batch."""
    return 1 - functional.cosine_similarity(embedding, target, dim=1).mean()
