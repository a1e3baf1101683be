import json
import shutil
import sys
from dataclasses import replace

import feature_model
import pytest
import torch
from site_server import serve

from voxgate.convert.resnet_wespeaker import Basic, ResNet, Sizes
from voxgate.hub import Entry, downloads_folder
from voxgate.packs import PACKS, packs_folder

MODEL = feature_model.build()


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


# public models


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr("voxgate.download.PAUSE_S", 0.0)
    with serve() as site:
        site.files["/model.onnx"] = MODEL
        yield site


@pytest.fixture
def public(site, monkeypatch):
    entry = Entry(
        name="made-up", title="Made up", like="wespeaker", file="model.onnx",
        addresses=(f"{site.address}/model.onnx",), sha256=None, sha256_note="not taken",
        dim=12, license="MIT", source="https://example.org", citation="Nobody, 2026",
        language="any", training_data=("nothing",), published={"VoxCeleb1-O EER %": 0.5},
        published_scoring="cosine",
    )  # fmt: skip
    monkeypatch.setattr("voxgate.hub.entries", lambda: {"made-up": entry})
    return entry


def test_pull_downloads_a_model_and_makes_a_pack_of_it(voxgate, public, said):
    result = voxgate("packs", "pull", "made-up")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("✓ made-up@")
    assert "SHA-256 of this file" in result.stderr
    assert "Not calibrated yet" in result.stderr
    assert not any(downloads_folder().glob("model*"))
    listed = json.loads(voxgate("packs", "list", "--json").stdout)["packs"]
    assert [pack["name"] for pack in listed if not pack["calibrated"]] == ["made-up"]
    embedded = voxgate("embed", said("ada"), "-o", "out.npz", "--pack", "made-up")
    assert embedded.exit_code == 0, embedded.stderr


def test_pulling_what_is_there_downloads_nothing_unless_asked(voxgate, public, site):
    voxgate("packs", "pull", "made-up")
    count = len(site.asked)
    facts = json.loads(voxgate("packs", "pull", "made-up", "--json").stdout)
    assert facts["name"] == "made-up"
    assert len(site.asked) == count
    assert voxgate("packs", "pull", "made-up", "--again").exit_code == 0
    assert len(site.asked) == count + 1


def test_a_pack_that_was_damaged_can_be_pulled_again(voxgate, public):
    voxgate("packs", "pull", "made-up")
    (packs_folder() / "made-up" / "pack.toml").write_text("broken")
    assert voxgate("packs", "pull", "made-up").exit_code == 2
    assert voxgate("packs", "pull", "made-up", "--again").exit_code == 0
    assert voxgate("packs", "verify", "made-up").exit_code == 0


def test_a_model_that_cannot_be_reached_is_one_sentence(voxgate, public, site):
    site.files.clear()
    result = voxgate("packs", "pull", "made-up")
    assert result.exit_code == 2
    assert result.stdout == ""
    message = " ".join(result.stderr.split())
    assert f"{site.address}/model.onnx (404 Not Found)" in message
    assert "put it at" in message


def test_a_model_that_was_exchanged_is_refused(voxgate, public, site):
    voxgate("packs", "pull", "made-up")
    site.files["/model.onnx"] = MODEL + b"!"
    result = voxgate("packs", "pull", "made-up", "--again")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "SHA-256" in result.stderr


def test_the_public_models_are_listed(voxgate):
    result = voxgate("packs", "list", "--public")
    assert "wespeaker-resnet34" in result.stdout
    facts = json.loads(voxgate("packs", "list", "--public", "--json").stdout)["public"]
    assert {"name", "license", "citation", "published"} <= set(facts[0])


def test_add_says_what_it_completed(voxgate, tmp_path):
    path = tmp_path / "Some Model.onnx"
    path.write_bytes(feature_model.build(metadata={"framework": "wespeaker"}))
    result = voxgate("packs", "add", path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("✓ some-model@")
    assert "no mean normalisation" in result.stderr
    info = voxgate("packs", "info", "some-model")
    assert "hamming" in info.stdout
    assert "Not calibrated" in info.stderr


def test_add_without_knowing_the_features_is_refused(voxgate, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL)
    result = voxgate("packs", "add", path)
    assert result.exit_code == 2
    assert "--like" in result.stderr


def test_verify_finds_the_pack_that_was_altered(voxgate, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL)
    for name in ("one", "two"):
        voxgate("packs", "add", path, "--like", "wespeaker", "--name", name)
    assert voxgate("packs", "verify").exit_code == 0
    (packs_folder() / "two" / "model.onnx").write_bytes(b"evil")
    result = voxgate("packs", "verify", "--json")
    assert result.exit_code == 2
    sound = {
        found["pack"].partition("@")[0]: found["sound"]
        for found in json.loads(result.stdout)["packs"]
    }
    assert sound == {**dict.fromkeys(PACKS, True), "one": True, "two": False}


def test_remove_asks_first(voxgate, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL)
    voxgate("packs", "add", path, "--like", "wespeaker", "--name", "mine")
    assert voxgate("packs", "remove", "mine", answer="n\n").exit_code == 2
    assert (packs_folder() / "mine").is_dir()
    assert voxgate("packs", "remove", "mine", "--yes").exit_code == 0
    assert not (packs_folder() / "mine").exists()
    assert voxgate("packs", "remove", "mine", "--yes").exit_code == 2


# checkpoints


@pytest.fixture
def checkpoint(tmp_path):
    """A very small network of WeSpeaker's kind, as torch.save writes it."""
    torch.manual_seed(0)
    network = ResNet(Sizes(Basic, (1, 1, 1, 1), 4, 640, 24, two_layers=False))
    path = tmp_path / "avg_model.pt"
    torch.save(network.state_dict(), path)
    return path


def test_pull_converts_a_checkpoint(voxgate, public, site, checkpoint, monkeypatch):
    site.files["/model.onnx"] = checkpoint.read_bytes()
    entry = replace(public, arch="resnet-wespeaker")
    monkeypatch.setattr("voxgate.hub.entries", lambda: {"made-up": entry})
    result = voxgate("packs", "pull", "made-up")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("✓ made-up@")
    assert "24 numbers" in result.stdout
    assert voxgate("packs", "verify", "made-up").exit_code == 0


def test_convert_wants_to_know_the_network(voxgate, checkpoint):
    result = voxgate("packs", "convert", checkpoint)
    assert result.exit_code == 2
    assert "--arch" in result.stderr
    wrong = voxgate("packs", "convert", checkpoint, "--arch", "redimnet")
    assert wrong.exit_code == 2
    assert "model_config" in wrong.stderr


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_convert_refuses_a_file_that_could_run_code(voxgate, tmp_path):
    torch.save(Evil(tmp_path / "victim"), tmp_path / "evil.pt")
    result = voxgate("packs", "convert", tmp_path / "evil.pt", "--arch", "resnet-wespeaker")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "could run code" in result.stderr
    assert not (tmp_path / "victim").exists()


def test_convert_without_torch_names_the_extra(voxgate, checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = voxgate("packs", "convert", checkpoint, "--arch", "resnet-wespeaker")
    assert result.exit_code == 2
    assert "voxgate[train]" in result.stderr


def test_a_model_that_comes_with_a_package_is_not_downloaded(voxgate):
    result = voxgate("packs", "pull", "resemblyzer")
    assert result.exit_code == 2
    assert "voxgate packs convert resemblyzer" in " ".join(result.stderr.split())
