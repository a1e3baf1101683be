"""Waveform → mel spectrogram as a picture: decibels under its own peak, from 0 (dark) to 1.

What lies `range_db` or more under the peak is 0. Windows and filters are those of `mel`.

Waveforms have shape (batch, samples) at 16 kHz, features (batch, bands, frames).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from voxgate.train.frontends.mel import FLOOR, MelConfig, MelPower


@dataclass(frozen=True)
class PictureConfig(MelConfig):
    """As for mel, and how deep the picture is."""

    range_db: float = 60.0


class Picture(nn.Module):
    """The layer. It has no trainable weight."""

    def __init__(self, config: PictureConfig) -> None:
        super().__init__()
        self.bands = config.bands
        self.range_db = config.range_db
        self.power = MelPower(config)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → features (batch, bands, frames)."""
        level_db = torch.log(self.power(waveform) + FLOOR) * (10 / math.log(10))
        under_peak_db = level_db - level_db.amax(dim=(1, 2), keepdim=True)
        return (under_peak_db / self.range_db + 1).clamp(min=0)
