"""Dense softmax: a layer from the embedding to the classes, and cross-entropy."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class SoftmaxConfig:
    """How the embedding comes to the dense layer."""

    scale: float = 20.0  # the length that it is given first


class Softmax(nn.Module):
    """Linear layer and softmax over the direction of the embedding.

    A pack's embeddings have unit length, so the layer can later be used on them: it then says who
    of the training speakers is speaking (`voxgate.classifier`).
    """

    def __init__(self, config: SoftmaxConfig, dim: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.dense = nn.Linear(dim, classes)

    def at(self, progress: float, *, fine_tuning: bool) -> None:
        """Nothing changes with the run."""

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of the batch whose class was the likeliest."""
        with torch.autocast(embedding.device.type, enabled=False):
            logits = self.dense(self.config.scale * functional.normalize(embedding.float()))
            accuracy = (logits.argmax(dim=1) == label).float().mean()
            return functional.cross_entropy(logits, label), accuracy
