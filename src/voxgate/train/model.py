"""The whole model: waveform → front end → network → embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.train.architectures import ARCHITECTURES
from voxgate.train.config import Experiment
from voxgate.train.frontends import FRONT_ENDS


class SpeakerModel(nn.Module):
    """What is trained and exported.

    With a teacher the embedding has two parts, each of unit length: one that separates the
    training speakers and one that follows the teacher, or is the teacher's own. `teacher_share`
    (0 to 1) is the weight of the second in a cosine of whole embeddings: the cosine is then the
    weighted mean of both parts' cosines.

    Before it is brought to unit length the embedding is standardised: `mean` is taken from it and
    it is divided by `std`, both (dim,). They are 0 and 1 until `standardise` sets them.
    """

    teacher_share: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        _, front_end = FRONT_ENDS[experiment.front_end.kind]
        _, network = ARCHITECTURES[experiment.model.kind]
        self.front_end = front_end(experiment.front_end.config)
        self.network = network(experiment.model.config, self.front_end.bands)
        self.carried: nn.Module | None = None
        dim = experiment.model.config.dim
        self.teacher_dim = experiment.teacher.dim
        self.own_dim = dim - self.teacher_dim
        self.register_buffer("teacher_share", torch.tensor(0.5))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, bands, frames) → both parts: (batch, own_dim), (batch, teacher_dim)."""
        own, taught = self.network(features).split([self.own_dim, self.teacher_dim], dim=1)
        return own, taught

    def carry(self, teacher: nn.Module) -> None:
        """Have the teacher itself, waveforms (batch, samples) → (batch, teacher_dim), as a part."""
        self.carried = teacher

    def raw(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → both parts side by side (batch, dim), of any length."""
        trained: Tensor = self.network(self.front_end(waveform))
        if self.carried is None:
            return trained
        return torch.cat([trained[:, : self.own_dim], self.carried(waveform)], dim=1)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, dim) of unit length."""
        raw = (self.raw(waveform) - self.mean) / self.std
        if not self.teacher_dim:
            return functional.normalize(raw)
        own, taught = raw[:, : self.own_dim], raw[:, self.own_dim :]
        return torch.cat(
            [
                functional.normalize(own) * (1 - self.teacher_share).sqrt(),
                functional.normalize(taught) * self.teacher_share.sqrt(),
            ],
            dim=1,
        )

    def standardise(self, raw: Tensor) -> None:
        """Set mean and std to those of embeddings (n, dim) as the network gives them."""
        self.mean.copy_(raw.mean(dim=0))
        self.std.copy_(raw.std(dim=0).clamp(min=1e-6))
