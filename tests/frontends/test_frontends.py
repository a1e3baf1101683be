import subprocess
import sys

import numpy as np
import pytest

from voxgate.errors import UsageError
from voxgate.frontends import FAMILIES, make_front_end, to_table
from voxgate.frontends.presets import PRESETS


def options(**changes):
    return {**PRESETS["wespeaker"].front_end, **changes}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_front_end_and_can_be_written_down_again(name):
    table = PRESETS[name].front_end
    assert to_table(make_front_end(table)) == table


def test_every_family_is_used_by_a_preset():
    assert {preset.front_end["family"] for preset in PRESETS.values()} == set(FAMILIES)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"family": "mfcc"}, "'mfcc' is not known; known are kaldi"),
        ({}, "None is not known"),
        ({"family": "kaldi"}, "also needs sample_rate_hz, sample_scale"),
        (options(dither=0.0), "has no dither; it has sample_rate_hz"),
        (options(bands="80"), "bands is '80'; it must be of type int"),
        (options(bands=True), "bands is True; it must be of type int"),
        (options(snip_edges=1), "snip_edges is 1; it must be of type bool"),
        (options(low_hz=None), "low_hz is None; it must be of type float"),
    ],
)
def test_a_table_that_is_not_exactly_right_is_refused(table, problem):
    with pytest.raises(UsageError, match=problem):
        make_front_end(table)


def test_a_window_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="window 'blackman' is not known"):
        make_front_end(options(window="blackman")).features(np.zeros(800, np.float32))


@pytest.mark.parametrize("name", PRESETS)
def test_the_shortest_waveform_gives_a_frame_and_a_shorter_one_is_refused(name):
    front_end = make_front_end(PRESETS[name].front_end)
    sound = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
    features = front_end.features(sound[: front_end.shortest])
    assert features.shape[0] >= 1
    assert features.shape[1] == front_end.bands
    assert np.isfinite(features).all()
    with pytest.raises(UsageError, match=f"{front_end.shortest - 1} samples is too short"):
        front_end.features(sound[: front_end.shortest - 1])


@pytest.mark.parametrize("name", PRESETS)
def test_the_waveform_is_not_changed(name):
    sound = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    before = sound.copy()
    make_front_end(PRESETS[name].front_end).features(sound)
    assert np.array_equal(sound, before)


@pytest.mark.parametrize(
    ("samples", "snipped", "whole"), [(400, 1, 3), (559, 1, 3), (560, 2, 4), (719, 2, 4)]
)
def test_kaldi_counts_frames_by_hand(samples, snipped, whole):
    sound = np.ones(samples, np.float32)
    assert len(make_front_end(options()).features(sound)) == snipped
    assert len(make_front_end(options(snip_edges=False)).features(sound)) == whole


def test_front_ends_load_neither_torch_nor_scipy():
    code = (
        "import sys, voxgate.frontends as f; from voxgate.frontends.presets import PRESETS\n"
        "for p in PRESETS.values(): f.make_front_end(p.front_end)\n"
        "print([m for m in ('torch', 'scipy', 'soxr', 'librosa', 'onnxruntime') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
