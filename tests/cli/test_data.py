import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from published import write_librispeech


@pytest.fixture
def sides(said) -> tuple[Path, Path]:
    """Two folders of speakers who are not the same."""
    said("ada", seconds=1, name="left/ada/1.flac")
    said("alan", seconds=1, name="right/alan/1.flac")
    return Path("left"), Path("right")


def test_corpora_that_share_nothing_pass(voxgate, sides):
    done = voxgate("data", "check", *sides, "--jobs", 1)
    assert done.exit_code == 0
    assert "no leaks: 2 recordings compared" in done.output


def test_a_recording_under_another_name_is_a_leak(voxgate, sides):
    shutil.copy("left/ada/1.flac", "right/alan/other.flac")
    done = voxgate("data", "check", *sides, "--jobs", 1, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["leaks"] == [
        "recording ada/1.flac = alan/other.flac in left and right"
    ]


def test_a_speaker_in_two_folders_of_speakers_is_a_leak(voxgate, sides, said):
    said("grace", seconds=1, name="right/ada/2.flac")
    done = voxgate("data", "check", *sides, "--jobs", 1)
    assert done.exit_code == 2
    assert "shared: speaker ada in left and right" in done.output


def test_a_recording_that_cannot_be_decoded_fails_the_check(voxgate, sides):
    Path("right/alan/bad.wav").write_text("no sound")
    done = voxgate("data", "check", *sides, "--jobs", 1)
    assert done.exit_code == 2
    assert "bad.wav" in done.output


def test_one_corpus_cannot_be_compared(voxgate, sides):
    assert voxgate("data", "check", sides[0]).exit_code == 2


def test_a_split_writes_manifests_that_pass_the_check(voxgate, said):
    for number in range(4):
        said("ada", take=number, seconds=1, name=f"all/s{number}/1.flac")
    done = voxgate("data", "split", "all", "-o", "out", "--dev", 0.25)
    assert done.exit_code == 0
    lines = {part: Path(f"out/{part}.csv").read_text().splitlines() for part in ("train", "dev")}
    assert {part: len(found) - 1 for part, found in lines.items()} == {"train": 3, "dev": 1}
    assert voxgate("data", "check", "out/train.csv", "out/dev.csv", "--jobs", 1).exit_code == 0


def test_arrays_are_compared_at_the_rate_and_by_the_speakers_that_are_said(voxgate):
    rows = np.random.default_rng(0).normal(0, 0.1, (4, 800)).astype(np.float32)
    rows[:2].dump("one.pkl")
    rows[1:].dump("other.pkl")
    words = ["data", "check", "one.pkl", "other.pkl", "--jobs", 1, "--json"]
    assert "say with --rows-per-speaker" in voxgate(*words).output.replace("\n", " ")
    done = voxgate(*words, "--rows-per-speaker", 1, "--rate", 8000)
    assert done.exit_code == 2
    assert json.loads(done.stdout)["leaks"] == [
        "recording one.pkl#1 = other.pkl#0 in one.pkl and other.pkl"
    ]


def test_an_array_cannot_be_split_into_manifests(voxgate):
    np.zeros((3, 800), np.float32).dump("one.pkl")
    done = voxgate("data", "split", "one.pkl", "-o", "out")
    assert done.exit_code == 2
    assert "is an array" in done.output
    assert not Path("out").exists()


def test_a_published_corpus_is_prepared_and_read(voxgate):
    write_librispeech(Path("LibriSpeech"))
    done = voxgate("data", "prepare", "librispeech", "LibriSpeech", "-o", "ls")
    assert done.exit_code == 0
    assert "4 recordings of 2 speakers" in done.output
    checked = voxgate("data", "check", "ls", "LibriSpeech/dev-clean", "--jobs", 1, "--json")
    assert "recording 174-7-0000 = 174/7/174-7-0000.flac" in checked.output


def test_the_corpora_that_can_be_prepared_are_listed(voxgate):
    listed = voxgate("data", "corpora").output.split()
    assert listed == json.loads(voxgate("data", "corpora", "--json").output)["corpora"]
    assert {"librispeech", "voxceleb"} <= set(listed)
