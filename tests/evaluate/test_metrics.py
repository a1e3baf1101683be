import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_curve

from voxgate.errors import ScoringError
from voxgate.evaluate.metrics import (
    accuracy,
    act_dcf,
    balanced_accuracy,
    bayes_error,
    best_accuracy,
    cllr,
    eer,
    error_rates,
    min_cllr,
    min_dcf,
    pair_accuracy,
)

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
    for metric in (eer, min_dcf, min_cllr, best_accuracy, pair_accuracy):
        assert metric(scores[order], target[order]) == pytest.approx(metric(scores, target))
        assert metric(np.exp(scores), target) == pytest.approx(metric(scores, target))


@given(LIST_OF_SCORES, st.randoms(use_true_random=False))
def test_a_weight_counts_a_trial_so_many_times(values, random):
    target = np.array([True, False] * len(values))[: len(values)]
    scores = np.array(values, float)
    weight = np.array([1, 1, *(random.randint(0, 3) for _ in values[2:])])
    again, kinds = np.repeat(scores, weight), np.repeat(target, weight)
    for metric in (eer, cllr):
        assert metric(scores, target, weight) == pytest.approx(metric(again, kinds))
    weighed, repeated = error_rates(scores, target, weight), error_rates(again, kinds)
    at = np.searchsorted(weighed.threshold, repeated.threshold)
    assert weighed.miss[at] == pytest.approx(repeated.miss)
    assert weighed.false_accept[at] == pytest.approx(repeated.false_accept)


def test_weights_that_leave_one_kind_out_are_refused():
    with pytest.raises(ScoringError, match="both kinds are needed"):
        eer(np.array([1.0, 2]), np.array([True, False]), np.array([1.0, 0]))


def test_act_dcf_by_hand():
    # at a prior of 0.5 the threshold is 0: one of two targets missed, one of two others accepted
    llr, target = np.array([3.0, -1, 0, -2]), np.array([*TRUE, *FALSE])  # an LLR of 0 accepts
    assert act_dcf(llr, target, prior=0.5) == pytest.approx(1)
    # at 0.01 it is log(99) = 4.6: both missed, none accepted
    assert act_dcf(llr, target, prior=0.01) == pytest.approx(1)
    # with a false accept 99 times as dear at 0.5, the same threshold
    assert act_dcf(llr + 2, target, prior=0.5, false_accept_cost=99) == pytest.approx(0.5)


def test_accuracies_by_hand():
    scores = np.array([1.0, 3, 0, 0, 2, 0])
    target = np.array([*TRUE, *[False] * 4])
    assert accuracy(scores, target, 1.0) == pytest.approx(5 / 6)  # only the 2 is wrong
    assert best_accuracy(scores, target) == pytest.approx(5 / 6)
    assert balanced_accuracy(scores, target, 1.0) == pytest.approx((1 + 3 / 4) / 2)
    assert pair_accuracy(scores, target) == pytest.approx(7 / 8)


def test_accuracies_agree_with_scikit_learn():
    rng = np.random.default_rng(2)
    scores, target = rng.integers(0, 9, 300).astype(float), rng.random(300) < 0.3
    assert accuracy(scores, target, 4) == pytest.approx(accuracy_score(target, scores >= 4))
    balanced = [balanced_accuracy_score(target, scores >= t) for t in range(11)]
    assert balanced_accuracy(scores, target, 4) == pytest.approx(balanced[4])
    assert pair_accuracy(scores, target) == pytest.approx(max(balanced))
    plain = [accuracy_score(target, scores >= t) for t in range(11)]
    assert best_accuracy(scores, target) == pytest.approx(max(plain))


def test_a_trial_may_have_a_threshold_of_its_own():
    scores, target = np.array([1.0, 5]), np.array([True, False])
    assert accuracy(scores, target, np.array([0.0, 6])) == 1


def test_pair_accuracy_is_what_drawing_balanced_pairs_gives_on_average():
    rng = np.random.default_rng(3)
    target = rng.random(4000) < 0.1
    scores = rng.normal(0, 1, 4000) + 2 * target
    drawn = []
    for _ in range(50):
        others = rng.permutation(np.flatnonzero(~target))[: target.sum()]
        pairs = np.concatenate([np.flatnonzero(target), others])
        drawn.append(best_accuracy(scores[pairs], target[pairs]))
    assert pair_accuracy(scores, target) == pytest.approx(np.mean(drawn), abs=0.01)


def test_the_bayes_error_is_the_normalised_detection_cost():
    rng = np.random.default_rng(4)
    target = rng.random(500) < 0.4
    llr = rng.normal(0, 2, 500) + 2 * target
    odds = np.array([-4.0, 0, 2])
    found = bayes_error(llr, target, odds)
    for prior, actual, minimum in zip(
        1 / (1 + np.exp(-odds)), found.actual, found.minimum, strict=True
    ):
        assert actual == pytest.approx(act_dcf(llr, target, prior))
        assert minimum == pytest.approx(min_dcf(llr, target, prior))
    assert (found.actual >= found.minimum - 1e-12).all()


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
