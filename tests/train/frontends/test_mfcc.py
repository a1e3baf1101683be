import numpy as np
import pytest
import scipy.fft
import torch

from voxgate.errors import TrainingError
from voxgate.train.frontends.mel import Mel, MelConfig
from voxgate.train.frontends.mfcc import Mfcc, MfccConfig


def test_coefficients_are_the_orthonormal_dct_of_the_log_mel_bands():
    waveform = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (1, 8_000))).float()
    found = Mfcc(MfccConfig(bands=30, coefficients=12))(waveform)[0].numpy()
    bands = Mel(MelConfig(bands=30))(waveform)[0].numpy()
    expected = scipy.fft.dct(bands, type=2, norm="ortho", axis=0)[:12]
    assert found.shape == (12, 50)
    assert np.abs(found - expected).max() < 1e-4


def test_more_coefficients_than_bands_are_refused():
    with pytest.raises(TrainingError, match="is 13; it must be from 1 to the 12 bands"):
        Mfcc(MfccConfig(bands=12, coefficients=13))
