import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from voices import speak

from voxgate.errors import TrainingError
from voxgate.train import cache
from voxgate.train.cache import Corpus, build_cache
from voxgate.train.corpora import ReadOptions, Recording, read_corpus
from voxgate.vad import VadOptions

FILE = Path("/nowhere")
SOME = [
    Recording("a", "a/1", "1.flac", FILE),
    Recording("a", "a/2", "2", FILE, start_s=1.5, end_s=2.0),
    Recording("p", "p/0", "p.pkl#3", FILE, row=3),
]
DIGEST = "6e41c0617e8b1a2c4e57f1553659adc165302d8a63ea56c2d44165ff5e29c0df"  # of the first caches


def write(folder: Path, name: str, waveform: np.ndarray) -> Recording:
    """A recording "a/<speaker>/<take>.flac" of the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, waveform, 16_000)
    dataset, speaker, _ = name.split("/")
    return Recording(dataset, f"{dataset}/{speaker}", name, path)


@pytest.fixture
def recordings(tmp_path) -> list[Recording]:
    return [
        write(tmp_path, f"a/{voice}/{take}.flac", speak(voice, 1.5, take))
        for voice in range(2)
        for take in range(2)
    ]


def test_speech_is_kept_under_the_name_of_its_speaker(recordings, tmp_path):
    corpus = build_cache(recordings, tmp_path / "cache")
    assert corpus.speakers == ["a/0", "a/1"]
    assert corpus.speaker.tolist() == [0, 0, 1, 1]
    assert corpus.names == [recording.name for recording in recordings]
    assert (corpus.seconds() > 0.5).all()
    beginning, whole = corpus.speech(2)[:4000], speak(1, 1.5, 0)
    shift = np.correlate(whole, beginning, "valid").argmax()
    assert np.abs(whole[shift : shift + 4000] - beginning).max() < 2 / 32767


def test_strangers_of_one_language_and_data_set_are_one_population(recordings, tmp_path):
    told = [replace(r, language=word) for r, word in zip(recordings, "xyyy", strict=True)]
    population = build_cache(told, tmp_path / "cache").population
    assert (population[1:] == population[1]).all()
    assert population[0] != population[1]


def test_a_finished_cache_is_opened_and_not_made_again(recordings, tmp_path):
    first = build_cache(recordings, tmp_path / "cache")
    told = []
    again = build_cache(
        recordings, tmp_path / "cache", progress=lambda done, of: told.append((done, of))
    )
    assert told == []
    assert (again.starts == first.starts).all()


def test_progress_is_told_after_each_recording(recordings, tmp_path):
    told = []
    build_cache(recordings, tmp_path / "cache", progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_cannot_be_decoded_is_left_out_and_named_with_its_reason(recordings, tmp_path):
    recordings[1].path.write_text("no sound")
    for corpus in (build_cache(recordings, tmp_path / "cache") for _ in range(2)):
        assert len(corpus) == 3
        (reason,) = corpus.left_out
        assert reason.startswith("a/0/1.flac: ")
        assert "no sound track" in reason


def test_nothing_that_can_be_decoded_is_refused(recordings, tmp_path):
    recordings[0].path.write_text("no sound")
    with pytest.raises(
        TrainingError, match=r"None of the recordings could be decoded.*a/0/0\.flac"
    ):
        build_cache(recordings[:1], tmp_path / "cache")


def test_a_recording_that_was_changed_since_is_noticed(recordings, tmp_path):
    build_cache(recordings, tmp_path / "cache")
    sf.write(recordings[0].path, speak(5, 3.0), 16_000)
    with pytest.raises(TrainingError, match="caches other recordings; delete it or choose another"):
        build_cache(recordings, tmp_path / "cache")


def test_caches_that_were_made_before_stay_good():
    assert cache._digest(SOME) == DIGEST


@pytest.mark.parametrize(
    "change",
    [{"rate_hz": 8_000}, {"row": 4}, {"start_s": 0.5}, {"end_s": 1.0}, {"speaker": "a/3"},
     {"path": Path(__file__)}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_cache_is_of_another_thing_where_its_recordings_differ(change):
    assert cache._digest([*SOME[:2], replace(SOME[2], **change)]) != DIGEST


@pytest.mark.parametrize("name", ["TRIMMED_S", "LEAD_IN_S", "_LEAST_SPEECH_S", "VadOptions"])
def test_a_cache_is_of_another_thing_where_speech_is_found_otherwise(name, monkeypatch):
    other = 0.5 if name != "VadOptions" else lambda: VadOptions(threshold=0.5)
    monkeypatch.setattr(cache, name, other)
    assert cache._digest(SOME) != DIGEST


def test_rows_of_a_pickled_array_are_cached_as_recordings(tmp_path):
    rows = np.stack([speak(voice, 1.5, take) for voice in range(2) for take in range(2)])
    (tmp_path / "corpus.pkl").write_bytes(pickle.dumps(rows))
    found = read_corpus(tmp_path / "corpus.pkl", options=ReadOptions(rows_per_speaker=2))
    corpus = build_cache(found, tmp_path / "cache")
    assert corpus.speaker.tolist() == [0, 0, 1, 1]
    assert isinstance(corpus, Corpus)
    assert (corpus.seconds() > 0.5).all()


def test_stretches_of_a_file_are_cached_as_recordings(recordings, tmp_path):
    path = tmp_path / "long.flac"
    sf.write(path, np.concatenate([speak(0, 1.5), np.zeros(16_000), speak(1, 1.5)]), 16_000)
    parts = [
        Recording("a", f"a/{voice}", f"part {voice}", path, start_s=start, end_s=start + 1.5)
        for voice, start in enumerate((0.0, 2.5))
    ]
    corpus = build_cache(parts, tmp_path / "cache")
    assert corpus.speaker.tolist() == [0, 1]
    assert np.abs(corpus.seconds() - 1.5).max() < 0.4
