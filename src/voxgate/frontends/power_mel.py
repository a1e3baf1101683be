"""librosa's mel power spectrogram, without a logarithm, as Resemblyzer uses it.

The waveform is first made as loud as `level_dbfs` where it is quieter, never softer. Frames
centred between zeros, periodic Hann window, power, Slaney's mel filters of area 1.

McFee et al., "librosa: audio and music signal analysis in Python", 2015; Resemblyzer,
resemblyzer/audio.py.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from voxgate.audio import Waveform
from voxgate.frontends.spectrum import (
    Float32s,
    band_energies,
    centred_frames,
    check_length,
    slaney_filters,
    window,
)


@dataclass(frozen=True)
class PowerMel:
    """The options."""

    sample_rate_hz: int
    level_dbfs: float  # RMS that a quieter waveform is brought up to
    frame_length: int  # samples; also the FFT's size
    frame_shift: int
    bands: int
    low_hz: float
    high_hz: float

    @property
    def shortest(self) -> int:
        return 1

    def features(self, waveform: Waveform) -> Float32s:
        """Features (frames, bands) of a waveform (samples,)."""
        check_length(waveform, self.shortest)
        samples = waveform.astype(np.float32, copy=False) * np.float32(self._gain(waveform))
        cut = centred_frames(samples, self.frame_length, self.frame_shift, "constant")
        return band_energies(cut, self._window, self._filters)

    def _gain(self, waveform: Waveform) -> float:
        rms = math.sqrt(np.mean(np.square(waveform, dtype=np.float64)))
        return max(1.0, 10 ** (self.level_dbfs / 20) / rms) if rms > 0 else 1.0

    @cached_property
    def _window(self) -> Float32s:
        return window("hann", self.frame_length, periodic=True)

    @cached_property
    def _filters(self) -> Float32s:
        return slaney_filters(
            self.bands, self.frame_length, self.sample_rate_hz, self.low_hz, self.high_hz
        )
