import numpy as np
import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.frontends.stft import Stft, StftConfig


def features(waveform: np.ndarray, **config) -> np.ndarray:
    tensor = torch.from_numpy(waveform.astype(np.float32)[None])
    return Stft(StftConfig(**config))(tensor)[0].numpy()


def magnitudes(waveform: np.ndarray) -> np.ndarray:
    """(513, frames), frame by frame as the docstring says."""
    loud = np.pad(waveform / np.sqrt((waveform**2).mean()), 512)
    hann = np.hanning(1025)[:-1]
    starts = range(0, len(waveform) + 1, 512)
    return np.array([np.abs(np.fft.rfft(loud[s : s + 1024] * hann)) for s in starts]).T


@pytest.fixture
def waveform() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 8_000)


def test_magnitudes_are_those_of_each_frame(waveform):
    expected = magnitudes(waveform)
    found = features(waveform, scale="magnitude", remove_mean=False)
    assert found.shape == expected.shape == (513, 16)
    assert np.abs(found - expected).max() < 2e-3


@pytest.mark.parametrize(("scale", "of"), [("log", np.log), ("db", lambda p: 10 * np.log10(p))])
def test_scales_are_of_the_power_and_without_the_mean_of_each_bin(waveform, scale, of):
    expected = of((magnitudes(waveform) ** 2).clip(min=1e-3))
    found = features(waveform, scale=scale, remove_mean=False)
    assert np.abs(found - expected).max() < (0.02 if scale == "log" else 0.1)
    centred = expected - expected.mean(axis=1, keepdims=True)
    assert np.abs(features(waveform, scale=scale) - centred).max() < 0.1


def test_digital_silence_gives_finite_features():
    assert np.isfinite(features(np.zeros(4_000))).all()


def test_an_unknown_scale_is_refused():
    with pytest.raises(TrainingError, match="'bel'; it must be one of magnitude, log, db"):
        Stft(StftConfig(scale="bel"))
