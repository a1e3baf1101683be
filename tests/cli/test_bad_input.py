"""Bad input, kind by kind: one clear sentence, exit code 2, and the rest of a batch is done.

What happens to disks and to running processes is in test_failing_system.py.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_pack
from encoding import silent_video
from voices import RATE, speak

SPEECH = speak(1, 3.0)


def missing(path: Path) -> None:
    """Nothing is written."""


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("Dear diary,\nnobody will ever hear this.\n")


def truncated(path: Path) -> None:
    soundfile.write(path, SPEECH, RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def no_audio_stream(path: Path) -> None:
    path.write_bytes(silent_video())


def silence(path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE)
    soundfile.write(path, noise, RATE)


def too_little_speech(path: Path) -> None:
    room = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE)
    room[RATE : RATE + 3200] += speak(1, 0.2)
    soundfile.write(path, room, RATE)


def nan(path: Path) -> None:
    soundfile.write(path, np.where(np.arange(len(SPEECH)) == RATE, np.nan, SPEECH), RATE, "FLOAT")


def infinity(path: Path) -> None:
    soundfile.write(path, np.where(np.arange(len(SPEECH)) == 0, np.inf, SPEECH), RATE, "FLOAT")


def all_zero(path: Path) -> None:
    soundfile.write(path, np.zeros(RATE), RATE)


BAD: dict[Callable[[Path], None], str] = {  # what is given -> what must be said of it
    missing: r"no such file",
    folder: r"is a folder",
    empty: r"is empty \(0 bytes\)",
    text: r"cannot be read as sound: its content is text",
    truncated: r"is cut short: \d\d,\d\d\d bytes",
    no_audio_stream: r"has no sound track",
    silence: r"0\.00 s of speech.* 0\.50 s is needed",
    too_little_speech: r"0\.[1-4]\d s of speech.* 0\.50 s is needed",
    nan: r"not finite numbers \(NaN or infinity, the first at 1\.00 s\)",
    infinity: r"not finite numbers \(NaN or infinity, the first at 0\.00 s\)",
    all_zero: r"nothing but zeros \(1\.0 s",
}
each_kind = pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.__name__)


@pytest.fixture
def bad(kind: Callable[[Path], None]) -> Path:
    """A bad recording, in the folder."""
    path = Path(f"{kind.__name__}.wav")
    kind(path)
    return path


def sentence(result) -> str:
    """The one line that a failed command said, after "voxgate: "."""
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("voxgate: ")
    assert "unexpected" not in result.stderr
    return result.stderr.removeprefix("voxgate: ").rstrip()


@each_kind
def test_a_bad_recording_is_one_sentence(voxgate, said, kind, bad):
    result = voxgate("compare", said("ada"), bad)
    told = sentence(result)
    assert bad.name in told
    assert re.search(BAD[kind], told)
    assert result.stdout == ""


@each_kind
def test_the_other_recordings_are_embedded(voxgate, said, kind, bad):
    good = [str(said("ada")), str(said("alan"))]
    told = sentence(voxgate("embed", good[0], bad, good[1], "-o", "out.npz"))
    assert bad.name in told
    assert re.search(BAD[kind], told)
    with np.load("out.npz") as arrays:
        assert arrays["names"].tolist() == good
        assert arrays["embeddings"].shape == (2, tiny_pack.DIM)


@each_kind
def test_the_other_recordings_are_enrolled(voxgate, said, kind, bad):
    result = voxgate("enroll", "ada", said("ada", 1), bad, said("ada", 2))
    told = sentence(result)
    assert bad.name in told
    assert re.search(BAD[kind], told)
    shown = json.loads(voxgate("speakers", "show", "ada", "--json").stdout)
    assert [sample["name"] for sample in shown["samples"]] == ["ada-1.flac", "ada-2.flac"]


@each_kind
def test_the_other_recordings_are_ranked(voxgate, said, kind, bad):
    result = voxgate("closest", said("ada", 1), said("ada", 2), bad, said("alan"), "--json")
    told = sentence(result)
    assert bad.name in told
    assert re.search(BAD[kind], told)
    assert [match["name"] for match in json.loads(result.stdout)["matches"]] == [
        "ada-2.flac",
        "alan-0.flac",
    ]


@each_kind
def test_a_bad_probe_is_one_sentence(voxgate, said, kind, bad):
    voxgate("enroll", "ada", said("ada"))
    for command in (["verify", "ada", bad], ["identify", bad], ["closest", bad, said("alan")]):
        told = sentence(voxgate(*command))
        assert re.search(BAD[kind], told)


@each_kind
def test_a_bad_recording_alone_leaves_no_output(voxgate, kind, bad):
    sentence(voxgate("embed", bad, "-o", "out.npz"))
    assert {path.name for path in Path().iterdir()} <= {bad.name}
    sentence(voxgate("enroll", "ada", bad))
    assert "Nobody is enrolled" in voxgate("speakers", "list").stderr


def test_an_unknown_speaker_is_told_with_the_nearest_names(voxgate, said):
    for name in ("ada", "adam", "grace"):
        voxgate("enroll", name, said("ada"))
    for command in (
        ["verify", "adda", said("ada")],
        ["speakers", "show", "adda"],
        ["speakers", "delete", "adda", "--yes"],
        ["speakers", "export", "adda", "-o", "adda.json"],
    ):
        told = sentence(voxgate(*command))
        assert re.search(r"No speaker 'adda' .*Did you mean 'adam?' or 'adam?'", told)
    assert not Path("adda.json").exists()


def test_a_speaker_who_is_enrolled_already_is_left_alone(voxgate, said):
    voxgate("enroll", "ada", said("ada", 1))
    before = voxgate("speakers", "show", "ada", "--json").stdout
    told = sentence(voxgate("enroll", "ada", said("ada", 2)))
    assert told.startswith("Speaker 'ada' is enrolled already.")
    assert voxgate("speakers", "show", "ada", "--json").stdout == before


@pytest.mark.parametrize("key", ["0" * 64, "short", ""])
def test_a_wrong_key_opens_nothing(voxgate, said, key, monkeypatch):
    voxgate("enroll", "ada", said("ada"))
    with monkeypatch.context() as patch:
        patch.setenv("VOXGATE_KEY", key)
        for command in (["speakers", "list"], ["verify", "ada", said("ada")]):
            assert "VOXGATE_KEY" in sentence(voxgate(*command))
    assert voxgate("verify", "ada", said("ada", 2)).exit_code == 0


def test_a_store_without_its_key_file_says_so(voxgate, said, tmp_path):
    voxgate("enroll", "ada", said("ada"))
    (tmp_path / "voices.db.key").rename("elsewhere")
    assert "voices.db.key is missing" in sentence(voxgate("speakers", "list"))
    assert not (tmp_path / "voices.db.key").exists()


@pytest.mark.parametrize("damage", ["other content", "cut in half", "zeroed"])
def test_a_corrupt_store_is_one_sentence_and_stays_as_it_is(voxgate, said, tmp_path, damage):
    voxgate("enroll", "ada", said("ada"))
    store = tmp_path / "voices.db"
    content = {
        "other content": b"not what you expect\n" * 1000,
        "cut in half": store.read_bytes()[: store.stat().st_size // 2],
        "zeroed": bytes(store.stat().st_size),
    }[damage]
    for log in tmp_path.glob("voices.db-*"):
        log.unlink()
    store.write_bytes(content)
    for command in (["speakers", "list"], ["enroll", "grace", said("grace")]):
        told = sentence(voxgate(*command))
        assert "voices.db" in told
        assert re.search("damaged|altered", told)
    assert store.read_bytes() == content


def test_a_voice_altered_in_the_store_is_noticed(voxgate, said, tmp_path):
    for name in ("ada", "grace"):
        voxgate("enroll", name, said(name))
    with sqlite3.connect(tmp_path / "voices.db") as database:
        sealed = database.execute("SELECT sealed_embedding FROM voiceprints").fetchone()
        database.execute("UPDATE voiceprints SET sealed_embedding = ?", sealed)
    database.close()
    told = [
        sentence(result)
        for result in (voxgate("verify", name, said(name, 2)) for name in ("ada", "grace"))
        if result.exit_code
    ]
    assert len(told) == 1
    assert re.search("damaged|altered", told[0])


@pytest.mark.parametrize("name", ["model.onnx", "cohort.npy"])
def test_a_tampered_pack_does_not_run(voxgate, said, tmp_path, name):
    pack = tiny_pack.write(tmp_path / "tampered")
    content = bytearray((pack / name).read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    (pack / name).write_bytes(content)
    a, b = said("ada", 1), said("ada", 2)
    for command in (["compare", a, b], ["enroll", "ada", a, b], ["packs", "info", pack]):
        words = command if command[0] == "packs" else [*command, "--pack", pack]
        told = sentence(voxgate(*words))
        assert re.search(rf"{name}: SHA-256 is [0-9a-f]{{12}}…, but pack\.toml states", told)
    assert "Nobody is enrolled" in voxgate("speakers", "list").stderr


@pytest.mark.parametrize("lost", ["pack.toml", "model.onnx", "cohort.npy"])
def test_a_pack_that_lacks_a_file_says_which(voxgate, said, tmp_path, lost):
    pack = tiny_pack.write(tmp_path / "incomplete")
    (pack / lost).unlink()
    assert lost in sentence(voxgate("compare", said("ada", 1), said("ada", 2), "--pack", pack))


def test_a_corrupt_manifest_or_archive_is_one_sentence(voxgate, said, tmp_path):
    pack = tiny_pack.write(tmp_path / "corrupt")
    (pack / "pack.toml").write_text("[pack\nname = ")
    archive = tmp_path / "pack.zip"
    archive.write_bytes(b"PK\x03\x04" + bytes(100))
    for path, what in ((pack, "not valid TOML"), (archive, "cannot be read")):
        result = voxgate("compare", said("ada", 1), said("ada", 2), "--pack", path)
        assert what in sentence(result)
