import numpy as np
import pytest

from voxgate.evaluate.embeddings import Embeddings
from voxgate.evaluate.identification import _Best, search


def heard(vectors: np.ndarray) -> Embeddings:
    count = len(vectors)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    row = {str(i): i for i in range(count)}
    return Embeddings(row, unit, np.full(count, 3.0), np.full(count, 20.0), np.ones(count, bool))


def test_fnir_at_fpir_by_hand():
    best = _Best(
        score=np.array([9.0, 8, 7, 6, 5, 4, 3, 2]),
        right=np.array([True, True, False, True, False, False, False, False]),
        mated=np.array([True, True, True, True, False, False, False, False]),
    )
    assert best.fnir(0.01) == pytest.approx(0.25)  # above 5: three of four are right
    assert best.fnir(0.25) == pytest.approx(0.25)  # one of four strangers may be returned
    shifted = _Best(best.score, best.right, best.mated[::-1].copy())
    assert shifted.fnir(0.3) == pytest.approx(1)  # strangers have the best scores
    tied = _Best(np.ones(8), best.right, best.mated)
    assert tied.fnir(0.25) == 1  # all strangers or none


def test_voices_far_apart_are_always_found(pack):
    rng = np.random.default_rng(0)
    centres = np.repeat(np.linalg.qr(rng.normal(size=(24, 12)))[0].T, 5, axis=0)
    speaker = np.repeat(np.arange(12), 5)
    found = search(pack, heard(centres + rng.normal(0, 0.01, centres.shape)), speaker)
    assert (found.enrolled, found.rank_1) == (6, 1)
    assert found.mated == 10 * 6 * 3  # ten draws; two of five recordings are enrolled
    assert found.strangers == 10 * 6 * 5
    assert found.fnir_cosine == {"0.1": 0, "0.05": 0, "0.01": 0}


def test_voices_all_alike_are_found_by_chance(pack):
    rng = np.random.default_rng(1)
    speaker = np.repeat(np.arange(20), 4)
    found = search(pack, heard(rng.normal(size=(80, 24))), speaker)
    assert found.rank_1 == pytest.approx(0.1, abs=0.07)
    assert found.fnir["0.01"] > 0.9
    assert found == search(pack, heard(np.random.default_rng(1).normal(size=(80, 24))), speaker)


def test_too_few_speakers_cannot_be_searched(pack):
    vectors = np.random.default_rng(2).normal(size=(8, 24))
    assert search(pack, heard(vectors), np.array([0, 0, 1, 1, 2, 2, 3, 4])) is None
