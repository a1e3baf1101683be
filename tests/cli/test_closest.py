import json
from pathlib import Path


def names_in(stdout: str) -> list[str]:
    return [word for word in stdout.split() if word.endswith((".flac", ".wav"))]


def test_the_same_voice_comes_first(voxgate, said):
    probe = said("ada", 1)
    references = [said("alan"), said("ada", 2), said("grace")]
    result = voxgate("closest", probe, *references)
    assert (result.exit_code, result.stderr) == (0, "")
    assert names_in(result.stdout)[0] == "ada-2.flac"
    assert len(names_in(result.stdout)) == 3


def test_a_folder_is_ranked_whole_and_top_shows_the_first(voxgate, said):
    probe = said("ada", 1)
    for name in ("ada", "alan", "grace"):
        said(name, 2, name=f"references/{name}.flac")
    facts = json.loads(voxgate("closest", probe, "references", "--top", "2", "--json").stdout)
    assert Path(facts["matches"][0]["name"]).name == "ada.flac"
    assert len(facts["matches"]) == 2
    llrs = [match["llr"] for match in facts["matches"]]
    assert llrs == sorted(llrs, reverse=True)


def test_what_fails_is_listed_and_the_rest_is_ranked(voxgate, said, silence):
    result = voxgate("closest", said("ada", 1), said("ada", 2), silence, "none.wav", "--json")
    facts = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [match["name"] for match in facts["matches"]] == ["ada-2.flac"]
    assert [Path(failure["name"]).name for failure in facts["failures"]] == [
        "silence.wav", "none.wav",
    ]  # fmt: skip
    assert len(result.stderr.splitlines()) == 2


def test_a_probe_that_cannot_be_used_is_an_error(voxgate, said, silence):
    result = voxgate("closest", silence, said("ada"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "silence.wav" in result.stderr
