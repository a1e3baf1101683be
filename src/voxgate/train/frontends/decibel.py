"""Waveform → mel spectrum in decibels, as SpeechBrain's ECAPA-TDNN hears it.

25 ms periodic Hamming windows every 10 ms, triangles on HTK's mel scale from 0 to 8000 Hz,
10 log10 of the power, nothing more than 80 dB below the loudest, mean of each band over the
utterance removed: `voxgate.frontends.speechbrain` as a layer. The waveform is first brought to an
RMS of 1, so loudness does not matter.

Waveforms have shape (batch, samples) at 16 kHz, features (batch, bands, frames).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.frontends.presets import PRESETS
from voxgate.frontends.speechbrain import SpeechBrain
from voxgate.train.frontends.fourier import PowerSpectra, float32


@dataclass(frozen=True)
class DecibelConfig:
    """Nothing to choose: a public network was trained on just these features."""


class Decibel(nn.Module):
    """The layer. It has no trainable weight."""

    filters: Tensor  # (bands, fft/2 + 1, 1)

    def __init__(self, config: DecibelConfig) -> None:
        super().__init__()
        del config
        options = {**PRESETS["speechbrain-ecapa"].front_end}
        del options["family"]
        e = SpeechBrain(**options)
        self.bands, self.floor, self.range_db = e.bands, e.floor, e.range_db
        self.spectra = PowerSpectra(e.window, e.frame_length, e.frame_shift)
        self.register_buffer("filters", float32(e.filters.T)[:, :, None], persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → features (batch, bands, frames)."""
        power = functional.conv1d(self.spectra(waveform), self.filters)
        levels = 10 * torch.log10(power.clamp(min=self.floor))
        levels = torch.maximum(levels, levels.amax(dim=(1, 2), keepdim=True) - self.range_db)
        return levels - levels.mean(dim=2, keepdim=True)
