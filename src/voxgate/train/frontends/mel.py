"""Waveform → log mel.

25 ms Hamming windows every 10 ms, pre-emphasis 0.97, power spectrum of 512 points, triangular
filters on the HTK mel scale, natural logarithm, mean of each band over the utterance removed. The
waveform is first brought to an RMS of 1, so loudness does not matter.

Waveforms have shape (batch, samples) at 16 kHz, features (batch, bands, frames).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from voxgate.audio import SAMPLE_RATE
from voxgate.train.frontends.fourier import PowerSpectra, float32


@dataclass(frozen=True)
class MelConfig:
    """What the mel filters look like."""

    bands: int = 80
    low_hz: float = 20.0
    high_hz: float = 7600.0
    window_ms: float = 25.0
    shift_ms: float = 10.0
    fft: int = 512


_PRE_EMPHASIS = 0.97
FLOOR = 1e-3  # added to the power of a band before its logarithm: 59 dB under white noise of RMS 1


def mel_filters(config: MelConfig) -> NDArray[np.float64]:
    """Triangles of height 1, equally spaced in mel = 2595·log10(1 + f/700); (bands, fft/2 + 1)."""

    def mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(2595 * np.log10(1 + np.asarray(hz) / 700))

    corners = np.linspace(mel(config.low_hz), mel(config.high_hz), config.bands + 2)
    bins = mel(np.linspace(0, SAMPLE_RATE / 2, config.fft // 2 + 1))
    rising = (bins - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - bins) / (corners[2:] - corners[1:-1])[:, None]
    return np.minimum(rising, falling).clip(min=0)


class MelPower(nn.Module):
    """Waveform → power in each mel band. It has no trainable weight."""

    filters: Tensor  # (bands, fft/2 + 1, 1)

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        window = round(config.window_ms * SAMPLE_RATE / 1000)
        shift = round(config.shift_ms * SAMPLE_RATE / 1000)
        self.spectra = PowerSpectra(np.hamming(window), config.fft, shift, _PRE_EMPHASIS)
        self.register_buffer("filters", float32(mel_filters(config))[:, :, None], persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → power (batch, bands, frames)."""
        return functional.conv1d(self.spectra(waveform), self.filters)


class Mel(nn.Module):
    """The layer."""

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.bands = config.bands
        self.power = MelPower(config)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → features (batch, bands, frames)."""
        logs = torch.log(self.power(waveform) + FLOOR)
        return logs - logs.mean(dim=2, keepdim=True)
