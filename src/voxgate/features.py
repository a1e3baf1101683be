"""Short-time features of a waveform: STFT power, mel bands, MFCC.

One convention throughout:

- Frames are centred: frame `i` is centred on `i * hop_s`, with silence beyond both ends, so a
  waveform of `n` samples gives `1 + n // hop` frames.
- The window is the periodic Hann window, scaled so that a full-scale sine on a bin has power 1,
  which is 0 dB.
- The mel scale is HTK's, `2595 log10(1 + f / 700)`; a band is a triangle of height 1.
- MFCC are the orthonormal DCT-II of the mel bands in decibels.

Davis and Mermelstein (1980), "Comparison of parametric representations for monosyllabic word
recognition"; Young et al., "The HTK Book", section 5.4.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]

FLOOR_DB = -120.0  # silence, in decibels: below what 16-bit samples can hold


@dataclass(frozen=True)
class Framing:
    """How a waveform is cut into frames.

    Raises:
        ValueError: the window is longer than the FFT, or something is not positive.
    """

    sample_rate_hz: int = 16_000
    window: int = 400  # samples: 25 ms at 16 kHz
    hop: int = 160  # samples: 10 ms at 16 kHz
    fft_size: int = 512

    def __post_init__(self) -> None:
        if not 1 <= self.window <= self.fft_size:
            raise ValueError(f"window={self.window} is not from 1 to {self.fft_size}, the FFT.")
        if min(self.hop, self.sample_rate_hz) < 1:
            raise ValueError("hop and sample_rate_hz must be at least 1.")

    @property
    def hop_s(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop / self.sample_rate_hz

    @property
    def frequencies_hz(self) -> Floats:
        """The frequency of each FFT bin, shape (fft_size // 2 + 1,)."""
        return np.arange(self.fft_size // 2 + 1) * (self.sample_rate_hz / self.fft_size)


class PowerStream:
    """Power spectra of a waveform that arrives in blocks: the same as of the whole at once."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing
        self._window = hann(framing.window)
        self._window *= 2 / self._window.sum()
        self._pending = np.zeros(framing.window // 2, np.float32)
        self._skip = 0  # samples to drop first, where the hop is longer than the window

    def push(self, block: Float32s) -> Float32s:
        """Power (frames, bins) of the frames that this block completes."""
        samples = np.concatenate([self._pending, block])
        if len(samples) <= self._skip:
            self._skip -= len(samples)
            self._pending = samples[:0]
            return self._power(self._pending)
        samples, self._skip = samples[self._skip :], 0
        count = max(0, 1 + (len(samples) - self.framing.window) // self.framing.hop)
        used = count * self.framing.hop
        self._pending, self._skip = samples[used:].copy(), max(0, used - len(samples))
        return self._power(samples)

    def flush(self) -> Float32s:
        """Power (frames, bins) of the last frames, which reach beyond the end."""
        return self.push(np.zeros(self.framing.window - self.framing.window // 2, np.float32))

    def _power(self, samples: Float32s) -> Float32s:
        windowed = frames(samples, self.framing.window, self.framing.hop) * self._window
        spectra = np.fft.rfft(windowed, self.framing.fft_size)
        return (spectra.real**2 + spectra.imag**2).astype(np.float32)


def stft_power(waveform: Float32s, framing: Framing) -> Float32s:
    """Power spectra (frames, bins) of a waveform (samples,); a full-scale sine peaks at 1."""
    stream = PowerStream(framing)
    return np.concatenate([stream.push(waveform), stream.flush()])


def frames(samples: Float32s, window: int, hop: int) -> Float32s:
    """All whole frames (frames, window) of samples (n,), as a view: nothing is copied."""
    if len(samples) < window:
        return np.empty((0, window), samples.dtype)
    return np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]


def hann(length: int) -> Float32s:
    """The periodic Hann window, shape (length,): zero at its start, one at its middle."""
    turns = np.arange(length) / length
    return (0.5 - 0.5 * np.cos(2 * np.pi * turns)).astype(np.float32)


def hz_to_mel(frequencies_hz: Floats) -> Floats:
    """HTK's mel scale: 1000 Hz is close to 1000 mel."""
    mel: Floats = 2595 * np.log10(1 + np.asarray(frequencies_hz) / 700)
    return mel


def mel_to_hz(mels: Floats) -> Floats:
    """The inverse of `hz_to_mel`."""
    hz: Floats = 700 * (10 ** (np.asarray(mels) / 2595) - 1)
    return hz


def mel_edges_hz(bands: int, low_hz: float, high_hz: float) -> Floats:
    """Where the triangles begin, peak and end, shape (bands + 2,): band `i` peaks at `[i + 1]`."""
    low, high = hz_to_mel(np.array([low_hz, high_hz]))
    return mel_to_hz(np.linspace(low, high, bands + 2))


def mel_filters(edges_hz: Floats, framing: Framing) -> Float32s:
    """Triangles (bands, bins) of height 1, linear in Hz, each between two of edges (bands + 2,)."""
    start, peak, end = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (framing.frequencies_hz - start) / (peak - start)
    falling = (end - framing.frequencies_hz) / (end - peak)
    return np.minimum(rising, falling).clip(min=0).astype(np.float32)


def decibels(power: Floats) -> Floats:
    """10 log10 of a power, never below FLOOR_DB."""
    level: Floats = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
    return level


def dct_ii(rows: Floats, coefficients: int) -> Floats:
    """The first coefficients of the orthonormal DCT-II of each row: (n, size) to (n, coefficients).

    c[k] = s[k] * sum over i of x[i] cos(pi k (2 i + 1) / (2 size)),
    where s[0] = sqrt(1 / size) and any other s[k] = sqrt(2 / size).
    """
    size = rows.shape[-1]
    order, place = np.arange(coefficients), np.arange(size)
    basis = np.cos(np.pi / (2 * size) * np.outer(2 * place + 1, order)) * np.sqrt(2 / size)
    basis[:, 0] /= np.sqrt(2)
    transformed: Floats = rows @ basis.astype(rows.dtype)
    return transformed


def mfcc(mel_power: Floats, coefficients: int = 20) -> Floats:
    """Mel-frequency cepstral coefficients (frames, coefficients) of mel power (frames, bands)."""
    return dct_ii(decibels(mel_power), coefficients)
