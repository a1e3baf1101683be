import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import tiny_pack
from hypothesis import given
from hypothesis import strategies as st
from voices import RATE, speak

from voxgate.embed import Embedder, windows
from voxgate.errors import AudioError, PackError, PackTamperedError, TooLittleSpeechError
from voxgate.networks import bucket_lengths
from voxgate.packs import load_pack

EXAMPLES = Path(__file__).parents[1] / "examples" / "voices"
WINDOW = 3 * RATE  # of the tiny pack


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    return Embedder(load_pack(tiny_pack.write(tmp_path_factory.mktemp("tiny"))))


def direction(*inputs):
    """The mean direction of what the tiny model makes of each input, weighed by length."""
    outputs = [tiny_pack.run(tiny_pack.files()["model.onnx"], speech) for speech in inputs]
    units = [output / np.linalg.norm(output) for output in outputs]
    total = sum(len(speech) * unit for speech, unit in zip(inputs, units, strict=True))
    return pytest.approx(total / np.linalg.norm(total), abs=1e-5)


# lengths and windows


def test_bucket_lengths_rise_by_a_small_ratio_up_to_a_whole_window():
    lengths = bucket_lengths(6.0, RATE)
    assert lengths[0] == 0.4 * RATE
    assert lengths[-1] == 6 * RATE
    assert len(lengths) == 25
    assert all(1 < b / a < 1.121 for a, b in pairwise(lengths))


def test_a_window_shorter_than_the_first_bucket_is_the_only_length():
    assert bucket_lengths(0.3, RATE) == (0.3 * RATE,)


@given(st.lists(st.integers(0, 25), max_size=12), st.integers(1, 10))
def test_windows_hold_all_the_speech_and_none_is_too_long_or_needlessly_short(sizes, longest):
    speech = np.arange(sum(sizes), dtype=np.float32)
    cut = list(windows(np.split(speech, np.cumsum(sizes)[:-1]) if sizes else [], longest))
    assert np.concatenate([*cut, []]).tolist() == speech.tolist()
    assert all(1 <= len(window) <= longest for window in cut)
    if len(speech) > longest:
        assert min(map(len, cut)) >= longest // 2
    assert list(map(len, cut)) == list(map(len, windows([speech], longest)))


@pytest.mark.parametrize(
    ("total", "lengths"),
    [(0, []), (1, [1]), (10, [10]), (11, [6, 5]), (19, [10, 9]), (20, [10, 10]), (21, [10, 6, 5])],
)
def test_windows_by_hand(total, lengths):
    assert [len(w) for w in windows([np.zeros(total, np.float32)], 10)] == lengths


def test_windows_are_given_before_all_of_the_speech_is_read():
    def endless():
        while True:
            yield np.zeros(4, np.float32)

    assert len(next(windows(endless(), 10))) == 10


# waveform to embedding


def test_an_embedding_is_a_direction_in_single_precision(embedder):
    vector = embedder.embed_waveform(speak(1, 1.0))
    assert vector.dtype == np.float32
    assert vector.shape == (24,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_speech_of_a_bucket_length_is_given_to_the_model_as_it_is(embedder):
    speech = speak(1, 3.0)
    assert embedder.embed_waveform(speech) == direction(speech)


def test_shorter_speech_is_repeated_from_its_start_to_fill_the_bucket(embedder):
    speech = speak(1, 1.0)
    length = min(length for length in bucket_lengths(3.0, RATE) if length >= RATE)
    assert RATE < length < 1.12 * RATE
    repeated = np.concatenate([speech, speech[: length - RATE]])
    assert embedder.embed_waveform(speech) == direction(repeated)


def test_long_speech_is_the_mean_of_its_windows_weighed_by_their_length(embedder, monkeypatch):
    monkeypatch.setattr(embedder, "_longest", 2 * RATE)
    monkeypatch.setattr(embedder._network, "lengths", np.array([RATE, 2 * RATE]))
    speech = speak(1, 4.0)
    assert embedder.embed_waveform(speech) == direction(speech[: 2 * RATE], speech[2 * RATE :])
    speech = speak(1, 3.0)  # 1.5 s and 1.5 s, each repeated to 2 s
    halves = [np.resize(half, 2 * RATE) for half in np.split(speech, 2)]
    assert embedder.embed_waveform(speech) == direction(*halves)


def test_a_longer_window_weighs_more(embedder, monkeypatch):
    monkeypatch.setattr(embedder, "_longest", 2 * RATE)
    monkeypatch.setattr(embedder._network, "lengths", np.array([RATE, 2 * RATE]))
    long, short = speak(1, 2.0), speak(2, 1.0)
    monkeypatch.setattr("voxgate.embed.windows", lambda pieces, longest: pieces)
    total, samples = embedder._sum_of_windows([long, short])
    assert samples == 3 * RATE
    assert total / np.linalg.norm(total) == direction(long, short)


def test_the_model_is_given_no_other_lengths_than_the_buckets(embedder, monkeypatch):
    given_lengths = set()
    session = embedder._network._session

    class Spy:
        def run(self, names, inputs):
            given_lengths.add(inputs["waveform"].shape)
            return session.run(names, inputs)

    monkeypatch.setattr(embedder._network, "_session", Spy())
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32)
    for samples in range(RATE // 2, len(noise), 4321):
        embedder.embed_waveform(noise[:samples])
    assert given_lengths <= {(1, length) for length in bucket_lengths(3.0, RATE)}
    assert (1, WINDOW) in given_lengths


def test_a_waveform_shorter_than_the_pack_needs_is_refused(embedder):
    with pytest.raises(TooLittleSpeechError, match=r"0.40 s of speech; at least 0.50 s"):
        embedder.embed_waveform(speak(1, 0.4))
    assert embedder.embed_waveform(speak(1, 0.5)).shape == (24,)


def test_threads_may_share_an_embedder(embedder):
    speech = [speak(voice, 1.0) for voice in range(4)]
    alone = [embedder.embed_waveform(waveform) for waveform in speech]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(embedder.embed_waveform, speech))
    assert np.array_equal(alone, together)


