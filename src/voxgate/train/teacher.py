"""An existing model as teacher: Resemblyzer, whose weights come in its wheel.

Its embedding of each whole clean recording is a target for a part of the student's. A pack has
that part, or carries the teacher's own network in its place. The teacher's embeddings are positive
and crowd together; `speaker_space` spreads them out, in either case.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.resemblyzer import DIM, Resemblyzer, published
from voxgate.train.sampling import change_speed

_AT_ONCE = 64  # recordings


class CarriedTeacher(nn.Module):
    """The teacher in a speaker space: waveforms (batch, samples) → (batch, dim). Not trained."""

    def __init__(
        self, teacher: Resemblyzer, centre: NDArray[np.float64], axes: NDArray[np.float64]
    ) -> None:
        super().__init__()
        self.teacher = teacher
        self.project = nn.Linear(*axes.shape)
        self.requires_grad_(False)
        self.project.weight.copy_(torch.from_numpy(axes.T))
        self.project.bias.copy_(torch.from_numpy(-centre @ axes))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, dim), not of unit length."""
        embedding: Tensor = self.project(self.teacher(waveform))
        return embedding


def teacher_embeddings(
    corpus: Corpus, speeds: tuple[float, ...], cache: Path
) -> NDArray[np.float32]:
    """What the teacher makes of each recording at each speed: (speeds, recordings, 256).

    Computed once and kept in the folder `cache`.

    Raises:
        TrainingError: what is kept there is of other recordings.
    """
    file = cache / f"teacher-{'-'.join(map(str, speeds))}.npy"
    if file.is_file():
        kept: NDArray[np.float32] = np.load(file)
        if kept.shape[1] != len(corpus):
            raise TrainingError(
                f"{file} is of {kept.shape[1]} recordings, not of {len(corpus)}; delete it."
            )
        return kept
    teacher = published()
    result = np.zeros((len(speeds), len(corpus), DIM), np.float32)
    for s, speed in enumerate(speeds):
        for first in range(0, len(corpus), _AT_ONCE):
            rows = range(first, min(first + _AT_ONCE, len(corpus)))
            speech = [corpus.speech(row) for row in rows]
            faster = [change_speed(x, round(len(x) / speed / 2) * 2) for x in speech]
            result[s, first : first + len(rows)] = _embed(teacher, faster)
    np.save(file, result)
    return result


@torch.no_grad()
def _embed(teacher: Resemblyzer, recordings: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Embeddings (recordings, 256), the windows of all in one batch."""
    windows = [teacher.windows(torch.from_numpy(recording)[None])[0] for recording in recordings]
    embedded = teacher.embed_windows(torch.cat(windows))
    counts = [len(window) for window in windows]
    means = [part.mean(dim=0) for part in torch.split(embedded, counts)]
    unit: NDArray[np.float32] = nn.functional.normalize(torch.stack(means)).numpy()
    return unit


def speaker_space(
    embeddings: NDArray[np.float32],
    speaker: NDArray[np.int64],
    chosen: NDArray[np.int64],
    dim: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where embeddings (speeds, recordings, 256) are best compared, by those of known speakers.

    Directions in which one speaker's recordings vary are made shorter (within-class covariance
    normalisation, Hatch et al. 2006, with as much of the identity mixed in); of what comes of
    that, the `dim` principal directions. Fitted on the `chosen` recordings at the middle
    (unchanged) speed.

    Returns:
        A centre (256,) to be subtracted, and axes (256, dim) to multiply the rest with.
    """
    reference = embeddings[len(embeddings) // 2][chosen].astype(np.float64)
    labels, row = np.unique(speaker[chosen], return_inverse=True)
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


def in_space(
    embeddings: NDArray[np.float32], centre: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Embeddings (speeds, recordings, 256) → (speeds, recordings, dim), of unit length."""
    projected = (embeddings - centre) @ axes
    projected /= np.linalg.norm(projected, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = projected.astype(np.float32)
    return unit
