import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxgate.errors import ScoringError, UsageError
from voxgate.scoring import (
    Calibration,
    Cohort,
    Costs,
    FalseAcceptRate,
    FalseAcceptTable,
    Scale,
    accept_above,
    cosine,
    effective_speech_s,
    normalise,
)

EAST, NORTH = np.float32([[1, 0]]), np.float32([[0, 1]])
FACTS = {
    "speech_s": [1.0, 4.0],
    "far": [0.1, 0.01, 0.001],
    "thresholds": [[2.0, 4.0, 8.0], [1.0, 3.0, 5.0]],
    "misses": [[0.1, 0.2, 0.4], [0.0, 0.1, 0.2]],
    "pairs": [[100, 1000], [100, 1000]],
}
TABLE = FalseAcceptTable(**FACTS)
ROUNDING = 1 + 1e-12  # what the last bits of a logarithm may do

seeds = st.integers(0, 10_000)
seconds = st.floats(0.01, 1e4)
rates = st.floats(1e-12, 1 - 1e-6)
llrs = st.floats(-50, 50)


def voices(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)


# cosine


def test_cosine_of_known_directions():
    assert cosine(EAST, np.concatenate([EAST, NORTH, -EAST])).tolist() == [[1, 0, -1]]


@given(seeds, st.floats(1e-3, 1e3))
def test_cosine_ignores_loudness_and_stays_in_range(seed, gain):
    scores = cosine(voices(20, seed), np.float32(gain) * voices(20, seed))
    assert scores.dtype == np.float32
    assert np.abs(scores).max() <= 1
    assert scores == pytest.approx(cosine(voices(20, seed), voices(20, seed)), abs=1e-5)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_an_embedding_without_direction_is_refused(bad):
    with pytest.raises(ScoringError, match="no direction"):
        cosine(np.full((1, 2), bad, np.float32), EAST)


# AS-norm


def test_as_norm_follows_its_definition():
    cohort, enrolled, probe = voices(50), voices(1, seed=1), voices(1, seed=2)
    raw = cosine(enrolled, probe)[0, 0]
    sides = [np.sort(cosine(side, cohort)[0])[-10:] for side in (enrolled, probe)]
    expected = sum((raw - top.mean()) / top.std() for top in sides) / 2
    score = Cohort(cohort, nearest=10).as_norm(enrolled, probe)
    assert score.dtype == np.float32
    assert score[0, 0] == pytest.approx(expected, rel=1e-4)


@given(seeds)
def test_as_norm_is_the_same_from_either_side(seed):
    cohort, a, b = Cohort(voices(50), nearest=10), voices(2, seed + 1), voices(3, seed + 2)
    assert cohort.as_norm(a, b) == pytest.approx(cohort.as_norm(b, a).T, abs=1e-4)


@given(st.permutations(range(6)))
def test_as_norm_of_a_pair_does_not_depend_on_the_others(order):
    cohort, a, b = Cohort(voices(50), nearest=10), voices(6, 1), voices(6, 2)
    scores = cohort.as_norm(a, b)
    assert cohort.as_norm(a[order], b) == pytest.approx(scores[order], abs=1e-4)
    assert cohort.as_norm(a, b[order]) == pytest.approx(scores[:, order], abs=1e-4)


def test_the_order_of_the_cohort_does_not_matter():
    forwards, backwards = Cohort(voices(50), nearest=10), Cohort(voices(50)[::-1], nearest=10)
    expected = pytest.approx(forwards.as_norm(voices(2, 1), voices(3, 2)), abs=1e-4)
    assert backwards.as_norm(voices(2, 1), voices(3, 2)) == expected


def test_kept_scales_give_the_same_scores():
    cohort, a, b = Cohort(voices(50), nearest=10), voices(4, 1), voices(1, 2)
    scores = normalise(cosine(a, b)[:, 0], cohort.scale_of(a), cohort.scale_of(b))
    assert scores == pytest.approx(cohort.as_norm(a, b)[:, 0], abs=1e-5)


def test_normalise_by_hand():
    score = normalise(np.array([0.5]), Scale(np.array([0.1]), np.array([0.1])), Scale(0.3, 0.2))
    assert score.tolist() == pytest.approx([(4 + 1) / 2])


def test_scales_do_not_change_at_the_edge_of_a_block(monkeypatch):
    cohort = Cohort(voices(50), nearest=10)
    whole = cohort.scale_of(voices(7, 1))
    monkeypatch.setattr("voxgate.scoring._BLOCK_ROWS", 3)
    blocks = cohort.scale_of(voices(7, 1))
    assert blocks.mean == pytest.approx(whole.mean, abs=1e-6)
    assert blocks.std == pytest.approx(whole.std, abs=1e-6)
    assert len(cohort.scale_of(voices(0)).mean) == 0


