"""The whole model: waveform → front end → network → embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.train.architectures.ecapa import Ecapa
from voxgate.train.config import Experiment
from voxgate.train.frontend import FrontEnd


class SpeakerModel(nn.Module):
    """What is trained and exported.

    With a teacher the embedding has two parts, each of unit length: one that separates the
    training speakers and one that follows the teacher. `teacher_share` (0 to 1) is the weight of
    the second in a cosine of whole embeddings: the cosine is then the weighted mean of both
    parts' cosines.
    """

    teacher_share: Tensor

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self.front_end = FrontEnd(experiment.front_end)
        self.network = Ecapa(experiment.ecapa)
        self.teacher_dim = experiment.loss.teacher_dim
        self.own_dim = experiment.ecapa.dim - self.teacher_dim
        self.register_buffer("teacher_share", torch.tensor(0.5))

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, bands, frames) → both parts: (batch, own_dim), (batch, teacher_dim)."""
        own, taught = self.network(features).split([self.own_dim, self.teacher_dim], dim=1)
        return own, taught

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, dim) of unit length."""
        own, taught = self.parts(self.front_end(waveform))
        if not self.teacher_dim:
            return functional.normalize(own)
        return torch.cat(
            [
                functional.normalize(own) * (1 - self.teacher_share).sqrt(),
                functional.normalize(taught) * self.teacher_share.sqrt(),
            ],
            dim=1,
        )
