"""An existing model as teacher: its embedding of each training recording, as a target.

Resemblyzer 0.1.4 (Corentin Jemine; GE2E of Wan et al. 2018, arXiv:1710.10467; weights under
Apache-2.0, trained on LibriSpeech-other and VoxCeleb 1 and 2) brings its weights in its wheel. Its
embeddings are positive and crowd together; `speaker_space` spreads them out, and that space is what
the student learns.
"""

from pathlib import Path

import librosa
import numpy as np
import resemblyzer
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.sampling import change_speed

_FRAMES = 160  # of 10 ms: the window the teacher was trained on
_FFT, _HOP = 400, 160
_LEVEL_DBFS = -30.0  # quieter recordings are brought up to this


def teacher_embeddings(
    corpus: Corpus, speeds: tuple[float, ...], file: Path
) -> NDArray[np.float32]:
    """What the teacher makes of each recording at each speed: (speeds, recordings, 256).

    Computed once and kept in `file`.

    Raises:
        TrainingError: `file` is of other recordings or speeds.
    """
    if file.is_file():
        kept: NDArray[np.float32] = np.load(file)
        if kept.shape[:2] != (len(speeds), len(corpus)):
            raise TrainingError(
                f"{file} is of {kept.shape[1]} recordings at {kept.shape[0]} speeds, not of "
                f"{len(corpus)} at {len(speeds)}; delete it."
            )
        return kept
    teacher = Teacher()
    result = np.zeros((len(speeds), len(corpus), 256), np.float32)
    for s, speed in enumerate(speeds):
        for first in range(0, len(corpus), 64):
            rows = range(first, min(first + 64, len(corpus)))
            speech = [corpus.speech(row) for row in rows]
            faster = [change_speed(x, round(len(x) / speed / 2) * 2) for x in speech]
            result[s, first : first + len(rows)] = teacher.embed(faster)
    np.save(file, result)
    return result


class Teacher:
    """Resemblyzer's network over many recordings at once, with its own front end."""

    def __init__(self) -> None:
        self.network = resemblyzer.VoiceEncoder("cpu", verbose=False).eval()
        filters = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=_FFT, n_mels=40)
        self.filters = torch.from_numpy(filters)

    @torch.no_grad()
    def embed(self, recordings: list[Waveform]) -> NDArray[np.float32]:
        """Embeddings (recordings, 256), unit length: mean over windows of 1.6 s."""
        windows = [self._windows(recording) for recording in recordings]
        counts = [len(w) for w in windows]
        with torch.autocast("cpu", torch.bfloat16):
            embedded = self.network(torch.cat(windows)).float()
        means = torch.stack([part.mean(dim=0) for part in embedded.split(counts)])
        unit: NDArray[np.float32] = functional.normalize(means).numpy()
        return unit

    def _windows(self, recording: Waveform) -> Tensor:
        level = np.sqrt((recording**2).mean()) + 1e-9
        waveform = torch.from_numpy(recording * max(1.0, 10 ** (_LEVEL_DBFS / 20) / level))
        spectrum = torch.stft(
            waveform.float(), _FFT, _HOP, window=torch.hann_window(_FFT),
            center=True, pad_mode="constant", return_complex=True,
        )  # fmt: skip
        mel = (self.filters @ spectrum.abs().square()).T
        if len(mel) < _FRAMES:
            return functional.pad(mel, (0, 0, 0, _FRAMES - len(mel)))[None]
        count = -(-len(mel) // _FRAMES)
        starts = np.linspace(0, len(mel) - _FRAMES, count).round().astype(int)
        return torch.stack([mel[start : start + _FRAMES] for start in starts])


def speaker_space(
    embeddings: NDArray[np.float32],
    speaker: NDArray[np.int64],
    chosen: NDArray[np.int64],
    dim: int,
) -> NDArray[np.float32]:
    """Embeddings (speeds, recordings, 256) → (speeds, recordings, dim), fit to be compared.

    Centred; directions in which one speaker's recordings vary made shorter (within-class covariance
    normalisation, Hatch et al. 2006, with as much of the identity mixed in); the `dim` principal
    directions of that. Fitted on the `chosen` recordings at the middle (unchanged) speed.
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
    projected = (embeddings - centre) @ (shorten @ principal[:, -dim:])
    projected /= np.linalg.norm(projected, axis=-1, keepdims=True)
    targets: NDArray[np.float32] = projected.astype(np.float32)
    return targets
