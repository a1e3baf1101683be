import numpy as np
import pytest

from voxgate.evaluate.metrics import eer
from voxgate.evaluate.summary import measure
from voxgate.evaluate.trials import Scores, Trials

TARGET = np.array([True, True, True, False, False, False, False, False])
LLR = np.array([4.0, 2.0, -1.0, 3.0, 0.0, -2.0, -3.0, -4.0])


def scores(**kinds: np.ndarray) -> Scores:
    return Scores(Trials("list", TARGET, (), ()), kinds)


def test_decisions_are_made_at_the_trials_own_thresholds():
    limits = np.array([1.0, 1, 1, 4, 1, 1, 1, 1])
    found = measure(scores(llr=LLR, cosine=LLR / 10), thresholds=limits)
    assert (found.trials, found.targets) == (8, 3)
    assert found.miss == pytest.approx(1 / 3)
    assert found.false_accept == 0  # the 3 is below its own 4
    assert found.accuracy == pytest.approx(7 / 8)
    assert found.balanced_accuracy == pytest.approx(1 - (1 / 3 + 0) / 2)
    assert found.eer == eer(LLR, TARGET) == found.by_kind["cosine"].eer


def test_scores_without_a_meaning_have_no_calibration_and_no_decisions():
    found = measure(scores(score=LLR))
    assert (found.cllr, found.act_dcf, found.accuracy, found.miss) == (None, None, None, None)
    assert found.min_cllr < 1
    assert set(found.min_dcf) == {"0.05", "0.01", "0.001"}
    with_meaning = measure(scores(llr=LLR))
    assert with_meaning.cllr >= with_meaning.min_cllr == found.min_cllr
    assert with_meaning.accuracy is None  # there is no threshold
