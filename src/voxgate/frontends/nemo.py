"""NeMo's log mel spectrogram, as TitaNet uses it.

Pre-emphasis over the whole waveform, frames centred between zeros, symmetric Hann window in the
middle of the FFT, power, Slaney's mel filters of area 1, ln(x + `log_offset`); each band's mean
taken away and divided by its standard deviation over the utterance. There are `samples // shift`
frames: NeMo computes one more and masks it.

Kuchaiev et al., "NeMo: a toolkit for building AI applications", arXiv:1909.09577;
nemo/collections/asr/parts/preprocessing/features.py there. Padding to a multiple of frames is
the pack's `frames_multiple`.
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
    in_the_middle,
    mean_of_bands,
    slaney_filters,
    window,
)

_SMALLEST_SPREAD = 1e-5  # added to the standard deviation


@dataclass(frozen=True)
class Nemo:
    """The options."""

    sample_rate_hz: int
    pre_emphasis: float
    window_length: int  # samples
    frame_shift: int
    fft_size: int
    bands: int
    low_hz: float
    high_hz: float
    log_offset: float
    standardise: bool  # each band over the utterance: mean 0, standard deviation 1

    @property
    def shortest(self) -> int:
        return 2 * self.frame_shift  # a standard deviation takes two frames

    def features(self, waveform: Waveform) -> Float32s:
        """Features (frames, bands) of a waveform (samples,)."""
        check_length(waveform, self.shortest)
        samples = waveform.astype(np.float32)
        samples[1:] -= np.float32(self.pre_emphasis) * waveform[:-1]
        cut = centred_frames(samples, self.fft_size, self.frame_shift, "constant")
        energies = band_energies(cut[: len(waveform) // self.frame_shift], *self._shapes)
        logs: Float32s = np.log(energies + np.float32(self.log_offset))
        if self.standardise:
            spread = logs.std(axis=0, ddof=1) + np.float32(_SMALLEST_SPREAD)
            logs = (logs - mean_of_bands(logs)) / spread
        return logs

    @cached_property
    def _shapes(self) -> tuple[Float32s, Float32s]:
        """The window (fft_size,), and the filters."""
        weights = window("hann", self.window_length, periodic=False)
        filters = slaney_filters(
            self.bands, self.fft_size, self.sample_rate_hz, self.low_hz, self.high_hz
        )
        return in_the_middle(weights, self.fft_size), filters
