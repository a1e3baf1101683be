"""What all families share: windows, frames, mel filters, and band energies block by block.

Windows and filters are computed in float64 and used in float32.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Waveform
from voxgate.errors import UsageError

Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Padding = Literal["constant", "reflect"]

_BLOCK = 256  # frames at a time: what they need stays in the processor's cache

_COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "povey": (0.5, 0.5)}
_POVEY = 0.85  # its power of the Hann window


def window(name: str, length: int, *, periodic: bool) -> Float32s:
    """A window (length,): "hann", "hamming", or Kaldi's "povey"."""
    if name not in _COSINES:
        raise UsageError(f"window {name!r} is not known; known are {', '.join(_COSINES)}.")
    offset, height = _COSINES[name]
    turns = np.arange(length) / (length if periodic else length - 1)
    values = offset - height * np.cos(2 * np.pi * turns)
    return (values**_POVEY if name == "povey" else values).astype(np.float32)


def frames(samples: Waveform, length: int, shift: int) -> Float32s:
    """All whole frames (frames, length) of samples (n,), as a view: nothing is copied."""
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::shift]


def centred_frames(samples: Waveform, length: int, shift: int, padding: Padding) -> Float32s:
    """Frames (1 + n // shift, length), the i-th of them centred on sample i * shift."""
    return frames(np.pad(samples, length // 2, padding), length, shift)


def in_the_middle(values: Float32s, length: int) -> Float32s:
    """A window with zeros on both sides, (length,): how torch puts one into a longer FFT."""
    left = (length - len(values)) // 2
    return np.pad(values, (left, length - len(values) - left))


def band_energies(
    cut: Float32s,
    weights: Float32s,
    filters: Float32s,
    *,
    prepare: Callable[[Float32s], Float32s] | None = None,
) -> Float32s:
    """Energy in each band (frames, bands).

    Args:
        cut: the frames, (frames, length).
        weights: the window, (length,).
        filters: of the power spectrum, (fft_size // 2 + 1, bands); they tell the FFT's size.
        prepare: what is done to frames before the window, if anything; must not change them.
    """
    fft_size = 2 * (len(filters) - 1)
    energies = np.empty((len(cut), filters.shape[1]), np.float32)
    for start in range(0, len(cut), _BLOCK):
        block = cut[start : start + _BLOCK]
        spectra = np.fft.rfft((prepare(block) if prepare else block) * weights, fft_size)
        power = np.square(spectra.real) + np.square(spectra.imag)
        np.matmul(power.astype(np.float32, copy=False), filters, out=energies[start:][:_BLOCK])
    return energies


def mean_of_bands(features: Float32s) -> Float32s:
    """The mean of each band (bands,), summed in float64: half a minute is thousands of frames."""
    mean: Floats = features.mean(axis=0, dtype=np.float64)
    return mean.astype(np.float32)


def bin_frequencies_hz(fft_size: int, sample_rate_hz: int) -> Floats:
    """The frequency of each bin, (fft_size // 2 + 1,)."""
    return np.arange(fft_size // 2 + 1) * (sample_rate_hz / fft_size)


def triangles(positions: Floats, corners: Floats) -> Floats:
    """Filters (positions, bands) of height 1, each between two of the corners (bands + 2,)."""
    start, peak, end = corners[:-2], corners[1:-1], corners[2:]
    rising = (positions[:, None] - start) / (peak - start)
    falling = (end - positions[:, None]) / (end - peak)
    return np.minimum(rising, falling).clip(min=0)


def corners_hz(
    bands: int,
    low_hz: float,
    high_hz: float,
    to_mel: Callable[[Floats], Floats],
    to_hz: Callable[[Floats], Floats],
) -> Floats:
    """Corners (bands + 2,) in Hz, evenly spaced on a mel scale."""
    low, high = to_mel(np.array([low_hz, high_hz]))
    return to_hz(np.linspace(low, high, bands + 2))


def slaney_mel(hz: Floats) -> Floats:
    """Mel of Slaney's Auditory Toolbox (1998): linear below 1 kHz, logarithmic above."""
    above = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, above)


def slaney_hz(mel: Floats) -> Floats:
    """The inverse of `slaney_mel`."""
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def slaney_filters(
    bands: int, fft_size: int, sample_rate_hz: int, low_hz: float, high_hz: float
) -> Float32s:
    """Triangles on Slaney's scale, each of area 1 per Hz, as librosa makes them."""
    corners = corners_hz(bands, low_hz, high_hz, slaney_mel, slaney_hz)
    shapes = triangles(bin_frequencies_hz(fft_size, sample_rate_hz), corners)
    return (shapes * (2 / (corners[2:] - corners[:-2]))).astype(np.float32)


def check_length(waveform: Waveform, shortest: int) -> None:
    """Refuse a waveform that no frame can be cut from.

    Raises:
        UsageError: it has fewer than `shortest` samples.
    """
    if len(waveform) < shortest:
        raise UsageError(
            f"A waveform of {len(waveform)} samples is too short for this front end; "
            f"at least {shortest} are needed."
        )
