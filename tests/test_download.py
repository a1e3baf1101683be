import hashlib
import time

import numpy as np
import pytest
from site_server import serve

from voxgate import download
from voxgate.download import fetch
from voxgate.errors import DownloadError, OutputError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site():
    with serve() as site:
        site.files["/model.onnx"] = CONTENT
        yield site


@pytest.fixture
def target(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    return tmp_path / "models" / "model.onnx"


def left(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_is_downloaded_whole_and_checked(site, target):
    told = []
    found = fetch(
        [f"{site.address}/model.onnx"], target, sha256=SHA256, progress=lambda *at: told.append(at)
    )
    assert found == SHA256
    assert target.read_bytes() == CONTENT
    assert left(target) == ["model.onnx"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_download_that_breaks_off_goes_on_where_it_was(site, target):
    site.breaks = [100_000, 50_000]
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert [place for _, place in site.asked] == ["", "bytes=100000-", "bytes=150000-"]


def test_a_download_that_was_given_up_goes_on_in_the_next_run(site, target):
    site.breaks = [100_000] + [0] * download.TRIES
    with pytest.raises(DownloadError, match=r"broken off after 100,000 of 300,000 bytes"):
        fetch([f"{site.address}/model.onnx"], target)
    assert left(target) == ["model.onnx.part", "model.onnx.part.tag"]
    site.asked.clear()
    site.breaks = []
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert [place for _, place in site.asked] == ["bytes=100000-"]
    assert target.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_loaded_from_its_start(site, target):
    site.breaks = [100_000] + [0] * download.TRIES
    with pytest.raises(DownloadError):
        fetch([f"{site.address}/model.onnx"], target)
    site.breaks, site.tag = [], '"2"'
    site.files["/model.onnx"] = CONTENT[::-1]
    fetch([f"{site.address}/model.onnx"], target)
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("how", ["no ranges", "no tag", "weak tag"])
def test_a_site_that_cannot_go_on_begins_anew(site, target, how):
    site.ranges = how != "no ranges"
    site.tag = {"no tag": "", "weak tag": 'W/"1"'}.get(how, site.tag)
    site.breaks = [100_000]
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(site, target):
    target.parent.mkdir()
    target.with_name("model.onnx.part").write_bytes(bytes(400_000))
    target.with_name("model.onnx.part.tag").write_text(site.tag)
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_removed(site, target):
    with pytest.raises(DownloadError, match=f"SHA-256 {SHA256[:12]}…, but it must be 000000000000"):
        fetch([f"{site.address}/model.onnx"], target, sha256="0" * 64)
    assert left(target) == []


def test_what_is_not_there_is_one_sentence_with_the_address_and_the_place(site, target):
    with pytest.raises(DownloadError) as caught:
        fetch([f"{site.address}/other.onnx"], target)
    message = str(caught.value)
    assert f"{site.address}/other.onnx (404 Not Found)" in message
    assert f"put it at {target}" in message
    assert "\n" not in message
    assert len(site.asked) == 1  # asking again would not help


def test_the_next_address_is_asked(site, target):
    fetch([f"{site.address}/nowhere", f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_a_site_in_trouble_is_asked_again(site, target):
    site.codes = [503, 500]
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    assert len(site.asked) == 3


def test_a_site_that_stays_in_trouble_is_given_up(site, target):
    site.codes = [503] * 99
    with pytest.raises(DownloadError, match="503"):
        fetch([f"{site.address}/model.onnx"], target)
    assert len(site.asked) == download.TRIES


def test_a_site_that_moved_is_followed(site, target):
    site.moved["/old"] = f"{site.address}/model.onnx"
    fetch([f"{site.address}/old"], target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_a_slow_site_is_waited_for_and_a_dead_one_is_not(site, target, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.15)
    site.wait = lambda: time.sleep(0.05)
    fetch([f"{site.address}/model.onnx"], target, sha256=SHA256)
    target.unlink()
    monkeypatch.setattr(download, "TRIES", 2)
    site.wait = lambda: time.sleep(0.4)
    with pytest.raises(DownloadError, match="timed out"):
        fetch([f"{site.address}/model.onnx"], target)


def test_a_machine_that_is_not_there_is_one_sentence(target):
    with pytest.raises(DownloadError, match=r"cannot be downloaded from http://127\.0\.0\.1:9/x"):
        fetch(["http://127.0.0.1:9/x"], target)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/x", "/etc/passwd"])
def test_other_addresses_than_of_the_web_are_refused(target, address):
    with pytest.raises(DownloadError, match="not an address of http or https"):
        fetch([address], target)


def test_a_proxy_of_the_environment_is_used(site, target, monkeypatch):
    monkeypatch.setenv("http_proxy", site.address)
    monkeypatch.setenv("no_proxy", "")
    site.files["http://models.example/model.onnx"] = CONTENT
    fetch(["http://models.example/model.onnx"], target, sha256=SHA256)
    assert site.asked == [("http://models.example/model.onnx", "")]


def test_a_folder_that_cannot_be_written_is_one_sentence(site, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch([f"{site.address}/model.onnx"], tmp_path / "file" / "model.onnx")
