import numpy as np
import torch

from voxgate.train.frontends.mel import Mel, MelConfig, mel_filters


def features(waveform: np.ndarray) -> np.ndarray:
    tensor = torch.from_numpy(waveform.astype(np.float32)[None])
    return Mel(MelConfig())(tensor)[0].numpy()


def test_it_is_what_its_docstring_says_computed_frame_by_frame():
    rng = np.random.default_rng(0)
    waveform = rng.normal(0, 0.1, 4000)
    loud = waveform / np.sqrt((waveform**2).mean())
    padded = np.pad(loud, (200, 400))
    emphasised = padded - 0.97 * np.pad(padded, (1, 0))[:-1]
    expected = []
    for start in range(1, 4000, 160):
        frame = emphasised[start : start + 400]
        power = np.abs(np.fft.rfft(frame * np.hamming(400), 512)) ** 2
        expected.append(np.log(mel_filters(MelConfig()) @ power + 1e-3))
    expected = np.array(expected).T
    found = features(waveform)[:, : expected.shape[1]]
    found, expected = (x - x.mean(axis=1, keepdims=True) for x in (found, expected))
    assert np.abs(found - expected).max() < 2e-3


def test_loudness_does_not_matter():
    waveform = np.random.default_rng(1).normal(0, 0.1, 8000)
    assert np.abs(features(waveform) - features(waveform / 50)).max() < 1e-3


def test_digital_silence_gives_finite_features():
    assert np.isfinite(features(np.zeros(8000))).all()


def test_there_is_a_frame_every_10_ms_and_each_band_has_mean_0():
    found = features(np.random.default_rng(2).normal(0, 0.1, 16_000))
    assert found.shape == (80, 100)
    assert np.abs(found.mean(axis=1)).max() < 1e-4


def test_filters_are_triangles_of_height_one_between_their_neighbours():
    filters = mel_filters(MelConfig(bands=4))
    assert filters.shape == (4, 257)
    assert (filters >= 0).all()
    assert filters.max() <= 1
    assert (np.diff(filters.argmax(axis=1)) > 0).all()
    assert filters[:, :1].max() == 0  # 0 Hz is below the lowest corner
    assert filters[:, -1].max() == 0  # 8000 Hz is above the highest
