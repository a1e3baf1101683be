"""librosa's mel power spectrogram, without a logarithm, as Resemblyzer uses it.

Frames centred between zeros, periodic Hann window, power, Slaney's mel filters of area 1.

McFee et al., "librosa: audio and music signal analysis in Python", 2015; Resemblyzer,
resemblyzer/audio.py.
"""

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
        samples = waveform.astype(np.float32, copy=False)
        cut = centred_frames(samples, self.frame_length, self.frame_shift, "constant")
        return band_energies(cut, self._window, self._filters)

    @cached_property
    def _window(self) -> Float32s:
        return window("hann", self.frame_length, periodic=True)

    @cached_property
    def _filters(self) -> Float32s:
        return slaney_filters(
            self.bands, self.frame_length, self.sample_rate_hz, self.low_hz, self.high_hz
        )