# recording to embedding


def test_a_recording_is_embedded_with_what_it_was_heard_from(embedder):
    embedding = embedder.embed(EXAMPLES / "ada-1.flac")
    assert embedding.name == "ada-1.flac"
    assert embedding.pack == "tiny@1"
    assert embedding.vector.shape == (24,)
    assert 3 < embedding.speech_s < 6
    assert embedding.speech_s == pytest.approx(sum(s.duration_s for s in embedding.segments))
    assert embedding.quality.speech_s == pytest.approx(embedding.speech_s)


def test_only_the_speech_of_a_recording_counts(embedder):
    waveform = sf.read(EXAMPLES / "ada-1.flac", dtype="float32")[0]
    noise = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE).astype(np.float32)
    padded = np.concatenate([noise, waveform, noise])
    plain, later = embedder.embed(waveform), embedder.embed(padded)
    assert later.speech_s == pytest.approx(plain.speech_s, abs=0.3)
    assert plain.vector @ later.vector > 0.95


def test_an_embedding_does_not_show_its_vector(embedder):
    assert "vector" not in repr(embedder.embed(EXAMPLES / "ada-1.flac"))


def test_too_little_speech_says_the_seconds_found_and_needed(embedder):
    noise = np.random.default_rng(0).normal(0, 1e-3, 2 * RATE).astype(np.float32)
    with pytest.raises(TooLittleSpeechError, match=r"waveform: found 0.00 s .* 0.50 s") as caught:
        embedder.embed(noise)
    assert (caught.value.found_s, caught.value.needed_s) == (0, 0.5)


def test_what_cannot_be_read_is_raised(embedder, tmp_path):
    with pytest.raises(AudioError, match=r"nowhere.wav"):
        embedder.embed(tmp_path / "nowhere.wav")


# models that do not fit


def pack_with(tmp_path, model):
    """The tiny pack with another model, and the SHA-256 that it has."""
    folder = tiny_pack.write(tmp_path / "tiny")
    toml = folder / "pack.toml"
    old = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "model.onnx").write_bytes(model)
    toml.write_text(toml.read_text().replace(old, hashlib.sha256(model).hexdigest()))
    return load_pack(folder)


def test_a_tampered_model_is_never_loaded(tmp_path):
    folder = tiny_pack.write(tmp_path / "tiny")
    (folder / "model.onnx").write_bytes(b"evil")
    with pytest.raises(PackTamperedError, match=r"model.onnx"):
        Embedder(load_pack(folder))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(PackError, match="cannot run the model of tiny@1"):
        Embedder(pack_with(tmp_path, b"not a model"))


def test_a_model_with_other_inputs_is_refused(tmp_path):
    model = tiny_pack.graph(np.eye(40), np.zeros(40), name_in="sound")
    with pytest.raises(PackError, match=r"'sound'.*needed is one float input 'waveform'"):
        Embedder(pack_with(tmp_path, model))


def test_a_model_of_another_dimension_is_refused(tmp_path):
    embedder = Embedder(pack_with(tmp_path, tiny_pack.graph(np.eye(40), np.zeros(40))))
    with pytest.raises(PackError, match=r"shape \(1, 40\); pack.toml promises \(1, 24\)"):
        embedder.embed_waveform(speak(1, 1.0))


@pytest.mark.parametrize("bias", [np.nan, np.inf])
def test_a_model_that_gives_no_direction_is_refused(tmp_path, bias):
    model = tiny_pack.graph(np.ones((40, 24)), np.full(24, bias))
    embedder = Embedder(pack_with(tmp_path, model))
    with pytest.raises(PackError, match="no usable embedding"):
        embedder.embed_waveform(speak(1, 1.0))
