"""torchaudio's mel spectrogram after pre-emphasis, as ReDimNet and TaoRuijie's ECAPA use it.

Pre-emphasis over the whole waveform, its first sample against the second; frames centred between
mirrored ends, periodic Hamming window in the middle of the FFT, power, triangles on HTK's mel
scale, ln(x + `log_offset`), mean of each band over the utterance taken away.

Yakovlev et al., "Reshape dimensions network for speaker recognition", Interspeech 2024,
redimnet/layers/features.py there.
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
    in_the_middle,
    mean_of_bands,
    triangles,
    window,
)


@dataclass(frozen=True)
class TorchMel:
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
    subtract_mean: bool  # of each band over the utterance

    @property
    def shortest(self) -> int:
        return self.fft_size // 2 + 1  # what mirrored ends take

    def features(self, waveform: Waveform) -> Float32s:
        """Features (frames, bands) of a waveform (samples,)."""
        check_length(waveform, self.shortest)
        samples = waveform.astype(np.float32)
        samples[1:] -= np.float32(self.pre_emphasis) * waveform[:-1]
        samples[0] -= np.float32(self.pre_emphasis) * waveform[1]
        cut = centred_frames(samples, self.fft_size, self.frame_shift, "reflect")
        logs: Float32s = np.log(band_energies(cut, *self._shapes) + np.float32(self.log_offset))
        return logs - mean_of_bands(logs) if self.subtract_mean else logs

    @cached_property
    def _shapes(self) -> tuple[Float32s, Float32s]:
        """The window (fft_size,), and the filters."""
        weights = window("hamming", self.window_length, periodic=True)
        corners = corners_hz(self.bands, self.low_hz, self.high_hz, hz_to_mel, mel_to_hz)
        filters = triangles(bin_frequencies_hz(self.fft_size, self.sample_rate_hz), corners)
        return in_the_middle(weights, self.fft_size), filters.astype(np.float32)
