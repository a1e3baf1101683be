from datetime import datetime, timezone
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from voxgate.errors import ScoringError
from voxgate.scoring import Cohort, cosine, normalise
from voxgate.search import Gallery, largest
from voxgate.store import Voiceprint

NOW = datetime(2025, 1, 31, tzinfo=timezone.utc)
EAST, NORTH = np.array([[1, 0], [0, 1]], np.float32)


def enrolled(speaker: str, vector: NDArray[np.float32], speech_s: float = 5.0) -> Voiceprint:
    return Voiceprint(speaker, "tiny@1", vector, speech_s, 1, NOW)


def voices(count: int, dim: int = 16, seed: int = 0) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def gallery_of(vectors: NDArray[np.float32], threads: int = 1) -> Gallery:
    named = [enrolled(f"{i:06d}", vector) for i, vector in enumerate(vectors)]
    return Gallery(named, threads=threads)


def test_the_most_alike_comes_first() -> None:
    between = (EAST + NORTH) / np.sqrt(np.float32(2))
    gallery = Gallery([enrolled("n", NORTH), enrolled("e", EAST), enrolled("w", -EAST)])
    found = gallery.top(2 * between + EAST, 3)
    assert [name for name, _ in found] == ["e", "n", "w"]
    length = np.hypot(np.sqrt(2) + 1, np.sqrt(2))
    expected = [(np.sqrt(2) + 1) / length, np.sqrt(2) / length, -(np.sqrt(2) + 1) / length]
    assert [score for _, score in found] == pytest.approx(expected)


def test_voices_are_in_the_order_of_their_names() -> None:
    gallery = Gallery([enrolled("b", NORTH, 2.0), enrolled("a", EAST, 3.0)])
    assert gallery.names == ["a", "b"]
    assert gallery.speech_s.tolist() == [3.0, 2.0]
    assert gallery.matrix.tolist() == [[1, 0], [0, 1]]
    assert gallery.matrix.flags.c_contiguous
    assert gallery.matrix.dtype == np.float32


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 10, 1001])
def test_a_search_finds_what_a_full_sort_finds(count: int, threads: int) -> None:
    vectors, probe = voices(count), voices(1, seed=1)[0]
    gallery = gallery_of(vectors, threads)
    expected = cosine(vectors, probe[None])[:, 0]
    assert gallery.cosines(probe) == pytest.approx(expected, abs=1e-6)
    for k in (1, 10, count):
        order = np.argsort(-expected, kind="stable")[:k]
        assert [name for name, _ in gallery.top(probe, k)] == [gallery.names[i] for i in order]


def test_the_same_voice_under_several_names_has_one_score_and_comes_by_name() -> None:
    vectors = voices(1003, dim=192)
    same = [3, 500, 501, 1002]
    vectors[same] = vectors[3]
    probe = vectors[3] + 0.1 * voices(1, dim=192, seed=1)[0]
    found = gallery_of(vectors, threads=2).top(probe, 4)
    assert [name for name, _ in found] == [f"{i:06d}" for i in same]
    assert len({score for _, score in found}) == 1


def test_the_probe_need_not_be_of_length_one_and_is_not_changed() -> None:
    gallery, probe = gallery_of(voices(10)), voices(1, seed=1)[0]
    given = 7 * probe.astype(np.float64)
    assert gallery.cosines(given) == pytest.approx(gallery.cosines(probe))
    assert (given == 7 * probe.astype(np.float64)).all()


def test_cosines_stay_in_range() -> None:
    vectors = voices(500, dim=3)
    gallery = gallery_of(vectors)
    assert max(np.abs(gallery.cosines(vector)).max() for vector in vectors) <= 1


def test_nobody_is_found_among_nobody() -> None:
    empty = Gallery([])
    assert len(empty) == 0
    assert empty.top(EAST, 3) == []
    assert empty.cosines(EAST).shape == (0,)


@pytest.mark.parametrize("probe", [np.zeros(2), np.array([np.nan, 1]), np.array([np.inf, 1])])
def test_a_probe_without_direction_is_refused(probe: NDArray[np.float64]) -> None:
    with pytest.raises(ScoringError, match="no direction"):
        Gallery([enrolled("a", EAST)]).cosines(probe)


def test_a_probe_of_another_dimension_is_refused() -> None:
    with pytest.raises(ScoringError, match=r"shape \(3,\), but the voices have \(2,\)"):
        Gallery([enrolled("a", EAST)]).cosines(np.ones(3, np.float32))


def test_the_scale_is_that_of_the_cohort() -> None:
    cohort = Cohort(voices(50, seed=1), nearest=10)
    vectors, probe = voices(5), voices(1, seed=2)
    gallery = Gallery([enrolled(str(i), vector) for i, vector in enumerate(vectors)], cohort)
    scores = normalise(gallery.cosines(probe[0]), gallery.scale, cohort.scale_of(probe))
    assert scores == pytest.approx(cohort.as_norm(vectors, probe)[:, 0], abs=1e-5)


def test_without_a_cohort_there_is_no_scale() -> None:
    with pytest.raises(ScoringError, match="has no cohort"):
        _ = gallery_of(voices(2)).scale


def test_the_largest_are_found_in_order_with_ties_by_position() -> None:
    scores = np.array([1, 3, 2, 3, 2, 2, -np.inf])
    assert largest(scores, 1).tolist() == [1]
    assert largest(scores, 3).tolist() == [1, 3, 2]
    assert largest(scores, 4).tolist() == [1, 3, 2, 4]
    assert largest(scores, 99).tolist() == [1, 3, 2, 4, 5, 0, 6]
    assert largest(scores, 0).tolist() == largest(scores, -1).tolist() == []
    assert largest(np.empty(0), 3).tolist() == []
    many = np.random.default_rng(0).integers(0, 50, 2000).astype(float)
    chosen = largest(many, 300).tolist()
    assert chosen == np.argsort(-many, kind="stable")[:300].tolist()
    assert all((-many[a], a) < (-many[b], b) for a, b in pairwise(chosen))
