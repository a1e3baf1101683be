import json

import pytest


@pytest.fixture(autouse=True)
def _ada_is_enrolled(voxgate, said):
    assert voxgate("enroll", "ada", said("ada", 1), said("ada", 2)).exit_code == 0


def test_the_right_voice_is_accepted(voxgate, said):
    result = voxgate("verify", "ada", said("ada", 3))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("✓ Accepted as ada: ")
    assert "ada (2 recordings)" in result.stdout


def test_another_voice_is_refused_with_exit_code_one(voxgate, said):
    result = voxgate("verify", "ada", said("alan"))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("✗ ")


def test_json_names_the_speaker(voxgate, said):
    facts = json.loads(voxgate("verify", "ada", said("ada", 3), "--json").stdout)
    assert (facts["speaker"], facts["enrolled"]["recordings"]) == ("ada", 2)


def test_an_unknown_speaker_brings_the_nearest_names(voxgate, said):
    result = voxgate("verify", "adda", said("ada", 3))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'ada'" in result.stderr


def test_too_little_speech_is_no_answer(voxgate, silence):
    result = voxgate("verify", "ada", silence)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Not enough speech" in result.stderr


def test_the_microphone_will_do_and_leaves_nothing(voxgate, spoken, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    spoken("ada")
    result = voxgate("verify", "ada", "--mic", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["probe"]["name"]) == (0, "microphone.flac")
    assert facts["probe"]["speech_s"] >= 5
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("words", [[], ["probe.wav", "--mic"]])
def test_it_needs_a_recording_or_the_microphone(voxgate, words):
    result = voxgate("verify", "ada", *words)
    assert result.exit_code == 2
    assert "either a recording or --mic" in result.stderr


def test_another_store_is_another_set_of_speakers(voxgate, said, tmp_path):
    elsewhere = f"sqlite:///{tmp_path}/other.db"
    result = voxgate("verify", "ada", said("ada", 3), "--store", elsewhere)
    assert result.exit_code == 2
    assert "ada" in result.stderr


def test_a_store_that_makes_no_sense_is_one_sentence(voxgate, said):
    result = voxgate("verify", "ada", said("ada", 3), "--store", "redis://x")
    assert result.exit_code == 2
    assert "redis" in result.stderr


def test_the_wrong_key_is_one_sentence(voxgate, said, monkeypatch):
    monkeypatch.setenv("VOXGATE_KEY", "00" * 32)
    result = voxgate("verify", "ada", said("ada", 3))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "key" in result.stderr
    assert "Something unexpected" not in result.stderr
