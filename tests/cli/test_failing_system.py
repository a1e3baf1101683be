"""Read-only disks, full disks and Ctrl-C, as real processes meet them.

Where this system lets a process have file systems of its own, disks that are truly read-only
or full are mounted; a limit on the size of files stands in for a full disk everywhere.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import environment

VOXGATE = [sys.executable, "-m", "voxgate"]
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && "$@"'
FULL = """
cp -a "$0" kept && mount -t tmpfs -o size=512k tmpfs "$0" && cp -a kept/. "$0" || exit 99
dd if=/dev/zero of="$0/filler" bs=4k >/dev/null 2>&1
"$@"; code=$?
rm "$0/filler"; cp -a "$0" after
exit $code
"""
OUTPUTS = (
    ["embed", "good.flac", "-o", "disk/out.npz"],
    ["spectrogram", "good.flac", "-o", "disk/out.png"],
    ["speakers", "export", "ada", "-o", "disk/ada.json"],
)
each_output = pytest.mark.parametrize("words", OUTPUTS, ids=lambda words: words[0])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, voxgate, said) -> Path:
    """A folder, empty but for a store in which ada is enrolled."""
    pytest.importorskip("matplotlib").use("agg")
    folder = Path("disk")
    folder.mkdir()
    monkeypatch.setenv("VOXGATE_STORE", "sqlite:///disk/voices.db")
    assert voxgate("enroll", "ada", said("ada", name="good.flac")).exit_code == 0
    return folder


@pytest.fixture
def on_disk(disk) -> Callable[[str, list[str]], "subprocess.CompletedProcess[str]"]:
    """`on_disk(READ_ONLY, words)`: run the command where `disk` is mounted that way."""

    def run(mounting: str, words: list[str]) -> "subprocess.CompletedProcess[str]":
        return launch([*own_mounts(disk.name), "sh", "-c", mounting, disk.name, *VOXGATE, *words])

    return run


def own_mounts(folder: str) -> list[str]:
    """The start of a command line for a process that mounts what no other process sees."""
    for flags in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = ["unshare", *flags]
        trial = [*command, "sh", "-c", f"{READ_ONLY} && mount -t tmpfs tmpfs $0", folder, "true"]
        if shutil.which("unshare") and launch(trial).returncode == 0:
            return command
    pytest.skip("needs the right to mount file systems, in a namespace of its own")


def launch(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)


def sentence(result: "subprocess.CompletedProcess[str]") -> str:
    """The one line that a failed process said, after "voxgate: "."""
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("voxgate: ")
    assert "unexpected" not in result.stderr
    return result.stderr.removeprefix("voxgate: ").rstrip()


def names(folder: Path) -> set[str]:
    """What is in a folder, but for the store."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("voices.db")}


@each_output
def test_a_read_only_disk_is_one_sentence(disk, on_disk, words):
    told = sentence(on_disk(READ_ONLY, words))
    assert "read-only" in told or "make the file and its folder writable" in told
    assert "disk/" in told
    assert names(disk) == set()


def test_a_store_on_a_read_only_disk_is_one_sentence(disk, on_disk, said, voxgate):
    told = sentence(on_disk(READ_ONLY, ["enroll", "grace", str(said("grace"))]))
    assert "voices.db cannot be" in told
    assert voxgate("verify", "ada", said("ada", 2)).exit_code == 0
    assert voxgate("verify", "grace", said("grace")).exit_code == 2


@each_output
def test_a_full_disk_is_one_sentence_and_leaves_no_part(on_disk, words):
    told = sentence(on_disk(FULL, words))
    assert "no space left on device" in told or "disk is full" in told
    assert names(Path("after")) <= {"out.npz.journal"}


def test_a_store_on_a_full_disk_keeps_what_it_has(on_disk, said, voxgate, monkeypatch):
    told = sentence(on_disk(FULL, ["enroll", "grace", str(said("grace"))]))
    assert "the disk is full" in told
    monkeypatch.setenv("VOXGATE_STORE", "sqlite:///after/voices.db")
    assert voxgate("verify", "ada", said("ada", 2)).exit_code == 0
    assert "No speaker 'grace'" in voxgate("verify", "grace", said("grace")).stderr


def test_a_batch_stopped_by_a_full_disk_goes_on_where_it_was(on_disk, voxgate, said):
    recordings = [str(said("ada", take, seconds=1)) for take in range(24)]
    room = FULL.replace('"$@";', 'truncate -s -4k "$0/filler"; "$@";')  # for half of the journal
    told = sentence(on_disk(room, ["embed", *recordings, "-o", "disk/out.npz"]))
    assert told.endswith("out.npz.journal: cannot be written: no space left on device.")
    done = Path("after/out.npz.journal").read_bytes().count(b"\n")
    assert 0 < done < len(recordings)
    result = voxgate("embed", *recordings, "-o", "after/out.npz")
    assert f"{done} recordings done already" in result.stderr
    with np.load("after/out.npz") as arrays:
        assert arrays["names"].tolist() == recordings


@pytest.mark.skipif(sys.platform == "win32", reason="limits on processes are POSIX")
@each_output
def test_a_file_that_may_not_grow_is_one_sentence(disk, words):
    told = sentence(launch(["sh", "-c", 'ulimit -f 0; exec "$0" "$@"', *VOXGATE, *words]))
    assert "disk/" in told
    assert names(disk) <= {"out.npz.journal"}


@pytest.mark.skipif(sys.platform == "win32", reason="limits on processes are POSIX")
def test_a_store_that_may_not_grow_keeps_what_it_has(disk, said, voxgate):
    words = ["enroll", "grace", str(said("grace"))]
    told = sentence(launch(["sh", "-c", 'ulimit -f 1; exec "$0" "$@"', *VOXGATE, *words]))
    assert "voices.db" in told
    assert voxgate("verify", "ada", said("ada", 2)).exit_code == 0
    assert "No speaker 'grace'" in voxgate("verify", "grace", said("grace")).stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_an_answer_that_cannot_be_written_is_one_sentence(said):
    words = ["compare", str(said("ada", 1)), str(said("ada", 2))]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*VOXGATE, *words], stdout=full, stderr=subprocess.PIPE, text=True,
            env=environment(), check=False,
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "no space left on device" in result.stderr.lower()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another signal there")
def test_ctrl_c_in_an_enrolment_enrols_nobody(disk, said, voxgate):
    process = subprocess.Popen(
        [*VOXGATE, "enroll", "grace", said("grace"), "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(bytes(1_000_000))  # far more than a pipe holds: now it is reading
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out, err) == (130, b"", b"voxgate: Interrupted.\n")
    assert "No speaker 'grace'" in voxgate("verify", "grace", said("grace")).stderr
    assert voxgate("verify", "ada", said("ada", 2)).exit_code == 0
