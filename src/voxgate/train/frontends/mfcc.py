"""Waveform → mel-frequency cepstral coefficients.

The orthonormal DCT-II over the log mel bands of a frame, its first `coefficients` kept; the mean of
each over the utterance is removed. Windows and filters are those of `mel`.

Waveforms have shape (batch, samples) at 16 kHz, features (batch, coefficients, frames).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from voxgate.errors import TrainingError
from voxgate.train.frontends.fourier import float32
from voxgate.train.frontends.mel import Mel, MelConfig


@dataclass(frozen=True)
class MfccConfig(MelConfig):
    """As for mel, and how many coefficients."""

    bands: int = 40
    coefficients: int = 20


def dct(bands: int, coefficients: int) -> NDArray[np.float64]:
    """Rows of the orthonormal DCT-II: (coefficients, bands)."""
    angles = np.pi / bands * np.outer(np.arange(coefficients), np.arange(bands) + 0.5)
    rows: NDArray[np.float64] = np.cos(angles) * np.sqrt(2 / bands)
    rows[0] /= np.sqrt(2)
    return rows


class Mfcc(nn.Module):
    """The layer. It has no trainable weight."""

    rows: Tensor  # (coefficients, bands, 1)

    def __init__(self, config: MfccConfig) -> None:
        super().__init__()
        if not 0 < config.coefficients <= config.bands:
            raise TrainingError(
                f"front_end.coefficients is {config.coefficients}; it must be from 1 to the "
                f"{config.bands} bands."
            )
        self.bands = config.coefficients
        self.mel = Mel(config)
        rows = dct(config.bands, config.coefficients)
        self.register_buffer("rows", float32(rows)[:, :, None], persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → features (batch, coefficients, frames)."""
        return functional.conv1d(self.mel(waveform), self.rows)
