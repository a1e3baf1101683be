from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from voxgate.audio import load
from voxgate.errors import LeakError
from voxgate.train.corpora import read_corpus
from voxgate.train.leaks import (
    Labelled,
    Leak,
    content_of,
    find_leaks,
    refuse_leaks,
    refuse_to_share,
)


def test_sides_that_share_nothing_pass():
    refuse_leaks({"train": [Labelled("a", "1", "x")], "dev": [Labelled("b", "1", "y")]})


def test_a_speaker_and_a_recording_on_two_sides_are_found():
    sides = {
        "train": [Labelled("a", "1", "x"), Labelled("b", "2", "y")],
        "dev": [Labelled("a", "3", "z")],
        "test": [Labelled("c", "4", "y")],
    }
    assert find_leaks(sides) == [
        Leak("speaker", "a", ("train", "dev")),
        Leak("recording", "2 = 4", ("train", "test")),
    ]


def test_recordings_whose_content_is_not_known_are_not_taken_for_the_same():
    assert find_leaks({"train": [Labelled("a", "1")], "dev": [Labelled("b", "2")]}) == []


def test_a_leak_is_refused_with_its_first_cases_and_all_of_them_at_hand():
    same = [Labelled(str(n), str(n)) for n in range(5)]
    with pytest.raises(LeakError, match=r"speaker 0 in train and dev; .*; and 2 more") as refused:
        refuse_leaks({"train": same, "dev": same})
    assert len(refused.value.leaks) == 5


def test_the_content_is_that_of_the_sound_not_of_the_file(tmp_path, ada):
    for name in ("a.wav", "b.flac"):
        sf.write(tmp_path / name, ada, 16_000, subtype="PCM_16")
    wav, flac = (load(tmp_path / name) for name in ("a.wav", "b.flac"))
    assert (tmp_path / "a.wav").read_bytes() != (tmp_path / "b.flac").read_bytes()
    assert content_of(wav) == content_of(flac)
    changed = wav.copy()
    changed[1_000] += np.float32(0.01)
    assert content_of(changed) != content_of(wav)


def folders(*files: Path) -> dict:
    """Corpora that lie two folders above these files, a byte in each file."""
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes([number]))
    places = {file.parents[1] for file in files}
    return {place.name: (place, read_corpus(place, "folders")) for place in places}


def test_folders_of_speakers_that_share_nothing_may_be_trained_and_measured_on(tmp_path):
    refuse_to_share(folders(tmp_path / "train/ada/1.wav", tmp_path / "dev/alan/1.wav"))


def test_a_speaker_has_one_name_in_whatever_folder_of_speakers(tmp_path):
    corpora = folders(tmp_path / "train/ada/1.wav", tmp_path / "dev/ada/2.wav")
    with pytest.raises(LeakError, match="speaker ada in "):
        refuse_to_share(corpora)


def test_the_same_file_is_found_under_another_name(tmp_path):
    corpora = folders(tmp_path / "train/ada/1.wav", tmp_path / "dev/alan/2.wav")
    (tmp_path / "dev/alan/2.wav").write_bytes((tmp_path / "train/ada/1.wav").read_bytes())
    with pytest.raises(LeakError, match=r"recording (ada|alan).[12].wav = (ada|alan).[12].wav in "):
        refuse_to_share(corpora)
