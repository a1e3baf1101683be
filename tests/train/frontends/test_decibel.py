import numpy as np
import torch

from voxgate.frontends.presets import PRESETS
from voxgate.frontends.speechbrain import SpeechBrain
from voxgate.train.frontends.decibel import Decibel, DecibelConfig


def features(waveform: np.ndarray) -> np.ndarray:
    tensor = torch.from_numpy(waveform.astype(np.float32)[None])
    return Decibel(DecibelConfig())(tensor)[0].numpy()


def test_they_are_the_public_networks_features():
    options = {**PRESETS["speechbrain-ecapa"].front_end}
    del options["family"]
    rng = np.random.default_rng(0)
    fading = rng.normal(0, 0.1, 16_000) * np.geomspace(1, 1e-6, 16_000)  # under the range, too
    expected = SpeechBrain(**options).features(fading.astype(np.float32)).T
    found = features(fading)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.02  # dB


def test_loudness_does_not_matter():
    waveform = np.random.default_rng(1).normal(0, 0.1, 8_000)
    assert np.abs(features(waveform) - features(waveform / 50)).max() < 1e-2


def test_digital_silence_gives_finite_features():
    assert np.isfinite(features(np.zeros(8_000))).all()
