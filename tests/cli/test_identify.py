import json

import pytest


@pytest.fixture
def _two_are_enrolled(voxgate, said):
    for name in ("ada", "alan"):
        assert voxgate("enroll", name, said(name, 1), said(name, 2)).exit_code == 0


@pytest.mark.usefixtures("_two_are_enrolled")
@pytest.mark.parametrize("name", ["ada", "alan"])
def test_it_names_the_speaker(voxgate, said, name):
    result = voxgate("identify", said(name, 3))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"✓ This is {name}")
    first = next(line for line in result.stdout.splitlines()[1:] if "✓" in line)
    assert first.split()[1] == name


@pytest.mark.usefixtures("_two_are_enrolled")
def test_none_of_them_is_exit_code_one(voxgate, said):
    result = voxgate("identify", said("grace"))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("✗ None")


@pytest.mark.usefixtures("_two_are_enrolled")
def test_json_has_the_ranking(voxgate, said):
    facts = json.loads(voxgate("identify", said("alan", 3), "--json").stdout)
    assert (facts["best"], facts["searched"]) == ("alan", 2)
    assert [candidate["speaker"] for candidate in facts["candidates"]] == ["alan", "ada"]


@pytest.mark.usefixtures("_two_are_enrolled")
def test_top_bounds_the_candidates(voxgate, said):
    facts = json.loads(voxgate("identify", said("alan", 3), "--top", "1", "--json").stdout)
    assert len(facts["candidates"]) == 1
    assert facts["searched"] == 2


def test_with_nobody_enrolled_it_is_nobody(voxgate, said):
    result = voxgate("identify", said("ada"))
    assert result.exit_code == 1
    assert "nobody is enrolled" in result.stdout


@pytest.mark.usefixtures("_two_are_enrolled")
def test_too_little_speech_is_no_answer(voxgate, silence):
    result = voxgate("identify", silence)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Not enough speech" in result.stderr


@pytest.mark.usefixtures("_two_are_enrolled")
def test_the_microphone_will_do(voxgate, spoken):
    spoken("alan")
    assert json.loads(voxgate("identify", "--mic", "--json").stdout)["best"] == "alan"
