import json
from pathlib import Path

import pytest
import soundfile


def test_it_records_until_there_is_enough_speech(voxgate, spoken):
    spoken("ada")
    result = voxgate("record", "ada.wav", "--seconds", "6")
    assert result.exit_code == 0
    assert result.stdout.startswith("✓ ada.wav: 6.0 s of speech in ")
    assert "Read aloud: The early train" in result.stderr
    assert soundfile.info("ada.wav").samplerate == 16_000


def test_json_tells_what_was_recorded(voxgate, spoken):
    spoken("ada")
    facts = json.loads(voxgate("record", "ada.flac", "--seconds", "3", "--json").stdout)
    assert (facts["output"], facts["wanted_s"], facts["enough"]) == ("ada.flac", 3, True)
    assert 3 <= facts["speech_s"] < facts["duration_s"]


def test_too_little_speech_keeps_the_file_and_is_exit_code_two(voxgate, spoken):
    spoken(None)
    result = voxgate("record", "a.wav", "--seconds", "3", "--longest", "5")
    assert result.exit_code == 2
    assert result.stdout.startswith("! a.wav: 0.0 s of speech in 5.")
    assert "record again" in result.stderr
    assert Path("a.wav").exists()


def test_a_file_that_is_there_is_kept_unless_told_otherwise(voxgate, spoken):
    spoken("ada")
    Path("a.wav").write_text("precious")
    result = voxgate("record", "a.wav", "--seconds", "1")
    assert result.exit_code == 2
    assert Path("a.wav").read_text() == "precious"
    assert voxgate("record", "a.wav", "--seconds", "1", "--overwrite").exit_code == 0


def test_sentences_come_from_a_file(voxgate, spoken):
    spoken("ada")
    Path("s.txt").write_text("Ein Satz.\n", "utf-8")
    result = voxgate("record", "a.wav", "--seconds", "1", "--sentences", "s.txt")
    assert "Read aloud: Ein Satz." in result.stderr


def test_without_a_microphone_it_is_one_sentence(voxgate, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", None)
    result = voxgate("record", "a.wav")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pip install 'voxgate[mic]'" in result.stderr
    assert not Path("a.wav").exists()


@pytest.mark.parametrize("name", ["a.mp3", "nowhere/a.wav"])
def test_a_file_that_cannot_be_written_is_one_sentence(voxgate, spoken, name):
    spoken("ada")
    result = voxgate("record", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert name in result.stderr
