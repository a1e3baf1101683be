"""A part of a pack's embedding that is not trained: a public network, in a speaker space.

Its embeddings crowd together around some direction; `speaker_space` spreads them out.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.config import Experiment
from voxgate.train.judge import embed_all
from voxgate.train.model import SpeakerModel
from voxgate.train.resemblyzer import published


class Carried(nn.Module):
    """The network and what brings its embeddings into the space: waveforms → (batch, dim)."""

    def __init__(
        self, network: nn.Module, centre: NDArray[np.float64], axes: NDArray[np.float64]
    ) -> None:
        super().__init__()
        self.network = network
        self.project = nn.Linear(*axes.shape)
        self.requires_grad_(False)
        self.project.weight.copy_(torch.from_numpy(axes.T))
        self.project.bias.copy_(torch.from_numpy(-centre @ axes))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, dim), not of unit length."""
        embedding: Tensor = self.project(self.network(waveform))
        return embedding


def carry(
    model: SpeakerModel, experiment: Experiment, corpus: Corpus, chosen: NDArray[np.int64]
) -> None:
    """Give the model Resemblyzer's network as one more part, if its experiment wants that.

    It is brought into the space of the speakers of the `chosen` recordings.
    """
    wanted = experiment.carried
    if not wanted.dim:
        return
    network = published(wanted.windows or None)
    embeddings = embed_all(network, corpus, chosen)
    space = speaker_space(embeddings, corpus.speaker[chosen], wanted.dim)
    model.carry(Carried(network, *space), wanted.dim)


def speaker_space(
    embeddings: NDArray[np.float32], speaker: NDArray[np.int64], dim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where embeddings (recordings, n) are best compared, by those of known speakers.

    Directions in which one speaker's recordings vary are made shorter (within-class covariance
    normalisation, Hatch et al. 2006, with as much of the identity mixed in); of what comes of
    that, the `dim` principal directions.

    Returns:
        A centre (n,) to be subtracted, and axes (n, dim) to multiply the rest with.

    Raises:
        TrainingError: there are fewer than `dim` numbers in an embedding.
    """
    if dim > embeddings.shape[1]:
        raise TrainingError(
            f"A part of {dim} numbers cannot be made of a network that gives {embeddings.shape[1]}."
        )
    reference = embeddings.astype(np.float64)
    labels, row = np.unique(speaker, return_inverse=True)
    counts = np.bincount(row)
    means = np.zeros((len(labels), reference.shape[1]))
    np.add.at(means, row, reference)
    within = (reference - (means / counts[:, None])[row])[counts[row] > 1]
    covariance = within.T @ within / len(within)
    covariance += np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    shorten = np.linalg.cholesky(np.linalg.inv(covariance))
    centre = reference.mean(axis=0)
    _, principal = np.linalg.eigh(np.cov(((reference - centre) @ shorten).T))
    return centre, shorten @ principal[:, -dim:]
