"""The whole model: waveform → front end → network → embedding."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.train.architectures import ARCHITECTURES
from voxgate.train.config import Experiment
from voxgate.train.frontends import FRONT_ENDS


class SpeakerModel(nn.Module):
    """What is trained and exported.

    The embedding has up to three parts, each of unit length: one that separates the training
    speakers, one that follows a teacher, and that of a network that is carried, not trained.
    `shares` (parts,), whose sum is 1, are their weights in a cosine of whole embeddings: that is
    the weighted mean of the parts' cosines. A part without a share is left out.

    Before it is brought to unit length the embedding is standardised: `mean` is taken from it and
    it is divided by `std`, both (dim,). They are 0 and 1 until `standardise` sets them.
    """

    shares: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        _, front_end = FRONT_ENDS[experiment.front_end.kind]
        _, network = ARCHITECTURES[experiment.model.kind]
        self.front_end = front_end(experiment.front_end.config)
        self.network = network(experiment.model.config, self.front_end.bands)
        self.carried = nn.ModuleList()
        taught = experiment.teacher.dim
        self.own_dim = experiment.model.config.dim - taught
        self.sizes = [self.own_dim, taught] if taught else [self.own_dim]
        dim = sum(self.sizes)
        self.register_buffer("shares", torch.full((len(self.sizes),), 1 / len(self.sizes)))
        self.kept = [True] * len(self.sizes)  # which parts have a share
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def own_and_taught(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, bands, frames) → the parts that are trained; the second may be empty."""
        trained = self.network(features)
        return trained[:, : self.own_dim], trained[:, self.own_dim :]

    def carry(self, network: nn.Module, dim: int) -> None:
        """Have a network, waveforms (batch, samples) → (batch, dim), as one more part."""
        self.carried.append(network)
        self.sizes = [*self.sizes, dim]
        self.mean = functional.pad(self.mean, (0, dim))
        self.std = functional.pad(self.std, (0, dim), value=1.0)
        self.weigh([1 / len(self.sizes)] * len(self.sizes))

    def weigh(self, shares: Sequence[float]) -> None:
        """Set the shares of the parts in a cosine."""
        self.shares = torch.tensor(shares).to(self.mean)
        self.kept = [share > 0 for share in shares]

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return sum(size for size, kept in zip(self.sizes, self.kept, strict=True) if kept)

    def raw(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → the parts side by side (batch, dim), of any length."""
        trained: Tensor = self.network(self.front_end(waveform))
        return torch.cat([trained, *(network(waveform) for network in self.carried)], dim=1)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, dim) of unit length."""
        parts = torch.split((self.raw(waveform) - self.mean) / self.std, self.sizes, dim=1)
        if len(parts) == 1:
            return functional.normalize(parts[0])
        weighed = [
            functional.normalize(part) * share.sqrt()
            for part, share, kept in zip(parts, self.shares, self.kept, strict=True)
            if kept
        ]
        return torch.cat(weighed, dim=1)

    def standardise(self, raw: Tensor) -> None:
        """Set mean and std to those of embeddings (n, dim) as the network gives them."""
        self.mean.copy_(raw.mean(dim=0))
        self.std.copy_(raw.std(dim=0).clamp(min=1e-6))
