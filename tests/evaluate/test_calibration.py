import numpy as np
import pytest
from voices import speak

from voxgate.embed import Embedder
from voxgate.errors import EvaluationError
from voxgate.evaluate.calibration import (
    BUCKETS_S,
    Pairs,
    counts,
    fit_calibration,
    make_cohort,
    make_pairs,
    make_sides,
    measure_false_accepts,
)
from voxgate.evaluate.metrics import cllr, min_cllr
from voxgate.scoring import Calibration, FalseAcceptTable


def drawn(each: int, *, buckets=range(6), slope=2.0, uneven: float = 0.0, seed: int = 0) -> Pairs:
    """Pairs whose true LLR is known: scores N(+1, 1 / slope) and N(-1, 1 / slope) give 2 slope s.

    The score's precision is the slope: log N(s; 1, 1/k) - log N(s; -1, 1/k) = 2 k s. Of every
    other pair, one side is three times as long as the other and its slope is `uneven` more.
    """
    rng = np.random.default_rng(seed)
    seconds = np.repeat(np.array(BUCKETS_S)[list(buckets)], 2 * each)
    target = np.tile(np.repeat([True, False], each), len(list(buckets)))
    odd = np.arange(len(target)) % 2 == 1
    precision = slope + uneven * odd
    score = np.where(target, 1, -1) + rng.normal(size=len(target)) * precision**-0.5
    speaker = rng.integers(40, size=(2, len(target)))
    whole = np.ones(len(target), bool)
    return Pairs(score, target, *seconds * np.where(odd, [[2 / 3], [2]], 1), *speaker, whole)


def test_the_true_llr_is_found():
    fitted = fit_calibration(drawn(20_000))
    assert fitted.slope[0] == pytest.approx(4, abs=0.1)
    assert fitted.slope[1:] == pytest.approx((0, 0), abs=0.3)
    assert fitted.offset == pytest.approx((0, 0, 0), abs=0.1)
    assert fitted.speech_s == (0.4, 6.0)
    pairs = drawn(5_000, seed=1)
    llr = pairs.llr(fitted)
    assert cllr(llr, pairs.target) == pytest.approx(min_cllr(llr, pairs.target), abs=0.01)


def test_a_pair_of_uneven_sides_has_an_llr_of_its_own():
    pairs = drawn(20_000, buckets=[3, 3], uneven=-0.4)
    as_known = Calibration((4.0, 0.0), (0.0, 0.0), (0.4, 6.0))
    fitted = fit_calibration(pairs, before=as_known, speakers=10_000)
    even, uneven = (fitted.llr(1.0, *sides) for sides in ((2, 2), (4 / 3, 4)))
    assert (even, uneven) == (pytest.approx(4, abs=0.2), pytest.approx(3.2, abs=0.2))


def test_a_bucket_without_pairs_is_refused_unless_there_is_something_to_stay_near():
    some = drawn(500, buckets=[2, 3])
    with pytest.raises(EvaluationError, match=r"\[0, 0\].* none may be 0"):
        fit_calibration(some)
    before = Calibration((1.0, 0.5), (0.0, 0.0), (0.3, 8.0))
    fitted = fit_calibration(some, before=before, speakers=1000)
    assert fitted.speech_s == (0.3, 8.0)
    assert fitted.slope[0] + fitted.slope[1] * np.log(1.5) == pytest.approx(4, abs=0.4)


def test_few_speakers_move_a_calibration_less_than_many():
    before = Calibration((1.0, 0.0), (0.0, 0.0), (0.4, 6.0))
    few, many = (
        fit_calibration(drawn(300), before=before, speakers=speakers) for speakers in (2, 2000)
    )
    assert 1 < few.slope[0] < many.slope[0] < 4.5
    assert many.slope[0] == pytest.approx(4, abs=0.5)


def test_thresholds_are_counted():
    same = Calibration((1.0, 0.0), (0.0, 0.0), (0.4, 6.0))
    # 1,000 strangers with scores 0.001 to 1, targets with 0.95 and 2: at a rate of 10 % the
    # threshold is the hundredth highest, 0.901; at 3 % 0.971, which misses one of two
    score = np.concatenate([np.arange(1, 1001) / 1000, [0.95, 2]])
    target = np.arange(1002) >= 1000
    nobody = np.zeros(1002, int)
    seconds = np.full(1002, 1.2)
    pairs = Pairs(score, target, seconds, seconds, nobody, nobody, target)
    assert counts(pairs)[2].tolist() == [1000, 2]
    table = measure_false_accepts(pairs, same, buckets=[2])
    assert (table.speech_s, table.far) == ([1.2], [0.1, 0.03])  # 10 false accepts are too few
    assert table.thresholds[0] == pytest.approx([0.901, 0.971])
    assert table.misses == [[0.0, 0.5]]
    assert table.pairs == [[2, 1000]]
    rarer = FalseAcceptTable([1.0], [0.03, 0.01], [[4.0, 5.5]], [[0.1, 0.2]], [[1, 1]])
    table = measure_false_accepts(pairs, same, buckets=[2], beyond=rarer)
    assert table.far == [0.1, 0.03, 0.01]
    assert table.thresholds[0] == pytest.approx([0.901, 0.971, 0.971 + 1.5])
    assert table.misses == [[0.0, 0.5, 1.0]]
    with pytest.raises(EvaluationError, match="1,000 pairs of different people are too few"):
        measure_false_accepts(pairs, same, buckets=[2], least_rate=0.2)


def test_sides_are_cut_recordings_and_halves_of_a_speakers(pack):
    speech = [speak(voice, 2.0, take) for voice in (6, 21) for take in range(4)]
    speaker = np.repeat([0, 1], 4)
    sides = make_sides(Embedder(pack), speech.__getitem__, speaker, np.zeros(8, int), seed=0)
    # 0.7, 1, 1.5 s and whole of each (0.4 s is too short for this pack), and two halves of each
    assert len(sides.vectors) == 8 * 4 + 2 * 2
    assert sides.whole.tolist() == [*[False, False, False, True] * 8, *[False] * 4]
    assert sides.speech_s[:4] == pytest.approx([0.7, 1, 1.5, 2])
    assert sides.speech_s[-4:] == pytest.approx([4] * 4)
    assert sides.members[-4:].sum(axis=1).tolist() == [2, 2, 2, 2]
    pairs = make_pairs(sides, pack.cohort())
    assert pairs.whole.sum() == 8 * 7 / 2
    assert pairs.target[pairs.whole].sum() == 2 * 4 * 3 / 2
    assert (pairs.target == (pairs.speaker_a == pairs.speaker_b)).all()


def test_no_pair_shares_a_recording_nor_mixes_populations(pack):
    speech = [speak(6, 1.0, take) for take in range(3)]
    population = np.array([0, 0, 1])
    sides = make_sides(Embedder(pack), speech.__getitem__, np.arange(3), population, seed=0)
    pairs = make_pairs(sides, pack.cohort())
    per_recording = 2  # 0.7 s and whole
    assert len(pairs.score) == per_recording**2  # of the first two recordings alone


def test_a_cohort_is_of_unit_vectors_that_are_nobodys():
    rng = np.random.default_rng(0)
    voices = rng.normal(size=(40, 8)).astype(np.float32)
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    made = make_cohort(voices, 6, seed=0)
    assert (made.shape, made.dtype) == ((6, 8), np.float16)
    assert np.linalg.norm(made.astype(float), axis=1) == pytest.approx(np.ones(6), abs=0.01)
    assert (made.astype(float) @ voices.T).max() < 0.999
