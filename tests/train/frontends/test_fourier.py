import numpy as np
import pytest
import torch

from voxgate.train.frontends.fourier import PowerSpectra

HANN = np.hanning(401)[:-1]  # periodic
HAMMING = np.hamming(401)[:-1]  # periodic, and not 0 at its first sample


def by_numpy(waveform: np.ndarray, window: np.ndarray, fft: int, shift: int) -> np.ndarray:
    """(fft/2 + 1, frames), frame by frame."""
    starts = range(0, len(waveform) - len(window) + 1, shift)
    frames = np.array([waveform[s : s + len(window)] for s in starts])
    return (np.abs(np.fft.rfft(frames * window, fft)) ** 2).T


@pytest.mark.parametrize(
    ("window", "fft", "shift"),
    [
        (HANN, 400, 160),
        (HAMMING, 400, 160),
        (HAMMING, 512, 160),  # what stands alone has a sine, too
        (np.hamming(400), 512, 160),  # symmetric, of an even number
        (np.hamming(401), 512, 100),  # and of an odd one
        (HANN, 400, 400),
        (HANN, 400, 500),  # with gaps
    ],
)
@pytest.mark.parametrize("samples", [250, 4_000, 4_037])
def test_power_is_that_of_the_fourier_transform(window, fft, shift, samples):
    waveform = np.random.default_rng(samples).normal(size=samples).astype(np.float32)
    layer = PowerSpectra(window, fft, shift, keep_level=True)
    found = layer(torch.from_numpy(waveform[None]))[0].numpy()
    expected = by_numpy(np.pad(waveform, len(window) // 2), window, fft, shift)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6 * expected.max() * len(window)


def test_the_pre_emphasis_is_of_neighbouring_samples():
    waveform = np.random.default_rng(0).normal(size=4_000).astype(np.float32)
    layer = PowerSpectra(np.hamming(400), 512, 160, 0.97, keep_level=True)
    found = layer(torch.from_numpy(waveform[None]))[0].numpy()
    padded = np.pad(waveform, 200)
    expected = by_numpy(padded[1:] - 0.97 * padded[:-1], np.hamming(400), 512, 160)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


def test_a_window_that_is_not_the_same_from_either_end_is_refused():
    with pytest.raises(ValueError, match="not the same from either end"):
        PowerSpectra(np.arange(400.0), 512, 160)
