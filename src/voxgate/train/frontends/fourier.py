"""Waveform → power spectra of its frames, as matrix products, which every ONNX runtime has.

Waveforms have shape (batch, samples) at 16 kHz, spectra (batch, fft/2 + 1, frames).
"""

import math
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

    A window is the same from either end, and power does not depend on where time begins: counted
    from the window's middle, cosines see only the sum of the two samples that lie as far from it,
    and sines only their difference. So there is half as much to multiply.
    """

    halved: Tensor  # (sums,): the window up to its middle
    time: Tensor  # (sums,): samples from the middle, some of them halves
    bins: Tensor  # (fft/2 + 1,)

    def __init__(
        self,
        window: NDArray[np.floating[Any]],
        fft: int,
        shift: int,
        pre_emphasis: float = 0.0,
        *,
        keep_level: bool = False,
    ) -> None:
        """`window`: symmetric, or periodic: so but for its first sample.

        Raises:
            ValueError: it is neither.
        """
        super().__init__()
        self.window, self.fft = len(window), fft
        self.shift = shift
        self.pre_emphasis = pre_emphasis
        self.keep_level = keep_level
        self.alone = 0 if np.allclose(window, window[::-1]) else 1
        if not np.allclose(window[self.alone :], window[self.alone :][::-1]):
            raise ValueError("The window is not the same from either end.")
        self.pairs = (self.window - self.alone) // 2
        time = np.arange(self.window - self.pairs) - (self.window - 1 + self.alone) / 2
        self.register_buffer("halved", float32(window[: len(time)]), persistent=False)
        self.register_buffer("time", float32(time), persistent=False)
        self.register_buffer("bins", torch.arange(fft // 2 + 1.0), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → power (batch, fft/2 + 1, frames)."""
        if not self.keep_level:
            rms = waveform.square().mean(dim=1, keepdim=True).sqrt().clamp(min=_SILENCE)
            waveform = waveform / rms
        half = (self.window + 1 if self.pre_emphasis else self.window) // 2
        padded = functional.pad(waveform, (half, half))
        if self.pre_emphasis:
            padded = padded[:, 1:] - self.pre_emphasis * padded[:, :-1]
        frames = self._frames(padded)
        alone, frames = torch.split(frames, [self.alone, self.window - self.alone], dim=2)
        middle = frames[:, :, self.pairs : frames.shape[2] - self.pairs]
        first, last = frames[:, :, : self.pairs], frames[:, :, -self.pairs :].flip(2)
        cosines, sines = self._tables()
        real = torch.cat([alone, first + last, middle], dim=2) @ cosines
        imaginary = torch.cat([alone, first - last], dim=2) @ sines
        return (real.square() + imaginary.square()).transpose(1, 2)

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Windowed cosines (sums, fft/2 + 1) and sines (differences, fft/2 + 1).

        Worked out where they are used: in an exported graph that is once, when it is loaded, and
        they take no room in its file. Whole turns are taken off first, while products are exact.
        """
        turns = self.time[:, None] * self.bins
        turns = turns - self.fft * torch.floor(turns / self.fft)
        angles = turns * (2 * math.pi / self.fft)
        window = self.halved[:, None]
        return window * angles.cos(), (window * angles.sin())[: self.alone + self.pairs]

    def _frames(self, padded: Tensor) -> Tensor:
        """Waveforms → (batch, frames, window), joined of blocks of `shift` samples."""
        count = (padded.shape[1] - self.window) // self.shift + 1
        each = -(-self.window // self.shift)  # blocks that a frame reaches into
        enough = functional.pad(padded, (0, each * self.shift))
        blocks = torch.unflatten(enough[:, : (count + each - 1) * self.shift], 1, (-1, self.shift))
        joined = torch.cat([blocks[:, i : i + count] for i in range(each)], dim=2)
        return joined[:, :, : self.window]


def float32(array: NDArray[np.floating[Any]]) -> Tensor:
    """A tensor of single precision."""
    return torch.from_numpy(array.astype(np.float32))
