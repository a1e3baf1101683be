import json
import sys
from pathlib import Path

import pytest


@pytest.fixture
def dev(said) -> Path:
    """Recordings of three voices and the trials over them, in a folder."""
    names = [
        (voice, said(voice, take, 1.5, f"dev/{voice}/{take}.flac").relative_to("dev"))
        for voice in ("ada", "alan", "grace")
        for take in range(3)
    ]
    lines = [f"{int(v == w)} {a} {b}" for i, (v, a) in enumerate(names) for w, b in names[i + 1 :]]
    Path("dev/small.trials").write_text("\n".join(lines))
    return Path("dev")


def scores_of(dev: Path, value: str) -> Path:
    rows = [line.split() for line in (dev / "small.trials").read_text().splitlines()]
    Path("scores.txt").write_text("\n".join(f"{a} {b} {value}" for _, a, b in rows))
    return Path("scores.txt")


def test_the_tables_are_printed(voxgate, dev):
    result = voxgate("evaluate", "--data", dev, "--resamples", 100)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Error rates" in result.stdout
    pooled = next(line.split() for line in result.stdout.splitlines() if "pooled" in line)
    assert pooled[:3] == ["pooled", "36", "3"]
    assert "Size and speed" in result.stdout


def test_a_program_gets_one_object(voxgate, dev):
    facts = json.loads(voxgate("evaluate", "--data", dev, "--json").stdout)
    assert facts["lists"] == ["small"]
    (system,) = facts["systems"]
    assert system["name"] == "tiny@1"
    assert system["figures"]["small"]["trials"] == 36
    low, high = system["figures"]["small"]["eer_95"]
    assert 0 <= low <= system["figures"]["small"]["eer"] <= high <= 1


def test_recordings_lie_with_the_lists_unless_it_is_said(voxgate, dev):
    beside = voxgate("evaluate", "--trials", dev / "small.trials", "--json")
    said = voxgate("evaluate", "--data", dev, "--json")
    figures = [json.loads(done.stdout)["systems"][0]["figures"] for done in (beside, said)]
    assert figures[0] == figures[1]


def test_where_the_recordings_are_must_be_known(voxgate, dev):
    for words in ([], ["--trials", dev / "small.trials", "--trials", "other.trials"]):
        done = voxgate("evaluate", *words)
        assert done.exit_code == 2
        assert "with --data where" in " ".join(done.output.split())


def test_packs_and_scores_of_others_are_compared_and_kept(voxgate, dev, pack):
    scores = scores_of(dev, "0")
    result = voxgate(
        "evaluate", "--data", dev, "--trials", dev / "small.trials", "--pack", pack,
        "--scores", scores, "--name", "coin", "--llrs", "--out", "kept", "--json",
    )  # fmt: skip
    tiny, coin = json.loads(result.stdout)["systems"]
    assert (coin["name"], coin["figures"]["small"]["eer"]) == ("coin", 0.5)
    assert coin["figures"]["small"]["cllr"] == pytest.approx(1)
    assert tiny["figures"]["small"]["eer"] < 0.5
    kept = json.loads(Path("kept/results.json").read_text())
    assert [system["name"] for system in kept["systems"]] == ["tiny@1", "coin"]
    rows = Path("kept/scores/1-tiny@1.csv").read_text().splitlines()
    assert rows[0] == "list,enrolled,probe,target,cosine,as_norm,llr,threshold"
    assert len(rows) == 37


def test_scores_alone_need_no_pack(voxgate, dev):
    facts = json.loads(
        voxgate("evaluate", "--data", dev, "--scores", scores_of(dev, "1"), "--json").stdout
    )
    assert [system["name"] for system in facts["systems"]] == ["scores"]
    assert facts["systems"][0]["figures"]["small"]["cllr"] is None


def test_a_missing_recording_is_one_sentence(voxgate, dev):
    (dev / "ada" / "1.flac").unlink()
    result = voxgate("evaluate", "--data", dev)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "1 of the 9 recordings of the trials is not in dev" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--scores", "a", "--scores", "b", "--name", "x"), "give a name for each"),
        (("--name", "x"), "give a name for each"),
        (("--trials", "none.trials"), "There is no file none.trials"),
        (("--pack", "none"), "There is no pack 'none'"),
    ],
)
def test_words_that_make_no_sense_are_refused(voxgate, dev, words, message):
    result = voxgate("evaluate", "--data", dev, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_without_the_extra_it_says_so_before_the_work(voxgate, dev, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    result = voxgate("evaluate", "--data", dev)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pip install 'voxgate[evaluate]'" in result.stderr
