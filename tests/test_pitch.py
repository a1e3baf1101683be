"""Pitch: that of sounds whose pitch is known."""

import numpy as np
import pytest

from voxgate.pitch import HOP_S, pitch_track

RATE = 16_000


def harmonics(hz: float, seconds: float = 0.5) -> np.ndarray:
    times = np.arange(round(RATE * seconds)) / RATE
    waves = [np.sin(2 * np.pi * n * hz * times) / n for n in range(1, 12)]
    return np.float32(0.1 * np.sum(waves, axis=0))


@pytest.mark.parametrize("hz", [80.0, 123.4, 220.0, 400.0])
def test_a_steady_tone_has_its_own_pitch_within_half_a_percent(hz):
    middle = pitch_track(harmonics(hz)).hz[10:40]
    np.testing.assert_allclose(middle, hz, rtol=0.005)


def test_a_tone_without_its_fundamental_has_the_same_pitch():
    times = np.arange(RATE // 2) / RATE
    tone = np.float32(0.1 * sum(np.sin(2 * np.pi * n * 120 * times) for n in (2, 3, 4)))
    np.testing.assert_allclose(pitch_track(tone).hz[10:40], 120, rtol=0.005)


@pytest.mark.parametrize("sound", ["silence", "noise"])
def test_what_has_no_pitch_gets_none(sound):
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    track = pitch_track(noise if sound == "noise" else 0 * noise)
    assert np.isnan(track.hz).mean() > 0.97


def test_there_is_a_frame_every_hop_from_the_start_to_the_end():
    track = pitch_track(harmonics(100, 1.0))
    assert len(track.hz) == len(track.times_s) == 101
    np.testing.assert_allclose(np.diff(track.times_s), HOP_S)


def test_a_rising_pitch_is_followed_in_time():
    times = np.arange(RATE) / RATE
    phase = 2 * np.pi * (100 * times + 50 * times**2)  # 100 Hz at 0 s, 200 Hz at 1 s
    track = pitch_track(np.float32(0.2 * (np.sin(phase) + np.sin(2 * phase) / 2)))
    np.testing.assert_allclose(track.hz[[25, 50, 75]], [125, 150, 175], rtol=0.03)


def test_the_pitch_of_a_sound_shorter_than_a_frame_is_asked_for_in_vain_but_without_error():
    assert len(pitch_track(np.zeros(10, np.float32)).hz) == 1
