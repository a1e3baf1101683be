"""Waveform → power spectra of its frames, as a convolution, which every ONNX runtime has.

Waveforms have shape (batch, samples) at 16 kHz, spectra (batch, fft/2 + 1, frames).
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_SILENCE = 1e-5  # RMS below which a waveform is not made louder any more


class PowerSpectra(nn.Module):
    """Windowed frames every `shift` samples, each at |Fourier transform|² of `fft` points.

    The waveform is first brought to an RMS of 1, so that loudness does not matter, unless told to
    `keep_level`. With a `pre_emphasis` p the frame is of y[n] = x[n] - p·x[n-1].
    """

    kernels: Tensor  # (fft + 2, 1, window): windowed cosines, then sines, pre-emphasis folded in

    def __init__(
        self,
        window: NDArray[np.floating[Any]],
        fft: int,
        shift: int,
        pre_emphasis: float = 0.0,
        *,
        keep_level: bool = False,
    ) -> None:
        super().__init__()
        self.shift = shift
        self.keep_level = keep_level
        angles = 2 * np.pi * np.outer(np.arange(fft // 2 + 1), np.arange(len(window))) / fft
        waves = np.concatenate([np.cos(angles), -np.sin(angles)]) * window
        if pre_emphasis:
            emphasised = np.pad(waves, ((0, 0), (1, 0)))
            emphasised[:, :-1] -= pre_emphasis * waves
            waves = emphasised
        self.register_buffer("kernels", float32(waves)[:, None], persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → power (batch, fft/2 + 1, frames)."""
        half = self.kernels.shape[-1] // 2
        if not self.keep_level:
            rms = waveform.square().mean(dim=1, keepdim=True).sqrt().clamp(min=_SILENCE)
            waveform = waveform / rms
        padded = functional.pad(waveform[:, None], (half, half))
        waves = functional.conv1d(padded, self.kernels, stride=self.shift)
        cosines, sines = waves.chunk(2, dim=1)
        return cosines.square() + sines.square()


def float32(array: NDArray[np.floating[Any]]) -> Tensor:
    """A tensor of single precision."""
    return torch.from_numpy(array.astype(np.float32))
