import pytest

from voxgate.train.schedule import constant, cosine, one_cycle


def test_one_cycle_rises_in_a_line_and_falls_along_a_cosine():
    rates = [one_cycle(progress, 0.2) for progress in (0, 0.1, 0.2, 0.6, 1.0)]
    assert rates == pytest.approx([0.001, 0.501, 1.001, 0.501, 0.001])


def test_one_cycle_without_warm_up_starts_at_the_peak():
    assert one_cycle(0.0, 0.0) == pytest.approx(1.001)


def test_cosine_falls_from_the_start():
    assert [cosine(p, 0.2) for p in (0, 0.5, 1)] == pytest.approx([1.001, 0.501, 0.001])


def test_constant_rises_in_a_line_and_stays():
    assert [constant(p, 0.2) for p in (0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx(
        [0.001, 0.501, 1.0, 1.0, 1.0]
    )
    assert constant(0.0, 0.0) == 1.0
