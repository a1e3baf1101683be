import json
import re

import pytest


def test_the_same_voice_is_accepted(voxgate, said):
    result = voxgate("compare", said("ada", 1), said("ada", 2))
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("✓ Same voice: ")
    assert re.search(r"ada-1\.flac +\d\.\d s +3\.0 s", result.stdout)
    assert re.search(r"LLR +\d+\.\d \(AS-norm", result.stdout)
    assert re.search(r"threshold +\d\.\d, for a false-accept rate of 1 %", result.stdout)
    assert "tiny@1" in result.stdout


def test_another_voice_is_refused_with_exit_code_one(voxgate, said):
    result = voxgate("compare", said("ada"), said("alan"))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("✗ ")


def test_json_is_one_object_with_stable_keys(voxgate, said):
    result = voxgate("compare", said("ada", 1), said("ada", 2), "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["outcome"], facts["accepted"]) == (0, "accept", True)
    assert set(facts) >= {"llr", "threshold", "score", "cosine", "policy", "pack", "warnings"}
    assert facts["enrolled"]["name"] == "ada-1.flac"
    assert facts["probe"]["speech_s"] > 1


def test_a_rarer_false_accept_rate_raises_the_threshold(voxgate, said):
    a, b = said("ada", 1), said("ada", 2)
    found = [json.loads(voxgate("compare", a, b, "--far", far, "--json").stdout) for far in
             ("1e-2", "1e-3")]  # fmt: skip
    assert found[0]["policy"] == {"kind": "false_accept_rate", "far": 0.01}
    assert found[1]["policy"] == {"kind": "false_accept_rate", "far": 0.001}
    assert found[0]["threshold"] < found[1]["threshold"]
    assert found[0]["llr"] == found[1]["llr"]


def test_costs_and_prior_are_the_other_policy(voxgate, said):
    result = voxgate("compare", said("ada", 1), said("ada", 2), "--prior", "0.5",
                     "--miss-cost", "2", "--false-accept-cost", "2", "--json")  # fmt: skip
    facts = json.loads(result.stdout)
    assert facts["policy"] == {
        "kind": "costs", "prior": 0.5, "miss_cost": 2, "false_accept_cost": 2,
    }  # fmt: skip
    assert facts["threshold"] == 0


@pytest.mark.parametrize("option", ["--prior", "--miss-cost", "--false-accept-cost"])
def test_the_two_policies_do_not_mix(voxgate, said, option):
    result = voxgate("compare", said("ada"), said("alan"), "--far", "0.01", option, "0.5")
    assert result.exit_code == 2
    assert f"--far and {option}" in result.stderr


@pytest.mark.parametrize(("option", "value"), [("--far", "0"), ("--far", "1.5"), ("--prior", "1")])
def test_a_value_that_makes_no_sense_is_refused(voxgate, said, option, value):
    result = voxgate("compare", said("ada"), said("alan"), option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "not strictly between 0 and 1" in result.stderr


def test_too_little_speech_is_no_answer(voxgate, said, silence):
    result = voxgate("compare", said("ada"), silence)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search(r"silence\.wav has 0\.0\d* s of speech.* 0\.50? s is needed", result.stderr)


def test_too_little_speech_is_an_outcome_in_json(voxgate, said, silence):
    result = voxgate("compare", said("ada"), silence, "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["outcome"], facts["llr"]) == (2, "not_enough_speech", None)


def test_a_missing_file_is_one_sentence(voxgate, said):
    result = voxgate("compare", said("ada"), "none.wav")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "voxgate: none.wav: there is no such file. Check the path.\n"


def test_an_error_in_json_is_one_object_on_standard_output(voxgate, said):
    result = voxgate("compare", said("ada"), "none.wav", "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    assert json.loads(result.stdout)["error"] == {
        "type": "AudioFileNotFoundError",
        "message": "none.wav: there is no such file. Check the path.",
    }


def test_doubts_come_with_what_to_do(voxgate, said):
    path = said("ada")
    result = voxgate("compare", path, path)
    assert "!  Both sides are the same sound" in result.stdout


def test_a_recording_comes_from_standard_input(voxgate_process, said):
    path = said("ada", 1)
    with said("ada", 2).open("rb") as file:
        result = voxgate_process("compare", path, "-", stdin=file)
    assert (result.returncode, result.stderr) == (0, "")
    assert "standard input" in result.stdout


def test_the_store_is_not_touched(voxgate, said, tmp_path):
    voxgate("compare", said("ada", 1), said("ada", 2))
    assert not (tmp_path / "voices.db").exists()


def test_an_unknown_pack_is_an_error(voxgate, said):
    result = voxgate("compare", said("ada"), said("alan"), "--pack", "no-such-pack")
    assert result.exit_code == 2
    assert "no-such-pack" in result.stderr
