"""Waveform → magnitudes of its short-time Fourier transform, all bins of them.

Hann windows; by default 1024 samples every 512, as small Siamese systems have them. The waveform is
first brought to an RMS of 1. Of the scales, "magnitude" is the root of the power, "log" the natural
logarithm of the power and "db" ten times its common logarithm, both of a power that is 1e-3 at
least (white noise of RMS 1 has 384 in each bin of a frame).

Waveforms have shape (batch, samples) at 16 kHz, features (batch, fft/2 + 1, frames).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from voxgate.errors import TrainingError
from voxgate.train.frontends.fourier import PowerSpectra
from voxgate.train.frontends.mel import FLOOR

_SCALES = ("magnitude", "log", "db")


@dataclass(frozen=True)
class StftConfig:
    """Sizes in samples, and what is done to the magnitudes."""

    window: int = 1024  # and the points of the transform
    shift: int = 512
    scale: str = "log"  # "magnitude", "log" or "db"
    remove_mean: bool = True  # of each bin over the utterance


class Stft(nn.Module):
    """The layer. It has no trainable weight."""

    def __init__(self, config: StftConfig) -> None:
        super().__init__()
        if config.scale not in _SCALES:
            raise TrainingError(
                f"front_end.scale is {config.scale!r}; it must be one of {', '.join(_SCALES)}."
            )
        self.config = config
        self.bands = config.window // 2 + 1
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / config.window)
        self.spectra = PowerSpectra(hann, config.window, config.shift)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → features (batch, fft/2 + 1, frames)."""
        power: Tensor = self.spectra(waveform)
        if self.config.scale == "magnitude":
            features = power.clamp(min=1e-12).sqrt()  # at 0 the root has no gradient
        else:
            features = torch.log(power.clamp(min=FLOOR))
            if self.config.scale == "db":
                features = features * (10 / math.log(10))
        if self.config.remove_mean:
            features = features - features.mean(dim=2, keepdim=True)
        return features
