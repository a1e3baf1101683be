import json

import pytest
import tiny_pack


@pytest.fixture
def later(tmp_path):
    folder = tiny_pack.write(tmp_path / "later")
    toml = folder / "pack.toml"
    toml.write_text(toml.read_text().replace('name = "tiny"', 'name = "later"'))
    return folder


@pytest.fixture
def enrolled(voxgate, said):
    kept = voxgate("enroll", "ada", said("ada", 0), said("ada", 1), "--keep", "kept")
    assert kept.exit_code == 0, kept.stderr
    assert voxgate("enroll", "alan", said("alan", 0)).exit_code == 0


def test_missing_lists_who_has_no_new_voiceprint(voxgate, enrolled, later):
    result = voxgate("store", "missing", "--pack", later)
    assert result.exit_code == 0
    assert result.stdout.startswith("! 0 of 2 speakers have a voiceprint of later@1")
    assert [line.split()[0] for line in result.stdout.splitlines()[3:]] == ["ada", "alan"]
    facts = json.loads(voxgate("store", "missing", "--pack", later, "--json").stdout)
    assert facts["missing"][0] == {"speaker": "ada", "packs": ["tiny@1"]}
    assert voxgate("store", "missing").stdout.startswith("✓ 2 of 2 speakers")


def test_re_embed_enrols_who_has_recordings_and_names_who_has_none(voxgate, enrolled, later):
    result = voxgate("store", "re-embed", "--pack", later, "--recordings", "kept")
    assert result.exit_code == 2
    assert result.stdout.startswith("! 1 speaker enrolled with later@1, 1 speaker not")
    assert "alan" in result.stderr
    left = json.loads(voxgate("store", "missing", "--pack", later, "--json").stdout)
    assert [one["speaker"] for one in left["missing"]] == ["alan"]
    again = voxgate("store", "re-embed", "--pack", later, "--recordings", "kept", "--json")
    assert json.loads(again.stdout)["enrolled"] == []


def test_both_packs_decide_while_they_change(voxgate, enrolled, later, said, pack):
    voxgate("store", "re-embed", "--pack", later, "--recordings", "kept")
    packs = ("--pack", later, "--former-pack", pack, "--json")
    for name, by in (("ada", "later@1"), ("alan", "tiny@1")):
        result = voxgate("verify", name, said(name, 3), *packs)
        assert result.exit_code == 0, result.stdout
        assert json.loads(result.stdout)["pack"] == by
        found = json.loads(voxgate("identify", said(name, 3), *packs).stdout)
        assert (found["best"], found["searched"], found["pack"]) == (name, 2, by)


def test_keep_copies_only_what_was_used_for_its_owner_alone(voxgate, said, silence, tmp_path):
    result = voxgate("enroll", "a/da", said("ada", 0), silence, "--keep", "kept")
    assert result.exit_code == 2
    folder = tmp_path / "work" / "kept" / "a%2Fda"
    assert [path.name for path in folder.iterdir()] == ["ada-0.flac"]
    assert (folder / "ada-0.flac").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
