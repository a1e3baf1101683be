import json
import shutil


def test_info_has_the_facts_and_the_measured_rates(voxgate, pack):
    result = voxgate("packs", "info", pack)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("✓ tiny@1: Band energies")
    assert "synthetic voices" in result.stdout
    assert "model.onnx (intact)" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["synthetic", "1"] in lines  # EER %
    assert "1.0 s 5.0 % 10.0 % 20.0 %" in [" ".join(line) for line in lines]


def test_info_is_json_for_programs(voxgate, pack):
    facts = json.loads(voxgate("packs", "info", pack, "--json").stdout)
    assert (facts["id"], facts["dim"], facts["license"]) == ("tiny@1", 24, "Apache-2.0")
    assert facts["metrics"] == {"synthetic": {"eer": 1.0}}
    assert set(facts["sha256"]) == {"model.onnx", "cohort.npy"}


def test_info_finds_a_file_that_was_tampered_with(voxgate, pack, tmp_path):
    copy = shutil.copytree(pack, tmp_path / "copy")
    (copy / "model.onnx").write_bytes(b"something else")
    result = voxgate("packs", "info", copy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "SHA-256" in result.stderr


def test_no_such_pack_is_one_sentence(voxgate):
    result = voxgate("packs", "info", "no-such-pack")
    assert result.exit_code == 2
    assert "no-such-pack" in result.stderr


def test_the_list_marks_the_one_that_is_used(voxgate, pack, monkeypatch):
    monkeypatch.setattr("voxgate.packs.PACKS", {"tiny": str(pack)})
    monkeypatch.setattr("voxgate.packs.DEFAULT_PACK", "tiny")
    line = voxgate("packs", "list").stdout.splitlines()[1]
    assert line.split()[:3] == ["*", "tiny@1", "24"]
    facts = json.loads(voxgate("packs", "list", "--json").stdout)
    assert [found["id"] for found in facts["packs"]] == ["tiny@1"]
