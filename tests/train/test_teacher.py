from itertools import pairwise

import numpy as np
import pytest
import tiny_pack
from voices import speak

from voxgate.embed import Embedder
from voxgate.errors import PackError, TrainingError
from voxgate.packs import load_pack
from voxgate.train import teacher as teaching
from voxgate.train.cache import Corpus
from voxgate.train.config import TeacherConfig
from voxgate.train.teacher import speech_in_pieces, teacher_targets

RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    """That of a pack that is no more than a path."""
    return tiny_pack.write(tmp_path / "tiny")


def corpus_of(speaker: list[int], *recordings: np.ndarray) -> Corpus:
    samples = np.concatenate([(32767 * r).astype(np.int16) for r in recordings])
    starts = np.cumsum([0, *map(len, recordings)])
    zeros = np.zeros(len(recordings), np.int64)
    speakers = [str(s) for s in range(max(speaker) + 1)]
    names = [str(r) for r in range(len(recordings))]
    return Corpus(samples, starts, np.array(speaker), zeros, zeros, speakers, ["set"], names)


@pytest.fixture
def corpus() -> Corpus:
    """Four speakers, the first with two recordings."""
    of = [(5, 0), (6, 0), (5, 1), (7, 0), (8, 0)]
    return corpus_of([0, 1, 0, 2, 3], *(speak(voice, 2.0, take) for voice, take in of))


def lengths(*seconds: float) -> list[float]:
    recordings = [np.zeros(round(s * RATE), np.float32) for s in seconds]
    return [len(piece) / RATE for piece in speech_in_pieces(recordings)]


@pytest.mark.parametrize(
    ("recordings", "pieces"),
    [
        ((0.5,), [0.5]),
        ((0.5, 0.6, 0.4), [1.5]),
        ((0.6,) * 6, [3.6]),
        ((0.6,) * 11, [3.0, 3.0]),
        ((4.0, 1.0), [5.0]),
        ((3.0, 3.0), [3.0, 3.0]),
        ((3.5, 2.0, 2.0), [6.0]),
        ((20.0, 5.0), [6.0]),
    ],
)
def test_short_recordings_are_joined_and_long_ones_are_not_heard_out(recordings, pieces):
    assert lengths(*recordings) == pytest.approx(pieces)


def test_all_recordings_of_a_speaker_have_the_teachers_embedding_of_that_speaker(
    folder, corpus, tmp_path
):
    teacher = TeacherConfig(str(folder), dim=3)
    targets = teacher_targets(teacher, corpus, np.arange(5), (1.0,), tmp_path)
    assert targets.shape == (1, 5, 3)
    assert np.linalg.norm(targets, axis=2) == pytest.approx(1, abs=1e-6)
    assert (targets[0, 0] == targets[0, 2]).all()

    embedder = Embedder(load_pack(folder))
    joined = np.concatenate([corpus.speech(0), corpus.speech(2)])
    speech = [joined, corpus.speech(1), corpus.speech(3), corpus.speech(4)]
    voices = np.stack([embedder.embed_waveform(waveform) for waveform in speech])
    spread = voices - voices.mean(axis=0)  # of four speakers: three directions hold all of it
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    of_speakers = targets[0, [0, 1, 3, 4]]
    assert of_speakers @ of_speakers.T == pytest.approx(spread @ spread.T, abs=1e-4)


def test_another_speed_is_another_voice_around_the_same_centre(folder, corpus, tmp_path):
    teacher = TeacherConfig(str(folder), dim=3)
    targets = teacher_targets(teacher, corpus, np.arange(5), (0.9, 1.0, 1.1), tmp_path)
    alone = teacher_targets(teacher, corpus, np.arange(5), (1.0,), tmp_path)
    assert np.abs(targets[1]) == pytest.approx(np.abs(alone[0]), abs=1e-5)
    for slower, faster in pairwise(targets):
        assert ((slower * faster).sum(axis=1) < 0.999).all()


def test_speech_shorter_than_the_teacher_needs_is_repeated(folder, tmp_path):
    brief = speak(6, 0.3, 0)
    corpus = corpus_of([0, 1, 2], speak(5, 2.0, 0), brief, speak(7, 2.0, 0))
    targets = teacher_targets(
        TeacherConfig(str(folder), dim=2), corpus, np.arange(3), (1.0,), tmp_path
    )
    assert np.isfinite(targets).all()


def test_voices_are_computed_once_and_kept(folder, corpus, tmp_path, monkeypatch):
    teacher = TeacherConfig(str(folder), dim=2)
    first = teacher_targets(teacher, corpus, np.arange(5), (1.0,), tmp_path)
    monkeypatch.setattr(teaching, "Embedder", lambda pack: pytest.fail("computed again"))
    again = teacher_targets(teacher, corpus, np.arange(5), (1.0,), tmp_path)
    assert (again == first).all()


def test_voices_kept_of_other_speakers_are_refused(folder, corpus, tmp_path):
    teacher = TeacherConfig(str(folder), dim=2)
    teacher_targets(teacher, corpus, np.arange(5), (1.0,), tmp_path)
    fewer = corpus_of([0, 1], speak(5, 1.0, 0), speak(6, 1.0, 0))
    with pytest.raises(TrainingError, match=r"is of 4 speakers, not of 2; delete it"):
        teacher_targets(teacher, fewer, np.arange(2), (1.0,), tmp_path)


def test_a_teacher_with_too_few_numbers_or_none_at_all_is_an_error(folder, corpus, tmp_path):
    with pytest.raises(TrainingError, match="has 24 numbers; a part of 25 cannot follow it"):
        teacher_targets(TeacherConfig(str(folder), dim=25), corpus, np.arange(5), (1.0,), tmp_path)
    with pytest.raises(PackError):
        teacher_targets(TeacherConfig("none", dim=2), corpus, np.arange(5), (1.0,), tmp_path)


def test_without_a_teacher_there_is_nothing_to_follow(corpus, tmp_path):
    targets = teacher_targets(TeacherConfig(), corpus, np.arange(5), (0.9, 1.0), tmp_path)
    assert targets.shape == (2, 5, 0)