def test_a_cohort_that_all_agrees_still_gives_finite_scores():
    same = Cohort(np.ones((5, 16), np.float32), nearest=5)
    assert np.isfinite(same.as_norm(voices(2), voices(3))).all()


@pytest.mark.parametrize("nearest", [0, 1, 51])
def test_a_cohort_too_small_is_refused(nearest):
    with pytest.raises(ScoringError, match=f"nearest={nearest}"):
        Cohort(voices(50), nearest=nearest)


def test_a_cohort_does_not_show_its_embeddings():
    assert repr(Cohort(voices(50), nearest=10)) == "Cohort(nearest=10)"


def test_inputs_are_not_changed():
    given_ = voices(3)
    Cohort(given_, nearest=2).as_norm(given_, given_)
    assert (given_ == voices(3)).all()


# calibration


def test_effective_speech_is_the_harmonic_mean():
    assert effective_speech_s(2, 2) == 2
    assert effective_speech_s(1, 3) == 1.5
    assert effective_speech_s([1, 2], [[3], [2]]) == pytest.approx(
        np.array([[1.5, 2.4], [4 / 3, 2]])
    )


@pytest.mark.parametrize("speech_s", [(0, 1), (1, 0), (1, -2), (math.nan, 1)])
def test_a_side_without_speech_is_not_scored(speech_s):
    with pytest.raises(ScoringError, match="more than 0 s"):
        effective_speech_s(*speech_s)


def test_calibration_is_a_line_that_depends_on_the_speech():
    calibration = Calibration(slope=(2, 1), offset=(-3, 0.5), speech_s=(0.5, math.e**2))
    assert calibration.llr([0, 1], 1, 1).tolist() == [-3, -1]  # q = 0
    assert calibration.llr(1, math.e, math.e) == pytest.approx(3 - 2.5)  # q = 1
    assert calibration.llr(1, 100, 100) == pytest.approx(4 - 2)  # held to q = 2
    assert calibration.llr(1, 0.1, 9) == calibration.llr(1, 0.5, 0.5)


def test_calibration_depends_on_how_uneven_the_sides_are():
    even, uneven = ((2, 1), (-3, 0.5)), ((2, 1, -0.8), (-3, 0.5, 0.4))
    without, with_it = (Calibration(*numbers, speech_s=(0.25, 4)) for numbers in (even, uneven))
    assert with_it.llr(1, 1, 1) == without.llr(1, 1, 1)
    u = 1 / math.sqrt(0.25) - 1 / math.sqrt(4)
    assert with_it.llr(2, 0.1, 9) == pytest.approx(without.llr(2, 0.1, 9) + (-0.8 * 2 + 0.4) * u)


@given(st.floats(-9, 9), st.floats(0.01, 9), seconds, seconds)
def test_llr_rises_with_the_score_and_is_the_same_from_either_side(score, more, a, b):
    calibration = Calibration(slope=(1, -0.4, 0.3), offset=(-3, 0.5, -1), speech_s=(0.5, 8))
    assert calibration.llr(score + more, a, b) > calibration.llr(score, a, b)
    assert calibration.llr(score, a, b) == pytest.approx(float(calibration.llr(score, b, a)))


@pytest.mark.parametrize("slope", [(0, 0), (-1, 0), (1, -0.5), (1, 1.5), (1, 0, -1)])
def test_a_calibration_that_falls_anywhere_is_refused(slope):
    with pytest.raises(ScoringError, match="fall"):
        Calibration(slope, offset=(0, 0), speech_s=(0.5, 8))


@pytest.mark.parametrize("speech_s", [(0, 8), (8, 0.5), (1, 1), (1, math.inf), (math.nan, 1)])
def test_a_calibration_needs_a_range_of_speech(speech_s):
    with pytest.raises(ScoringError, match="not a range"):
        Calibration((1, 0), (0, 0), speech_s)


@pytest.mark.parametrize("offset", [(math.nan, 0), (0, math.inf), (0,), (0, 0, 0, 0)])
def test_a_calibration_needs_two_or_three_finite_numbers(offset):
    with pytest.raises(ScoringError, match="finite"):
        Calibration((1, 0), offset, (0.5, 8))


# false-accept table: thresholds


