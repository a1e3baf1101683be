"""Losses over batches of a few recordings of each speaker: GE2E and angular prototypical.

Rows of one speaker stand side by side, as many of each (`sampling.per_speaker`, 2 or more).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from voxgate.errors import TrainingError
from voxgate.train.losses.likeness import Likeness


@dataclass(frozen=True)
class Ge2eConfig:
    """Which variant, and how cosines become logits at first: scale · cosine + bias, learned."""

    per_speaker: int = 2  # rows of each; the sampling's
    contrast: bool = False  # against the likest wrong speaker alone, not all of them (softmax)
    scale: float = 10.0
    bias: float = -5.0


@dataclass(frozen=True)
class PrototypicalConfig:
    """How cosines become logits at first: scale · cosine + bias, learned."""

    per_speaker: int = 2  # rows of each; the sampling's
    scale: float = 10.0
    bias: float = -5.0


class Ge2e(Likeness):
    """Generalised end-to-end loss: every row against the mean of every speaker.

    Wan, Wang, Papir, Moreno, "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018
    (arXiv:1710.10467). A row is left out of the mean of its own speaker.
    """

    def __init__(self, config: Ge2eConfig, dim: int, classes: int) -> None:
        super().__init__(config.scale, config.bias)
        del dim, classes  # it knows neither
        self.config = config

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of rows whose own speaker's mean is the nearest."""
        with torch.autocast(embedding.device.type, enabled=False):
            groups, speaker = grouped(embedding, label, self.config.per_speaker)
            count, each, dim = groups.shape
            total = groups.sum(dim=1, keepdim=True)
            without = functional.normalize((total - groups).reshape(-1, dim))
            rows = groups.reshape(-1, dim)
            cosines = rows @ functional.normalize(total.squeeze(1)).T
            own = torch.arange(count, device=rows.device).repeat_interleave(each)
            cosines = cosines.scatter(1, own[:, None], (rows * without).sum(dim=1, keepdim=True))
            logits = self.logits(cosines)
            logits = _without_twins(logits, speaker, own)
            accuracy = (logits.argmax(dim=1) == own).float().mean()
            if not self.config.contrast:
                return functional.cross_entropy(logits, own), accuracy
            right = torch.sigmoid(logits.gather(1, own[:, None])).squeeze(1)
            wrong = logits.scatter(1, own[:, None], -torch.inf).amax(dim=1).sigmoid()
            return (1 - right + wrong).mean(), accuracy


class Prototypical(Likeness):
    """Angular prototypical loss: the last row of each speaker against the mean of its others.

    Chung, Huh, Mun, Lee, Heo, Choe, Ham, Jung, Lee, Han, "In Defence of Metric Learning for Speaker
    Recognition", Interspeech 2020 (arXiv:2003.11982).
    """

    def __init__(self, config: PrototypicalConfig, dim: int, classes: int) -> None:
        super().__init__(config.scale, config.bias)
        del dim, classes  # it knows neither
        self.config = config

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of speakers whose own prototype is the nearest."""
        with torch.autocast(embedding.device.type, enabled=False):
            groups, speaker = grouped(embedding, label, self.config.per_speaker, unit=False)
            query = functional.normalize(groups[:, -1])
            prototypes = functional.normalize(groups[:, :-1].mean(dim=1))
            logits = self.logits(query @ prototypes.T)
            own = torch.arange(len(query), device=query.device)
            logits = _without_twins(logits, speaker, own)
            accuracy = (logits.argmax(dim=1) == own).float().mean()
            return functional.cross_entropy(logits, own), accuracy


def grouped(
    embedding: Tensor, label: Tensor, per_speaker: int, *, unit: bool = True
) -> tuple[Tensor, Tensor]:
    """(speakers, per_speaker, dim), as unit vectors if wished, and the label of each speaker.

    Raises:
        TrainingError: the rows are not of that many a speaker, side by side.
    """
    if per_speaker < 2 or len(label) % per_speaker:
        raise TrainingError(
            f"loss.per_speaker is {per_speaker} in a batch of {len(label)}; it must be that of "
            "the sampling, 2 or more."
        )
    labels = label.view(-1, per_speaker)
    if (labels != labels[:, :1]).any():
        raise TrainingError(
            f"A batch's rows are not {per_speaker} of each speaker; loss.per_speaker and "
            "sampling.per_speaker must be the same."
        )
    rows = functional.normalize(embedding.float()) if unit else embedding.float()
    return rows.view(len(labels), per_speaker, -1), labels[:, 0]


def _without_twins(logits: Tensor, speaker: Tensor, own: Tensor) -> Tensor:
    """A speaker drawn twice into a batch is no wrong answer: such places count for nothing."""
    places = torch.arange(len(speaker), device=own.device)
    twin = (speaker[own][:, None] == speaker[None]) & (own[:, None] != places)
    return logits.masked_fill(twin, -torch.inf)
