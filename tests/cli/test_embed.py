import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from .conftest import environment

MANY = 400  # so many that a stop comes midway on any machine


def content(path: str = "out.npz") -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)


def journal() -> list[dict]:
    """The whole lines of the journal."""
    lines = Path("out.npz.journal").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


@pytest.fixture
def many(said) -> Path:
    """A folder of many recordings."""
    first = said("ada", name="many/000.flac")
    for number in range(1, MANY):
        Path(f"many/{number:03}.flac").write_bytes(first.read_bytes())
    return Path("many")


def stopped_midway(how: signal.Signals, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `voxgate embed`, and send it a signal when some, not all, recordings are done."""
    command = [sys.executable, "-m", "voxgate", "embed", "many", "-o", "out.npz", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 100
    while not (Path("out.npz.journal").exists() and len(journal()) >= 3):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, how)  # as a terminal does
    out, err = process.communicate(timeout=100)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_many_recordings_become_one_file(voxgate, said):
    a, b = said("ada"), said("alan")
    result = voxgate("embed", b, a, b, "-o", "out.npz")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "✓ out.npz: 2 embeddings of 24 numbers, tiny@1\n"
    found = content()
    assert found["names"].tolist() == [str(b), str(a)]  # in the order given, each once
    assert found["embeddings"].shape == (2, 24)
    assert np.linalg.norm(found["embeddings"], axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert found["speech_s"] == pytest.approx([3, 3], abs=0.5)
    assert str(found["pack"]) == "tiny@1"


def test_folders_are_searched_and_parquet_will_do(voxgate, said):
    parquet = pytest.importorskip("pyarrow.parquet")
    said("ada", name="in/deep/a.flac")
    said("alan", name="in/b.flac")
    facts = json.loads(voxgate("embed", "in", "-o", "out.parquet", "--json").stdout)
    assert facts == {
        "output": "out.parquet", "recordings": 2, "computed": 2, "dim": 24, "pack": "tiny@1",
        "failures": [],
    }  # fmt: skip
    names = parquet.read_table("out.parquet")["name"].to_pylist()
    assert names == [str(Path("in/b.flac")), str(Path("in/deep/a.flac"))]


def test_what_fails_is_listed_and_the_rest_is_written(voxgate, said, silence):
    result = voxgate("embed", said("ada"), silence, "none.wav", "-o", "out.npz", "--json")
    facts = json.loads(result.stdout)
    assert result.exit_code == 2
    assert facts["recordings"] == 1
    assert [(failure["name"], failure["type"]) for failure in facts["failures"]] == [
        ("silence.wav", "TooLittleSpeechError"),
        ("none.wav", "AudioFileNotFoundError"),
    ]
    assert len(result.stderr.splitlines()) == 2
    assert content()["names"].tolist() == ["ada-0.flac"]


def test_a_failure_is_told_with_its_whole_path(voxgate, said):
    Path("in/deep").mkdir(parents=True)
    Path("in/deep/text.wav").write_text("hello")
    result = voxgate("embed", said("ada"), "in", "-o", "out.npz")
    assert "in/deep/text.wav " in result.stderr.replace("\\", "/")


def test_a_second_run_computes_only_what_is_new_or_changed(voxgate, said):
    a, b = said("ada"), said("alan")
    run = ("embed", a, b, "-o", "out.npz", "--json")
    assert json.loads(voxgate(*run).stdout)["computed"] == 2
    assert json.loads(voxgate(*run).stdout)["computed"] == 0
    before = content()["embeddings"]
    said("grace", name="alan-0.flac")  # the file has changed
    assert json.loads(voxgate(*run).stdout)["computed"] == 1
    after = content()["embeddings"]
    assert (before[0] == after[0]).all()
    assert (before[1] != after[1]).any()
    assert json.loads(voxgate(*run, said("ada", 5)).stdout)["computed"] == 1
    assert json.loads(voxgate(*run, said("ada", 5), "--restart").stdout)["computed"] == 3


def test_what_failed_is_all_that_is_tried_again(voxgate, said):
    a = said("ada")
    Path("b.wav").write_text("hello")
    assert voxgate("embed", a, "b.wav", "-o", "out.npz").exit_code == 2
    said("alan", name="b.wav")
    facts = json.loads(voxgate("embed", a, "b.wav", "-o", "out.npz", "--json").stdout)
    assert (facts["recordings"], facts["computed"], facts["failures"]) == (2, 1, [])


def test_shards_share_the_recordings_out(voxgate, said):
    recordings = [said("ada", take) for take in range(5)]
    for shard in (1, 2):
        voxgate("embed", *recordings, "-o", f"{shard}.npz", "--shard", f"{shard}/2")
    assert content("1.npz")["names"].tolist() == [f"ada-{take}.flac" for take in (0, 2, 4)]
    assert content("2.npz")["names"].tolist() == [f"ada-{take}.flac" for take in (1, 3)]


def test_a_shard_does_not_overwrite_another(voxgate, said):
    recordings = [said("ada"), said("alan")]
    voxgate("embed", *recordings, "-o", "out.npz", "--shard", "1/2")
    result = voxgate("embed", *recordings, "-o", "out.npz", "--shard", "2/2")
    assert result.exit_code == 2
    assert "ada-0.flac, which is not among yours" in result.stderr
    assert content()["names"].tolist() == ["ada-0.flac"]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2/3"])
def test_a_shard_that_makes_no_sense_is_refused(voxgate, said, shard):
    result = voxgate("embed", said("ada"), "-o", "out.npz", "--shard", shard)
    assert result.exit_code == 2
    assert f"--shard {shard}" in result.stderr


def test_several_processes_find_the_same(voxgate, said, silence):
    recordings = [said("ada", take, seconds=1.5) for take in range(3)]
    alone = voxgate("embed", *recordings, silence, "-o", "alone.npz")
    together = voxgate("embed", *recordings, silence, "-o", "together.npz", "--jobs", "2")
    assert (alone.exit_code, together.exit_code) == (2, 2)
    assert alone.stderr == together.stderr
    one, two = content("alone.npz"), content("together.npz")
    assert one["names"].tolist() == two["names"].tolist()
    assert (one["embeddings"] == two["embeddings"]).all()


@pytest.mark.parametrize("name", ["out.csv", "out"])
def test_another_format_is_refused_before_the_work(voxgate, said, name):
    result = voxgate("embed", said("ada"), "-o", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert ".npz or .parquet" in result.stderr


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(voxgate, many):
    stopped = stopped_midway(signal.SIGINT)
    assert (stopped.returncode, stopped.stdout) == (130, "")
    assert "are kept in out.npz.journal; run the same again to go on." in stopped.stderr
    assert stopped.stderr.endswith("voxgate: Interrupted.\n")
    assert "Traceback" not in stopped.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["many", "out.npz.journal"]
    kept = len(journal())
    assert 3 <= kept < MANY
    facts = json.loads(voxgate("embed", many, "-o", "out.npz", "--json").stdout)
    assert (facts["recordings"], facts["computed"]) == (MANY, MANY - kept)
    assert content()["names"].tolist() == [str(Path(f"many/{i:03}.flac")) for i in range(MANY)]
    assert not Path("out.npz.journal").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_kill_loses_nothing_that_was_done(voxgate, many):
    assert stopped_midway(signal.SIGKILL).returncode == -signal.SIGKILL
    assert not Path("out.npz").exists()
    kept = len(journal())
    facts = json.loads(voxgate("embed", many, "-o", "out.npz", "--json").stdout)
    assert facts["recordings"] == MANY
    assert 0 < facts["computed"] <= MANY - kept


@pytest.mark.skipif(sys.platform == "win32", reason="a console group is another thing there")
def test_ctrl_c_ends_several_processes_too(many):
    stopped = stopped_midway(signal.SIGINT, "--jobs", "2")
    assert stopped.returncode == 130
    assert "Traceback" not in stopped.stderr
    assert not Path("out.npz").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_pack_that_was_tampered_with_is_said_once(voxgate, said, pack, tmp_path, jobs):
    bad = shutil.copytree(pack, tmp_path / "bad")
    (bad / "model.onnx").write_bytes(b"something else")
    recordings = [said("ada"), said("alan"), said("grace")]
    result = voxgate("embed", *recordings, "-o", "out.npz", "--pack", bad, "--jobs", jobs)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "SHA-256" in result.stderr


def test_a_pack_that_differs_is_not_mixed_in(voxgate, said, pack, tmp_path):
    voxgate("embed", said("ada"), "-o", "out.npz")
    other = shutil.copytree(pack, tmp_path / "other")
    manifest = (other / "pack.toml").read_text().replace('version = "1"', 'version = "2"')
    (other / "pack.toml").write_text(manifest)
    result = voxgate("embed", said("ada"), "-o", "out.npz", "--pack", other)
    assert result.exit_code == 2
    assert "begun with the pack tiny@1, not tiny@2" in result.stderr
