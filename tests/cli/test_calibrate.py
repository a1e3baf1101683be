import json
import sys
from pathlib import Path

import pytest
import soundfile
from voices import RATE, speak


@pytest.fixture
def people() -> Path:
    """A folder for each of ten speakers with two recordings of 1.5 s."""
    for voice in (303, 304, 305, 306, 307, 308, 309, 310, 312, 313):
        for take in range(2):
            path = Path(f"people/v{voice}/deep/{take}.flac")
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, speak(voice, 1.5, take), RATE)
    return Path("people")


def test_a_pack_is_calibrated_and_says_what_to_expect(voxgate, people, said):
    assert voxgate("enroll", "ada", said("ada", 0)).exit_code == 0
    result = voxgate("calibrate", "--data", people, "-o", "ours")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "10 speakers, 20 recordings: 10 pairs of one speaker, 180 of two" in result.stdout
    assert "Before, with the calibration that the pack had" in result.stdout
    assert "Now, on speakers that it was not fitted on" in result.stdout
    assert "a false-accept rate of 1 %" in result.stdout
    verified = voxgate("verify", "ada", said("ada", 1), "--pack", "ours", "--json")
    facts = json.loads(verified.stdout)
    assert facts["pack"].startswith("tiny@1+cal.")  # enrolled with tiny@1, and still known


def test_a_program_gets_one_object(voxgate, people, silence):
    silence.rename(people / "v303" / "silence.wav")
    result = voxgate("calibrate", "--data", people, "-o", "ours", "--json")
    assert result.exit_code == 2  # the pack is there, but a recording was of no use
    facts = json.loads(result.stdout)
    assert (facts["output"], facts["speakers"]) == ("ours", 10)
    assert facts["after"]["policies"][1]["policy"] == "a false-accept rate of 1 %"
    assert [Path(failure["name"]).name for failure in facts["failures"]] == ["silence.wav"]
    assert Path("ours/pack.toml").exists()


def test_too_few_speakers_are_one_sentence_and_no_pack(voxgate, people):
    result = voxgate("calibrate", "--data", people / "v303", "-o", "ours")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "two usable recordings or more: 1; at least 10 are needed" in result.stderr
    assert not Path("ours").exists()


def test_what_is_there_is_not_overwritten_and_said_before_the_work(voxgate, people, pack):
    result = voxgate("calibrate", "--data", people, "-o", pack)
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    result = voxgate("calibrate", "--data", "none", "-o", "ours")
    assert "none is no folder" in result.stderr


def test_without_the_extra_it_says_so_before_the_work(voxgate, people, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    result = voxgate("calibrate", "--data", people, "-o", "ours")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pip install 'voxgate[evaluate]'" in result.stderr