@pytest.mark.parametrize(("far", "llr"), [(0.1, 2), (0.01, 4), (0.001, 8), (10**-1.5, 3)])
def test_measured_thresholds_are_used_as_they_are_and_joined_by_lines(far, llr):
    assert TABLE.threshold(far, 1, 1) == (pytest.approx(llr), False)


@pytest.mark.parametrize(
    ("enrolled_s", "probe_s", "llr"),
    [(4, 4, 3), (2, 2, 3.5), (100, 100, 3), (0.1, 0.1, 4), (6, 1.2, 3.5)],
)
def test_thresholds_go_with_the_effective_speech(enrolled_s, probe_s, llr):
    assert TABLE.threshold(0.01, enrolled_s, probe_s).llr == pytest.approx(llr)


def test_beyond_the_rarest_measured_rate_the_threshold_rises_one_for_one():
    assert TABLE.threshold(1e-5, 1, 1) == (pytest.approx(8 + math.log(100)), True)


def test_beyond_the_rarest_measured_rate_it_is_never_below_the_bound():
    assert TABLE.threshold(1e-5, 4, 4) == (pytest.approx(math.log(1e5)), True)


def test_above_the_most_frequent_measured_rate_the_threshold_falls_one_for_one():
    assert TABLE.threshold(0.2, 1, 1) == (pytest.approx(2 - math.log(2)), True)


@pytest.mark.parametrize("far", [0, 1, -0.1, math.nan])
def test_a_far_that_is_no_rate_is_refused(far):
    with pytest.raises(ScoringError, match="between 0 and 1"):
        TABLE.threshold(far, 1, 1)


@given(rates, rates, seconds, seconds)
def test_a_rarer_false_accept_never_has_a_lower_threshold(a, b, enrolled_s, probe_s):
    rare, often = sorted([a, b])
    strict, lax = (TABLE.threshold(far, enrolled_s, probe_s).llr for far in (rare, often))
    assert strict >= lax - 1e-9
    if rare < TABLE.far[-1]:
        assert strict >= -math.log(rare)


# false-accept table: rates


@pytest.mark.parametrize(
    ("llr", "rate"),
    [
        (1.9, (0.1, "above")),
        (2, (0.1, "about")),
        (3, (10**-1.5, "about")),
        (8, (0.001, "about")),
        (8.1, (0.001, "below")),
    ],
)
def test_stranger_rates_by_hand(llr, rate):
    assert TABLE.stranger_rate(llr, 1, 1) == (pytest.approx(rate[0]), rate[1])


@given(st.floats(0.001, 0.1), seconds, seconds)
def test_the_stranger_rate_at_a_measured_threshold_is_its_far(far, enrolled_s, probe_s):
    llr = TABLE.threshold(far, enrolled_s, probe_s).llr
    assert TABLE.stranger_rate(llr, enrolled_s, probe_s).value == pytest.approx(far, rel=1e-6)


@given(llrs, llrs, seconds, seconds)
@example(2.0, 3.0, 1.0, 1.0)  # exp(log(0.1)) is above 0.1
def test_a_higher_llr_is_never_more_frequent_and_never_misses_less(a, b, enrolled_s, probe_s):
    low, high = sorted([a, b])
    speech = enrolled_s, probe_s
    frequent, rare = (TABLE.stranger_rate(llr, *speech).value for llr in (low, high))
    assert TABLE.far[-1] <= rare <= frequent * ROUNDING
    assert frequent <= TABLE.far[0]
    assert 0 <= TABLE.miss_rate(low, *speech) <= TABLE.miss_rate(high, *speech) * ROUNDING <= 1


