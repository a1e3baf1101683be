"""Kaldi's log mel filter bank, as WeSpeaker and 3D-Speaker use it.

Per frame: its mean taken away, pre-emphasis, window, FFT of the next power of two, power,
triangles in mel = 1127 ln(1 + f / 700), natural logarithm. No dither. Frames begin with the
waveform (`snip_edges`), or are centred in their shifts with the ends mirrored.

Povey et al., "The Kaldi speech recognition toolkit", 2011; feat/feature-window.cc and
feat/mel-computations.cc there. Reference here: kaldi-native-fbank.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from voxgate.audio import Waveform
from voxgate.frontends.spectrum import (
    Float32s,
    Floats,
    band_energies,
    bin_frequencies_hz,
    check_length,
    frames,
    mean_of_bands,
    triangles,
    window,
)

_FLOOR = np.finfo(np.float32).eps  # 1.19e-7, before the logarithm


@dataclass(frozen=True)
class Kaldi:
    """The options; those not named are Kaldi's defaults."""

    sample_rate_hz: int
    sample_scale: float  # 32768 where the network was trained on 16-bit numbers, else 1
    window: str  # "povey" or "hamming"
    frame_length: int  # samples
    frame_shift: int
    remove_dc: bool
    pre_emphasis: float
    snip_edges: bool
    bands: int
    low_hz: float
    high_hz: float
    subtract_mean: bool  # of each band over the utterance

    @property
    def shortest(self) -> int:
        return self.frame_length

    def features(self, waveform: Waveform) -> Float32s:
        """Features (frames, bands) of a waveform (samples,)."""
        check_length(waveform, self.shortest)
        samples = waveform.astype(np.float32, copy=False) * np.float32(self.sample_scale)
        cut = frames(self._edges(samples), self.frame_length, self.frame_shift)
        energies = band_energies(cut, self._window, self._filters, prepare=self._prepare)
        logs: Float32s = np.log(np.maximum(energies, _FLOOR))
        return logs - mean_of_bands(logs) if self.subtract_mean else logs

    def _edges(self, samples: Float32s) -> Float32s:
        """The samples from the first frame's start to the last one's end."""
        if self.snip_edges:
            return samples
        count = (len(samples) + self.frame_shift // 2) // self.frame_shift
        left = self.frame_length // 2 - self.frame_shift // 2
        right = (count - 1) * self.frame_shift + self.frame_length - left - len(samples)
        padded: Float32s = np.pad(samples, (left, max(right, 0)), "symmetric")
        return padded[: left + len(samples) + right]

    def _prepare(self, cut: Float32s) -> Float32s:
        centred: Float32s = cut - cut.mean(axis=1, keepdims=True) if self.remove_dc else cut
        emphasised: Float32s = centred.copy()
        emphasised[:, 1:] -= np.float32(self.pre_emphasis) * centred[:, :-1]
        emphasised[:, 0] -= np.float32(self.pre_emphasis) * centred[:, 0]
        return emphasised

    @cached_property
    def _window(self) -> Float32s:
        return window(self.window, self.frame_length, periodic=False)

    @cached_property
    def _filters(self) -> Float32s:
        fft_size = 1 << (self.frame_length - 1).bit_length()
        corners = np.linspace(_mel(self.low_hz), _mel(self.high_hz), self.bands + 2)
        filters = triangles(_mel(bin_frequencies_hz(fft_size, self.sample_rate_hz)), corners)
        filters[-1] = 0  # Kaldi leaves out the last bin
        return filters.astype(np.float32)


def _mel(hz: float | Floats) -> Floats:
    return np.asarray(1127 * np.log(1 + np.asarray(hz) / 700))
