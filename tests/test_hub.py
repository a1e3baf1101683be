import hashlib
import json
import re
import subprocess
import sys

import feature_model
import pytest
from site_server import serve

from voxgate import download, hub
from voxgate.errors import DownloadError, PackError, PackNotFoundError
from voxgate.frontends.presets import PRESETS
from voxgate.hub import Entry, downloads_folder, entries, entry, obtain
from voxgate.packs import packs_folder

MODEL = feature_model.build()
SHA256 = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    monkeypatch.setattr(download, "TRIES", 2)
    with serve() as site:
        site.files["/model.onnx"] = MODEL
        yield site


def model(site, **changes):
    facts = {
        "name": "made-up", "title": "Made up", "like": "wespeaker", "file": "model.onnx",
        "addresses": (f"{site.address}/model.onnx",), "sha256": SHA256, "sha256_note": "taken",
        "dim": 12, "license": "MIT", "source": "https://example.org", "citation": "Nobody",
        "language": "any", "training_data": (), "published": {}, "published_scoring": "",
    }  # fmt: skip
    return Entry(**{**facts, **changes})


# the list


def test_the_list_has_the_models_of_the_field():
    assert {
        "wespeaker-resnet34", "wespeaker-resnet293", "wespeaker-ecapa1024", "wespeaker-campplus",
        "3dspeaker-campplus-zh", "3dspeaker-campplus-en", "3dspeaker-eres2net-en",
        "3dspeaker-eres2netv2-zh", "titanet-large", "titanet-small", "speechbrain-ecapa",
        "redimnet-b2", "redimnet-b6", "resemblyzer",
    } <= set(entries())  # fmt: skip


@pytest.mark.parametrize("name", entries())
def test_every_entry_states_all_that_is_needed(name):
    found = entry(name)
    assert found.like in PRESETS
    assert found.license
    assert found.citation
    assert found.source.startswith("https://")
    assert found.dim > 0
    assert all(address.startswith("https://") for address in found.addresses)
    assert bool(found.file) == bool(found.addresses)
    assert not found.published or found.published_scoring
    if found.sha256 is None:
        assert re.search(
            "not taken; pinned on first use|comes with the Python package", found.sha256_note
        )
    else:
        assert re.fullmatch("[0-9a-f]{64}", found.sha256)
        assert re.search(
            "not taken here|taken here of the copy", found.sha256_note
        )  # by whom it was stated


def test_no_two_models_share_a_file():
    files = [found.file for found in entries().values() if found.file]
    assert len(set(files)) == len(files)


def test_a_name_that_is_not_there_brings_the_nearest():
    with pytest.raises(PackNotFoundError, match="there is wespeaker-resnet34"):
        entry("wespeaker-resnet33")
    with pytest.raises(PackNotFoundError, match="titanet-large"):
        entry("zzzzzz")


# getting a model


def test_a_model_is_downloaded(site):
    path, loaded = obtain(model(site))
    assert loaded
    assert path == downloads_folder() / "model.onnx"
    assert path.read_bytes() == MODEL


def test_a_file_copied_by_hand_is_taken_without_network(site, monkeypatch):
    monkeypatch.setenv("VOXGATE_OFFLINE", "1")
    downloads_folder().mkdir(parents=True)
    (downloads_folder() / "model.onnx").write_bytes(MODEL)
    assert obtain(model(site)) == (downloads_folder() / "model.onnx", False)
    assert site.asked == []


def test_a_wrong_file_copied_by_hand_is_refused(site):
    downloads_folder().mkdir(parents=True)
    (downloads_folder() / "model.onnx").write_bytes(b"evil")
    with pytest.raises(DownloadError, match="put the right file there"):
        obtain(model(site))


def test_offline_says_where_to_put_the_file(site, monkeypatch):
    monkeypatch.setenv("VOXGATE_OFFLINE", "1")
    with pytest.raises(DownloadError) as caught:
        obtain(model(site))
    assert f"{site.address}/model.onnx" in str(caught.value)
    assert str(downloads_folder() / "model.onnx") in str(caught.value)
    assert site.asked == []


def test_a_mirror_is_asked_first_and_then_the_address(site, monkeypatch):
    monkeypatch.setenv("VOXGATE_MIRROR", f"{site.address}/mirror/")
    site.files["/mirror/CAM%2B%2B.onnx"] = MODEL
    obtain(model(site, file="CAM++.onnx"))
    assert [path for path, _ in site.asked] == ["/mirror/CAM%2B%2B.onnx"]
    obtain(model(site))
    assert [path for path, _ in site.asked[1:]] == ["/mirror/model.onnx", "/model.onnx"]


# pinning on first use


def test_a_file_of_unknown_sha256_is_pinned_and_another_is_refused(site):
    unknown = model(site, sha256=None)
    path, _ = obtain(unknown)
    assert json.loads((packs_folder() / "pins.json").read_text()) == {"model.onnx": SHA256}
    path.unlink()
    obtain(unknown)
    path.unlink()
    site.files["/model.onnx"] = MODEL + b"!"
    with pytest.raises(DownloadError, match=f"must be {SHA256[:12]}"):
        obtain(unknown)
    assert not path.exists()


def test_a_file_copied_by_hand_is_pinned_too(site):
    downloads_folder().mkdir(parents=True)
    (downloads_folder() / "model.onnx").write_bytes(MODEL)
    obtain(model(site, sha256=None))
    (downloads_folder() / "model.onnx").write_bytes(b"evil")
    with pytest.raises(DownloadError, match=f"must be {SHA256[:12]}"):
        obtain(model(site, sha256=None))


def test_pins_that_cannot_be_read_are_not_ignored(site):
    packs_folder().mkdir(parents=True)
    (packs_folder() / "pins.json").write_text("{")
    with pytest.raises(PackError, match=r"pins\.json cannot be read"):
        obtain(model(site, sha256=None))
    assert site.asked == []


def test_the_hub_loads_neither_torch_nor_onnxruntime():
    code = (
        "import sys, voxgate.hub; voxgate.hub.entries(); "
        "print([m for m in ('torch', 'onnxruntime', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert hub.entries() is entries()
