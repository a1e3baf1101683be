"""A published corpus, in a tree of its shape that is made here."""

from pathlib import Path

import pytest
from published import write_librispeech

from voxgate.errors import CorpusError
from voxgate.train.corpora import read_corpus
from voxgate.train.corpora.prepare import known_corpora, prepare


@pytest.fixture
def librispeech(tmp_path) -> Path:
    return write_librispeech(tmp_path / "LibriSpeech")


def test_librispeech_becomes_recordings_with_speakers(librispeech, tmp_path):
    found = prepare("librispeech", librispeech, tmp_path / "out")
    assert sorted(r.name for r in found) == ["174-7-0000", "174-7-0001", "84-7-0000", "84-7-0001"]
    assert {r.speaker for r in found} == {"out/84", "out/174"}
    assert all(len(r.waveform()) == 24_000 for r in found)
    assert read_corpus(tmp_path / "out") == found  # is known for lhotse's without being told


@pytest.mark.parametrize(
    ("name", "folder", "said"),
    [
        ("librispich", "LibriSpeech", "There is no corpus 'librispich'"),
        ("librispeech", "nowhere", "There is no folder .*nowhere"),
        ("librispeech", "LibriSpeech/dev-clean/84", "84 does not hold librispeech"),
    ],
)
def test_what_cannot_be_prepared_is_one_sentence(librispeech, tmp_path, name, folder, said):
    with pytest.raises(CorpusError, match=said):
        prepare(name, tmp_path / folder, tmp_path / "out")


def test_the_corpora_of_the_field_are_known():
    assert {"librispeech", "voxceleb", "vctk", "commonvoice", "aishell"} <= set(known_corpora())
