import librosa
import numpy as np
import torch

from voxgate.train.frontends.mel import FLOOR, MelConfig, MelPower
from voxgate.train.frontends.picture import Picture, PictureConfig


def picture(waveform: np.ndarray) -> np.ndarray:
    return Picture(PictureConfig(bands=20))(torch.from_numpy(waveform[None]))[0].numpy()


def test_it_is_decibels_under_the_peak_as_librosa_has_them():
    waveform = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    waveform[4_000:] *= 1e-3
    power = MelPower(MelConfig(bands=20))(torch.from_numpy(waveform[None]))[0].numpy()
    decibels = librosa.power_to_db(power + FLOOR, ref=np.max, top_db=60)
    found = picture(waveform)
    assert found.shape == (20, 50)
    assert np.abs(found - (decibels / 60 + 1)).max() < 1e-4
    assert (found.max(), found.min()) == (1, 0)


def test_digital_silence_gives_a_picture_of_one_shade():
    assert (picture(np.zeros(4_000, np.float32)) == 1).all()
