import numpy as np
import pytest

from voxgate.train.cache import Corpus
from voxgate.train.judge import eer_by_dataset, some_of


@pytest.fixture
def corpus() -> Corpus:
    """Speakers 0 to 4 of dataset a, 5 and 6 of b; 4 recordings each."""
    speaker = np.repeat(np.arange(7), 4)
    return Corpus(
        samples=np.zeros(28, np.int16), starts=np.arange(29), speaker=speaker,
        dataset=(speaker > 4).astype(np.int64), population=speaker * 0,
        speakers=[str(s) for s in range(7)], datasets=["a", "b"], names=[str(r) for r in range(28)],
    )  # fmt: skip


def test_few_recordings_are_all_judged(corpus):
    assert some_of(corpus, np.arange(28), 28, 1).tolist() == list(range(28))


@pytest.mark.parametrize("seed", range(5))
def test_of_many_whole_speakers_of_every_dataset_are_judged(corpus, seed):
    some = some_of(corpus, np.arange(28), 16, seed)
    assert np.bincount(corpus.dataset[some]).tolist() == [8, 8]
    assert (np.unique(corpus.speaker[some], return_counts=True)[1] == 4).all()
    assert (some == some_of(corpus, np.arange(28), 16, seed)).all()


def test_the_speakers_judged_depend_on_the_seed(corpus):
    drawn = {tuple(some_of(corpus, np.arange(28), 16, seed)) for seed in range(9)}
    assert len(drawn) > 1


def test_eer_is_of_pairs_within_a_dataset(corpus):
    recordings = np.array([0, 1, 4, 5, 20, 21, 24, 25])
    scores = np.zeros((8, 8), np.float32)
    scores[0, 1] = scores[2, 3] = 1  # a: every pair of one speaker is nearest
    scores[4, 6] = scores[4, 7] = scores[5, 6] = scores[5, 7] = 1  # b: every pair of two is
    assert eer_by_dataset(scores, corpus, recordings) == {"a": 0.0, "b": 100.0}


def test_a_dataset_with_one_speaker_has_no_eer(corpus):
    rates = eer_by_dataset(np.eye(4, dtype=np.float32), corpus, np.arange(4))
    assert rates == {}
