"""SpeechBrain's filter bank in decibels, as its ECAPA-TDNN uses it.

Frames centred between zeros, periodic Hamming window, power, triangles on HTK's mel scale,
10 log10 of at least `floor`, nothing more than `range_db` below the loudest, mean of each band
over the utterance taken away. A triangle is as wide above its centre as below it: its left band
counts for both sides.

Ravanelli et al., "SpeechBrain: a general-purpose speech toolkit", arXiv:2106.04624;
speechbrain/processing/features.py there.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from voxgate.audio import Waveform
from voxgate.features import hz_to_mel, mel_to_hz
from voxgate.frontends.spectrum import (
    Float32s,
    band_energies,
    bin_frequencies_hz,
    centred_frames,
    check_length,
    corners_hz,
    mean_of_bands,
)
from voxgate.frontends.spectrum import window as taper


@dataclass(frozen=True)
class SpeechBrain:
    """The options."""

    sample_rate_hz: int
    frame_length: int  # samples; also the FFT's size
    frame_shift: int
    bands: int
    low_hz: float
    high_hz: float
    floor: float  # of the energy in a band
    range_db: float  # below the loudest band of the utterance
    subtract_mean: bool  # of each band over the utterance

    @property
    def shortest(self) -> int:
        return 1

    def features(self, waveform: Waveform) -> Float32s:
        """Features (frames, bands) of a waveform (samples,)."""
        check_length(waveform, self.shortest)
        samples = waveform.astype(np.float32, copy=False)
        cut = centred_frames(samples, self.frame_length, self.frame_shift, "constant")
        energies = band_energies(cut, self.window, self.filters)
        levels: Float32s = 10 * np.log10(np.maximum(energies, np.float32(self.floor)))
        levels = np.maximum(levels, levels.max() - np.float32(self.range_db))
        return levels - mean_of_bands(levels) if self.subtract_mean else levels

    @cached_property
    def window(self) -> Float32s:
        """What a frame is multiplied with, (frame_length,)."""
        return taper("hamming", self.frame_length, periodic=True)

    @cached_property
    def filters(self) -> Float32s:
        """The triangles, (frame_length/2 + 1, bands)."""
        corners = corners_hz(self.bands, self.low_hz, self.high_hz, hz_to_mel, mel_to_hz)
        centres, widths = corners[1:-1], np.diff(corners)[:-1]
        bins = bin_frequencies_hz(self.frame_length, self.sample_rate_hz)
        distance = np.abs(bins[:, None] - centres) / widths
        return (1 - distance).clip(min=0).astype(np.float32)
