import numpy as np
import pytest

from voxgate.evaluate.bootstrap import SpeakerBootstrap
from voxgate.evaluate.metrics import eer


def all_pairs(speakers: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """The speakers on both sides of all pairs of recordings."""
    who = np.repeat(np.arange(speakers), each)
    a, b = np.triu_indices(len(who), 1)
    return who[a], who[b]


def test_a_trial_weighs_what_copying_its_speakers_would_make_of_it():
    # speakers 0 and 1, two recordings each; speaker 0 drawn twice is two speakers with her voice:
    # twice her one target trial, twice each of her trials against speaker 1
    a, b = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    target = a == b
    draws = list(SpeakerBootstrap(a, b, target, resamples=50).weights())
    assert {tuple(weight) for weight in draws} == {(2, 0, 0, 0), (1, 1, 1, 1), (0, 0, 0, 2)}
    a, b = np.array([0, 0, 1]), np.array([1, 2, 2])
    draws = list(SpeakerBootstrap(a, b, a == b, resamples=100).weights())
    assert (2, 0, 0) not in {tuple(weight) for weight in draws if weight[0] == 1}
    assert (2, 0, 0) in {tuple(weight) for weight in draws}  # one speaker twice, another once


def test_the_interval_holds_the_figure_and_is_the_same_each_time():
    a, b = all_pairs(30, 4)
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, len(a)) + 2 * (a == b)
    bootstrap = SpeakerBootstrap(a, b, a == b, resamples=200)
    interval = bootstrap.eer(scores)
    assert interval is not None
    assert interval.low < eer(scores, a == b) < interval.high
    assert interval == SpeakerBootstrap(a, b, a == b, resamples=200).eer(scores)


def test_trials_that_share_a_speaker_make_the_interval_wider_not_narrower():
    # each speaker is good or bad as a whole; ten times the recordings tell nothing new of them
    widths = []
    for each in (3, 9):
        a, b = all_pairs(20, each)
        bad = np.arange(20) % 4 == 0
        scores = np.where(a == b, np.where(bad[a], -1.0, 2.0), 0.0)
        scores = scores + np.random.default_rng(1).normal(0, 0.3, len(a))
        interval = SpeakerBootstrap(a, b, a == b, resamples=300).eer(scores)
        widths.append(interval.high - interval.low)
    assert widths[1] > 0.7 * widths[0]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # targets N(3, 1.49), others N(0, 1): equal errors at 3 / (1 + sqrt(1.49)) = 1.351
    truth, covered = 0.0884, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a, b = all_pairs(40, 3)
        shift = rng.normal(0, 0.7, 40)  # how well a speaker is recognised
        scores = rng.normal(0, 1, len(a)) + np.where(a == b, 3 + shift[a], 0)
        interval = SpeakerBootstrap(a, b, a == b, resamples=150).eer(scores)
        covered += interval.low <= truth <= interval.high
    assert covered >= 51  # 57 are expected; fewer than 51 by chance in 1 of 100 cases


def test_two_speakers_have_no_interval():
    a, b = all_pairs(2, 3)
    assert SpeakerBootstrap(a, b, a == b).eer(np.arange(len(a), dtype=float)) is None


@pytest.mark.parametrize("names", [(0, 1, 2), (7, 70, 700)])
def test_speakers_may_have_any_numbers(names):
    a, b = all_pairs(3, 2)
    numbers = np.array(names)
    bootstrap = SpeakerBootstrap(numbers[a], numbers[b], a == b, resamples=100)
    assert bootstrap.speakers == 3
    assert [w.sum() for w in bootstrap.weights()] == [
        w.sum() for w in SpeakerBootstrap(a, b, a == b, resamples=100).weights()
    ]
