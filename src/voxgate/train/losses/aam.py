"""Additive angular margin softmax."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_SPREAD = 0.02  # of each number of a centre that begins at a given direction


@dataclass(frozen=True)
class AamConfig:
    """Size and growth of the margin, in radians."""

    centres: int = 2  # of each class
    scale: float = 32.0
    margin: float = 0.2
    margin_from: float = 0.1  # share of the run at which the margin begins to grow
    margin_at: float = 0.4  # and at which it has reached its full size
    fine_tune_margin: float = 0.2  # in the last phase of a run
    top: int = 0  # wrong classes that are made likelier, those most like; 0: none
    top_penalty: float = 0.06  # by how much, in radians


class SubCentreAAM(nn.Module):
    """Additive angular margin softmax with several centres a class.

    Deng et al., "ArcFace" (arXiv:1801.07698) and "Sub-center ArcFace" (ECCV 2020): the angle to the
    nearest centre of the right class is made larger by `margin` (radians) before the softmax; a
    recording with a wrong label can have a centre to itself.

    With `top` the angles to the so many wrong classes that are nearest are made smaller by
    `top_penalty`: the inter-top-k penalty of Zhao, Ma, Zhang et al. (arXiv:2110.05042).
    """

    def __init__(self, config: AamConfig, dim: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.margin = 0.0
        self.weight = nn.Parameter(torch.empty(classes * config.centres, dim))
        nn.init.xavier_normal_(self.weight)

    @torch.no_grad()
    def begin_at(self, directions: Tensor) -> None:
        """Begin with the centres of each class around a direction, (classes, dim)."""
        around = functional.normalize(directions).repeat_interleave(self.config.centres, dim=0)
        self.weight.copy_(around + _SPREAD * torch.randn_like(around))

    def at(self, progress: float, *, fine_tuning: bool) -> None:
        """Let the margin grow with the run."""
        c = self.config
        grown = (progress - c.margin_from) / (c.margin_at - c.margin_from)
        full = c.fine_tune_margin if fine_tuning else c.margin
        self.margin = full * min(1.0, max(0.0, grown))

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and the share of the batch whose class was nearest (without margin)."""
        cosines = functional.linear(
            functional.normalize(embedding), functional.normalize(self.weight)
        )
        cosine = cosines.float().view(len(label), -1, self.config.centres).amax(dim=2)
        right = cosine.gather(1, label[:, None]).squeeze(1).clamp(-1 + 1e-6, 1 - 1e-6)
        harder = torch.cos(torch.acos(right) + self.margin)
        # beyond pi - margin the cosine would rise again: go on downhill instead
        harder = torch.where(
            right > -math.cos(self.margin), harder, right - self.margin * math.sin(self.margin)
        )
        logits = self._penalised(cosine, label).scatter(1, label[:, None], harder[:, None])
        accuracy = (cosine.detach().argmax(dim=1) == label).float().mean()
        return functional.cross_entropy(self.config.scale * logits, label), accuracy

    def _penalised(self, cosine: Tensor, label: Tensor) -> Tensor:
        """The nearest wrong classes nearer still; grows with the margin."""
        c = self.config
        top = min(c.top, cosine.shape[1] - 1)
        if top < 1 or not self.margin:
            return cosine
        wrong = cosine.scatter(1, label[:, None], -2.0)
        nearest, where = wrong.topk(top, dim=1)
        angle = torch.acos(nearest.clamp(-1 + 1e-6, 1 - 1e-6))
        penalty = c.top_penalty * self.margin / max(c.margin, self.margin)
        return cosine.scatter(1, where, torch.cos((angle - penalty).clamp(min=0)))
