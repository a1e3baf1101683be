import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_curve

from voxgate.errors import ScoringError
from voxgate.evaluate.metrics import cllr, eer, error_rates, min_cllr, min_dcf

TRUE, FALSE = [True, True], [False, False]
LIST_OF_SCORES = st.lists(st.integers(-5, 5), min_size=2, max_size=30)


def test_perfect_separation_has_no_error_whatever_the_order():
    scores, target = np.array([3.0, 1, 4, 0]), np.array([True, False, True, False])
    assert eer(scores, target) == 0
    assert min_dcf(scores, target) == 0
    assert min_cllr(scores, target) == 0
    assert eer(-scores, target) == 1


def test_one_mistake_of_four_on_each_side_is_a_quarter():
    scores = np.array([1.0, 4, 5, 6, 0, 1.5, 0, 3])
    target = np.array([True] * 4 + [False] * 4)
    # accepting >= 2 or 3: one target (1.0) is missed, one other (3) accepted
    assert eer(scores, target) == pytest.approx(0.25)


def test_scores_that_are_all_equal_say_nothing():
    scores, target = np.zeros(6), np.array([True, False] * 3)
    assert eer(scores, target) == pytest.approx(0.5)
    assert min_dcf(scores, target) == pytest.approx(1)
    assert cllr(scores, target) == pytest.approx(1)
    assert min_cllr(scores, target) == pytest.approx(1)


def test_min_dcf_by_hand():
    # accepting only the 5: half of the targets missed, nothing falsely accepted, normalised cost
    # 0.01 * 0.5 / 0.01 = 0.5; accepting >= 2 costs 0.99 * 0.5 / 0.01 = 49.5
    scores, target = np.array([5.0, 2, 3, 0]), np.array([*TRUE, *FALSE])
    assert min_dcf(scores, target, prior=0.01) == pytest.approx(0.5)
    assert min_dcf(scores, target, prior=0.99) == pytest.approx(0.5)


def test_error_rates_agree_with_scikit_learn_under_ties():
    rng = np.random.default_rng(0)
    scores, target = rng.integers(0, 9, 300).astype(float), rng.random(300) < 0.3
    rates = error_rates(scores, target)
    false_accept, hit, threshold = roc_curve(target, scores, drop_intermediate=False)
    assert rates.threshold[:-1] == pytest.approx(threshold[:0:-1])
    assert rates.false_accept == pytest.approx(false_accept[::-1])
    assert rates.miss == pytest.approx(1 - hit[::-1])


def test_cllr_is_the_balanced_log_loss_in_bits():
    rng = np.random.default_rng(1)
    llr, target = rng.normal(0, 3, 200), rng.random(200) < 0.2
    weight = np.where(target, 1 / target.sum(), 1 / (~target).sum())
    expected = log_loss(target, 1 / (1 + np.exp(-llr)), sample_weight=weight) / np.log(2)
    assert cllr(llr, target) == pytest.approx(expected)


@given(LIST_OF_SCORES, st.randoms(use_true_random=False))
def test_metrics_do_not_depend_on_the_order_of_trials_nor_on_a_rising_map(values, random):
    target = np.array([True, False] * len(values))[: len(values)]
    scores = np.array(values, float)
    order = list(range(len(values)))
    random.shuffle(order)
    for metric in (eer, min_dcf, min_cllr):
        assert metric(scores[order], target[order]) == pytest.approx(metric(scores, target))
        assert metric(np.exp(scores), target) == pytest.approx(metric(scores, target))


@given(LIST_OF_SCORES)
def test_no_calibration_beats_min_cllr_and_it_is_at_most_one(values):
    target = np.array([True, False] * len(values))[: len(values)]
    scores = np.array(values, float)
    assert min_cllr(scores, target) <= min(1, cllr(scores, target)) + 1e-9


@pytest.mark.parametrize(
    ("scores", "target", "message"),
    [
        ([1.0, 2], [True, True], "2 target and 0 non-target"),
        ([1.0, 2], [False, False], "0 target and 2 non-target"),
        ([1.0, np.nan], [True, False], "1 of the scores are NaN"),
        ([1.0], [True, False], "do not match"),
    ],
)
def test_what_cannot_be_scored_is_refused(scores, target, message):
    with pytest.raises(ScoringError, match=message):
        eer(np.array(scores), np.array(target))
