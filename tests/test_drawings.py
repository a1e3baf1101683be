"""Drawings: what they show, read off the figure."""

from statistics import NormalDist

import numpy as np
import pytest
import tiny_pack

from voxgate.drawings import draw_det, draw_map, draw_pitch, draw_waveform, png
from voxgate.packs import load_pack
from voxgate.pitch import PitchTrack
from voxgate.vad import Segment


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny"))


def test_a_waveform_spans_its_duration_and_marks_the_speech():
    wave = np.float32(0.5 * np.sin(np.arange(32_000) / 10))
    (axes,) = draw_waveform(wave, [Segment(0.5, 1.5)]).axes
    assert axes.get_xlim() == (0, 2)
    silent, spoken = [
        {round(float(segment[0][0]), 2) for segment in lines.get_segments()}
        for lines in axes.collections
    ]
    assert min(spoken) == 0.5
    assert max(spoken) == 1.5
    assert not {0.6, 1.0, 1.4} & silent


def test_a_pitch_track_is_drawn_in_seconds_and_hz():
    track = PitchTrack(np.array([0.0, 0.01, 0.02]), np.array([100.0, np.nan, 200.0]))
    (axes,) = draw_pitch(track).axes
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), track.hz)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "pitch (Hz)")


def test_a_det_curve_has_the_measured_points_of_the_pack(pack):
    (axes,) = draw_det(pack).axes
    probit = NormalDist()
    assert [line.get_label() for line in axes.lines] == ["1 s", "4 s"]
    line = axes.lines[1]
    np.testing.assert_allclose([probit.cdf(x) for x in line.get_xdata()], [0.1, 0.01, 0.001])
    np.testing.assert_allclose([probit.cdf(y) for y in line.get_ydata()], [0.01, 0.02, 0.05])


def test_a_map_names_each_voice_as_it_is_written():
    (axes,) = draw_map(["ada", "$x_1$"], np.array([[0.0, 1.0], [1.0, 0.0]]), marked="ada").axes
    assert [text.get_text() for text in axes.texts] == ["ada", "$x_1$"]


def test_a_figure_becomes_a_png_also_where_the_font_lacks_a_script():
    figure = draw_map(["𓀀"], np.zeros((1, 2)))
    assert png(figure).startswith(b"\x89PNG")