@pytest.mark.parametrize(("llr", "rate"), [(-5, 0.1), (2, 0.1), (3, 0.15), (8, 0.4), (50, 0.4)])
def test_miss_rates_by_hand(llr, rate):
    assert TABLE.miss_rate(llr, 1, 1) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"speech_s": []}, "speech_s"),
        ({"speech_s": [4.0, 1.0]}, "speech_s"),
        ({"speech_s": [0.0, 1.0]}, "speech_s"),
        ({"speech_s": [math.nan, 1.0]}, "speech_s"),
        ({"far": []}, "far must"),
        ({"far": [0.001, 0.01, 0.1]}, "far must"),
        ({"far": [1.0, 0.1, 0.01]}, "far must"),
        ({"far": [0.1, 0.01, 0.0]}, "far must"),
        ({"thresholds": [[1, 2, 3]]}, r"thresholds has rows of \[3\] numbers; 2 rows of 3"),
        ({"thresholds": [[1, 2, 3], [1, 2]]}, r"thresholds has rows of \[3, 2\] numbers"),
        ({"thresholds": [[1, 2, 3], [3, 2, 4]]}, "lower threshold"),
        ({"thresholds": [[1, 2, 3], [1, 2, math.inf]]}, "not finite"),
        ({"misses": [[0.1, 0.2, 0.3], [0.1, 0.2, 1.1]]}, "misses"),
        ({"misses": [[0.1, 0.2, 0.3], [-0.1, 0.2, 0.3]]}, "misses"),
        ({"misses": [[0.1, 0.2, 0.3], [0.3, 0.2, 0.3]]}, "misses"),
        ({"pairs": [[1, 2]]}, "pairs"),
        ({"pairs": [[1, 2], [0, 5]]}, "no pairs"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(facts, problem):
    with pytest.raises(ScoringError, match=problem):
        FalseAcceptTable(**{**FACTS, **facts})


def test_a_single_row_and_rate_are_a_table():
    table = FalseAcceptTable([2.0], [0.01], [[3.0]], [[0.1]], [[1, 1]])
    assert table.threshold(0.01, 9, 1).llr == 3


# policies


def test_with_even_odds_and_costs_the_threshold_is_zero():
    assert accept_above(prior=0.5) == 0
    assert accept_above(prior=0.01) == pytest.approx(math.log(99))
    assert accept_above(0.5, miss_cost=1, false_accept_cost=10) == pytest.approx(math.log(10))
    assert accept_above(0.5, miss_cost=10, false_accept_cost=1) == pytest.approx(-math.log(10))


@pytest.mark.parametrize("prior", [0, 1, math.nan])
def test_a_prior_of_certainty_is_refused(prior):
    with pytest.raises(ScoringError, match="prior"):
        accept_above(prior)
    with pytest.raises(UsageError, match="prior"):
        Costs(prior=prior)


@pytest.mark.parametrize("cost", [0, -1, math.inf, math.nan])
def test_costs_that_are_none_are_refused(cost):
    with pytest.raises(UsageError, match="Costs"):
        Costs(miss_cost=cost)
    with pytest.raises(UsageError, match="Costs"):
        Costs(false_accept_cost=cost)


@pytest.mark.parametrize("far", [0, 1, -1, math.nan])
def test_a_false_accept_rate_that_is_none_is_refused(far):
    with pytest.raises(UsageError, match="between 0 and 1"):
        FalseAcceptRate(far)


def test_a_false_accept_rate_asks_the_table():
    assert FalseAcceptRate(0.01).threshold(TABLE, 1, 1).llr == pytest.approx(4)


def test_a_false_accept_rate_holds_for_the_whole_search():
    each = 1 - 0.99 ** (1 / 7)
    found = FalseAcceptRate(0.01).threshold(TABLE, 1, 1, candidates=7)
    assert found.llr == pytest.approx(TABLE.threshold(each, 1, 1).llr)


def test_a_search_of_millions_keeps_its_precision():
    found = FalseAcceptRate(1e-9).threshold(TABLE, 1, 1, candidates=10**9)
    assert found == (pytest.approx(8 + math.log(0.001 / 1e-18)), True)


@given(rates, seconds, st.integers(1, 10**7), st.integers(1, 10**7))
def test_more_candidates_never_lower_a_threshold(far, speech_s, a, b):
    few, many = sorted([a, b])
    for policy in (FalseAcceptRate(far), Costs(prior=far)):
        low, high = (policy.threshold(TABLE, speech_s, 2, n).llr for n in (few, many))
        assert high >= low


def test_costs_weigh_the_mistakes_and_share_the_prior_among_candidates():
    policy = Costs(prior=0.01, miss_cost=2, false_accept_cost=10)
    assert policy.threshold(TABLE, 1, 1) == (pytest.approx(math.log(99 * 5)), False)
    assert policy.threshold(TABLE, 1, 1, candidates=3).llr == pytest.approx(math.log(99 * 5 * 3))


def test_policies_say_what_they_are():
    assert str(FalseAcceptRate()) == "a false-accept rate of 1 %"
    assert str(FalseAcceptRate(1e-4)) == "a false-accept rate of 0.01 %"
    assert FalseAcceptRate(0.5).to_dict() == {"kind": "false_accept_rate", "far": 0.5}
    assert str(Costs(0.25, 2)) == "a prior of 0.25, a miss costing 2 and a false accept 1"
    assert Costs(0.25, 2).to_dict() == {
        "kind": "costs",
        "prior": 0.25,
        "miss_cost": 2,
        "false_accept_cost": 1.0,
    }
