import json

import pytest


def test_it_says_what_each_recording_contributed(voxgate, said):
    result = voxgate("enroll", "ada", said("ada", 1), said("ada", 2, seconds=6))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("✓ Enrolled ada with 2 of 2 recordings")
    rows = [line.split() for line in result.stdout.splitlines() if ".flac" in line]
    assert [row[1] for row in rows[:2]] == ["ada-1.flac", "ada-2.flac"]
    assert sum(int(row[4]) for row in rows[:2]) == 100  # % of the voiceprint
    assert "20 s or more makes decisions surer" in result.stdout


def test_a_recording_that_is_refused_leaves_the_others_and_exit_code_two(voxgate, said, silence):
    result = voxgate("enroll", "ada", said("ada", 1), silence, "none.wav", said("ada", 2))
    assert result.exit_code == 2
    assert result.stdout.startswith("! Enrolled ada with 2 of 4 recordings")
    errors = result.stderr.splitlines()
    assert len(errors) == 2
    assert "silence.wav" in errors[0]
    assert "none.wav" in errors[1]
    assert voxgate("verify", "ada", said("ada", 3)).exit_code == 0


def test_another_voice_among_three_is_refused(voxgate, said):
    result = voxgate("enroll", "ada", said("ada", 1), said("ada", 2), said("alan"), "--json")
    outcomes = [given["outcome"] for given in json.loads(result.stdout)["contributions"]]
    assert (result.exit_code, outcomes) == (2, ["used", "used", "other_voice"])
    assert "alan-0.flac" in result.stderr


def test_two_voices_that_disagree_enrol_nobody(voxgate, said):
    result = voxgate("enroll", "ada", said("ada"), said("alan"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Nobody is enrolled" in voxgate("speakers", "list").stderr


def test_a_name_that_is_taken_needs_add_or_replace(voxgate, said):
    voxgate("enroll", "ada", said("ada", 1))
    again = voxgate("enroll", "ada", said("ada", 2))
    assert again.exit_code == 2
    assert "--add" in again.stderr
    assert "--replace" in again.stderr
    added = json.loads(voxgate("enroll", "ada", said("ada", 2), "--add", "--json").stdout)
    assert added["recordings"] == 2
    replaced = voxgate("enroll", "ada", said("ada", 3), "--replace", "--json")
    assert json.loads(replaced.stdout)["recordings"] == 1


def test_adding_another_voice_is_refused(voxgate, said):
    voxgate("enroll", "ada", said("ada", 1))
    assert voxgate("enroll", "ada", said("alan"), "--add").exit_code == 2


def test_add_and_replace_exclude_each_other(voxgate, said):
    result = voxgate("enroll", "ada", said("ada"), "--add", "--replace")
    assert result.exit_code == 2
    assert "give one of them" in result.stderr


def test_recordings_may_be_a_folder(voxgate, said):
    said("ada", 1, name="in/one.flac")
    said("ada", 2, name="in/two.flac")
    facts = json.loads(voxgate("enroll", "ada", "in", "--json").stdout)
    assert [given["name"] for given in facts["contributions"]] == ["one.flac", "two.flac"]


@pytest.mark.parametrize("spelling", ["enroll", "enrol"])
def test_both_spellings_work(voxgate, said, spelling):
    assert voxgate(spelling, "ada", said("ada")).exit_code == 0


def test_only_one_spelling_is_in_the_help(voxgate):
    words = voxgate("--help").stdout.split()
    assert "enroll" in words
    assert "enrol" not in words


def test_the_microphone_will_do(voxgate, said, spoken, tmp_path):
    spoken("ada")
    result = voxgate("enroll", "ada", "--mic", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["contributions"][0]["name"]) == (0, "microphone.flac")
    assert facts["speech_s"] >= 20
    assert "Read aloud: " in result.stderr
    assert voxgate("verify", "ada", said("ada", 9)).exit_code == 0


def test_nothing_to_enrol_is_refused(voxgate):
    result = voxgate("enroll", "ada")
    assert result.exit_code == 2
    assert "--mic" in result.stderr
