import numpy as np
import pytest
import soundfile

from voxgate.errors import EvaluationError
from voxgate.evaluate import embeddings as module
from voxgate.evaluate.embeddings import embed_recordings
from voxgate.evaluate.recordings import Library

NAMES = ["one/v6/0.flac", "one/v6/1.flac", "two/v3/0.flac"]


def test_the_result_is_the_embedders_and_does_not_depend_on_threads(pack, data):
    told = []
    alone = embed_recordings(
        pack, [*NAMES, NAMES[0]], Library(data), progress=lambda *x: told.append(x)
    )
    together = embed_recordings(pack, NAMES, Library(data), threads=3)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert list(alone.row) == sorted(NAMES)
    assert np.array_equal(alone.vectors, together.vectors)
    own = module.Embedder(pack).embed(data / NAMES[2])
    row = alone.row[NAMES[2]]
    assert np.array_equal(alone.vectors[row], own.vector)
    assert alone.speech_s[row] == own.speech_s
    assert alone.without_speech == ()


def test_a_recording_without_speech_is_embedded_whole_and_named(pack, tmp_path):
    noise = np.random.default_rng(0).normal(0, 1e-3, 8000).astype(np.float32)
    soundfile.write(tmp_path / "quiet.wav", noise, 16_000)
    found = embed_recordings(pack, ["quiet.wav"], Library(tmp_path))
    assert found.without_speech == ("quiet.wav",)
    assert found.speech_s.tolist() == [0.5]
    assert np.isnan(found.snr_db).all()


def test_a_cache_saves_the_work_until_a_recording_changes(pack, tmp_path, data, monkeypatch):
    for i, name in enumerate(NAMES[:2]):
        (tmp_path / f"{i}.flac").write_bytes((data / name).read_bytes())
    names, cache = ["0.flac", "1.flac"], tmp_path / "cache"
    worked = []

    def run():
        worked.clear()
        return embed_recordings(
            pack, names, Library(tmp_path), cache=cache, progress=lambda *x: worked.append(x)
        )

    first = run()
    assert len(worked) == 2
    again = run()
    assert worked == []
    assert np.array_equal(first.vectors, again.vectors)
    assert [path.stat().st_mode & 0o777 for path in cache.iterdir()] == [0o600]
    (tmp_path / "1.flac").write_bytes((data / NAMES[2]).read_bytes())
    changed = run()
    assert len(worked) == 1
    assert np.array_equal(first.vectors[0], changed.vectors[0])
    assert not np.array_equal(first.vectors[1], changed.vectors[1])
    next(cache.iterdir()).write_bytes(b"something else")
    with pytest.raises(EvaluationError, match="not a cache of embeddings"):
        run()
