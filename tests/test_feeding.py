import numpy as np
import pytest

from voxgate.errors import UsageError
from voxgate.feeding import USUAL, make_feeding


def feeding(**changes):
    return make_feeding({**USUAL, "input": "x", "output": "y", "length_input": "", **changes})


def windows(**changes):
    return feeding(window_frames=160, window_step=77, window_coverage=0.75, **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"layout": "bands"}, "layout is 'bands'"),
        ({"input": ""}, "input and output must name"),
        ({"frames_multiple": 0}, "frames_multiple is 0"),
        ({"window_frames": 160}, "window_step is 0; windows of 160 frames"),
        ({"window_frames": 160, "window_step": 161}, "window_step is 161"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, problem):
    with pytest.raises(UsageError, match=problem):
        feeding(**changes)


@pytest.mark.parametrize(
    ("samples", "starts"),
    [
        (4_000, [0]),  # less than a window: filled up
        (25_600, [0]),  # a window, and a second would be less than three quarters full
        (37_919, [0, 77]),
        (160_000, [77 * i for i in range(12)]),
    ],
)
def test_windows_are_those_of_resemblyzer(samples, starts):
    # VoiceEncoder.compute_partial_slices(samples, rate=1.3, min_coverage=0.75)
    assert list(windows().window_starts(samples, 160)) == starts


def test_quiet_speech_is_brought_up_and_other_is_left():
    level = feeding(quiet_dbfs=-36.0, level_dbfs=-30.0).level
    sound = np.random.default_rng(0).normal(0, 1, 16_000).astype(np.float32)
    sound /= np.sqrt(np.mean(sound**2))
    quiet = level(sound * 10 ** (-50 / 20))
    assert 20 * np.log10(np.sqrt(np.mean(quiet**2))) == pytest.approx(-30, abs=1e-3)
    enough = sound * 10 ** (-35 / 20)
    assert level(enough) is enough
    silence = np.zeros(100, np.float32)
    assert level(silence) is silence
    assert feeding().level(quiet * 1e-6) is not None
