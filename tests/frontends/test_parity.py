"""Every family against the code it stands for; the figures are in docs/models/frontends.md."""

import numpy as np
import pytest
from frontend_references import cases, difference, sounds

from voxgate.frontends import make_front_end

CASES = {case.name: case for case in cases(live=False)}
SOUNDS = sounds()


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("name", CASES)
def test_features_are_those_of_the_reference(name, sound):
    case = CASES[name]
    limit = case.limit_in_silence if sound == "silence" else case.limit
    assert difference(case, SOUNDS[sound]) <= limit


@pytest.mark.parametrize("name", CASES)
def test_features_are_finite_and_single_precision(name):
    front_end = make_front_end(CASES[name].options)
    for sound in SOUNDS.values():
        features = front_end.features(sound)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()


def test_a_wrong_option_would_be_noticed():
    case = CASES["Kaldi, hamming, 16-bit scale"]
    for wrong in (
        {"window": "povey"}, {"pre_emphasis": 0.95}, {"remove_dc": False}, {"low_hz": 0.0},
        {"subtract_mean": False}, {"high_hz": 7600.0},
    ):  # fmt: skip
        changed = case._replace(options={**case.options, **wrong})
        assert difference(changed, SOUNDS["speech"]) > 10 * case.limit
