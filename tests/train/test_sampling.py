from collections import Counter

import numpy as np
import pytest

from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.sampling import Sampler, SamplingConfig

SPEAKERS, RECORDINGS, SAMPLES = 6, 3, 16_000


@pytest.fixture
def corpus() -> Corpus:
    """Recording r is 1 s of the constant r + 1; the last speaker has a dataset to itself."""
    count = SPEAKERS * RECORDINGS
    speaker = np.repeat(np.arange(SPEAKERS), RECORDINGS)
    return Corpus(
        samples=np.repeat(np.arange(1, count + 1), SAMPLES).astype(np.int16),
        starts=np.arange(count + 1) * SAMPLES,
        speaker=speaker,
        dataset=(speaker == SPEAKERS - 1).astype(np.int64),
        population=(speaker == SPEAKERS - 1).astype(np.int64),
        speakers=[f"{'b' if s == SPEAKERS - 1 else 'a'}/{s}" for s in range(SPEAKERS)],
        datasets=["a", "b"],
        names=[str(r) for r in range(count)],
    )


def sampler(corpus: Corpus, **config) -> Sampler:
    return Sampler(corpus, np.arange(len(corpus)), SamplingConfig(batch_s=40, **config), seed=1)


def test_a_batch_depends_on_its_number_alone(corpus):
    one, other = sampler(corpus), sampler(corpus)
    other.draw(6)
    again, before = other.draw(7), one.draw(7)
    assert (again.waveforms == before.waveforms).all()
    assert (again.label == before.label).all()
    assert (one.draw(8).recording != before.recording).any()


def test_every_row_is_of_the_recording_and_the_label_that_it_names(corpus):
    crops = sampler(corpus, row_s=2.0, crop_s=(0.5, 1.0), speeds=(1.0,)).draw(0)
    assert crops.waveforms.shape == (20, 32_000)
    assert (np.rint(crops.waveforms * 32767) == crops.recording[:, None] + 1).all()
    assert (crops.label == corpus.speaker[crops.recording]).all()


def test_each_speed_is_a_speaker_of_its_own_unless_told_otherwise(corpus):
    apart = sampler(corpus, speeds=(0.9, 1.0, 1.1))
    together = sampler(corpus, speeds=(0.9, 1.0, 1.1), speed_is_speaker=False)
    assert (apart.classes, together.classes) == (18, 6)
    crops = apart.draw(3)
    assert (crops.label == 3 * corpus.speaker[crops.recording] + crops.speed).all()
    assert (together.draw(3).label < 6).all()


def test_without_rows_all_crops_of_a_batch_have_one_length_drawn_for_it(corpus):
    one_length = sampler(corpus, row_s=0.0, crop_s=(0.5, 1.0))
    shapes = {one_length.draw(n).waveforms.shape for n in range(20)}
    assert shapes == {(80, 8_000), (40, 16_000)}


def test_crops_of_one_speaker_stand_side_by_side_and_are_of_different_recordings(corpus):
    crops = sampler(corpus, per_speaker=2).draw(0)
    pairs = crops.recording.reshape(-1, 2)
    assert (corpus.speaker[pairs[:, 0]] == corpus.speaker[pairs[:, 1]]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert (crops.label.reshape(-1, 2)[:, 0] == crops.label.reshape(-1, 2)[:, 1]).all()


def test_datasets_are_drawn_by_their_weights(corpus):
    drawn = sampler(corpus, dataset_weight={"a": 0.0})
    assert {corpus.dataset[r] for r in drawn.draw(0).recording} == {1}
    even = Counter(
        corpus.dataset[np.concatenate([sampler(corpus).draw(n).recording for n in range(50)])]
    )
    assert 0.4 < even[0] / even.total() < 0.6


def test_nothing_to_draw_from_is_refused(corpus):
    with pytest.raises(TrainingError, match="4 recordings or more"):
        sampler(corpus, per_speaker=4)
