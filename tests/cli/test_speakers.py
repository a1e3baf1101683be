import json
import stat
import sys
from pathlib import Path

import pytest


@pytest.fixture
def _ada_is_enrolled(voxgate, said):
    assert voxgate("enroll", "ada", said("ada", 1), said("ada", 2)).exit_code == 0


def names(voxgate) -> list[str]:
    facts = json.loads(voxgate("speakers", "list", "--json").stdout)
    return [speaker["speaker"] for speaker in facts["speakers"]]


def test_an_empty_list_says_how_to_begin(voxgate):
    result = voxgate("speakers", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "voxgate enroll" in result.stderr
    assert names(voxgate) == []


@pytest.mark.usefixtures("_ada_is_enrolled")
def test_the_list_has_a_line_for_each(voxgate):
    header, line = voxgate("speakers", "list").stdout.splitlines()
    assert header.split() == ["speaker", "recordings", "speech", "enrolled", "changed", "packs"]
    assert line.split()[:2] == ["ada", "2"]
    assert line.split()[-1] == "tiny@1"


@pytest.mark.usefixtures("_ada_is_enrolled")
def test_show_has_the_recordings_and_no_embedding(voxgate):
    result = voxgate("speakers", "show", "ada")
    assert result.stdout.startswith("✓ ada: 2 recordings, ")
    assert "ada-1.flac" in result.stdout
    facts = json.loads(voxgate("speakers", "show", "ada", "--json").stdout)
    assert [sample["name"] for sample in facts["samples"]] == ["ada-1.flac", "ada-2.flac"]
    assert set(facts["samples"][0]) == {"name", "speech_s", "quality", "added_at"}


@pytest.mark.parametrize("command", ["show", "delete", "export"])
@pytest.mark.usefixtures("_ada_is_enrolled")
def test_an_unknown_speaker_brings_the_nearest_names(voxgate, command):
    words = ["-o", "out.json"] if command == "export" else []
    result = voxgate("speakers", command, "adda", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'ada'" in result.stderr
    assert not Path("out.json").exists()


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, []), ("n\n", 2, ["ada"]),
                                                      ("", 2, ["ada"])])  # fmt: skip
@pytest.mark.usefixtures("_ada_is_enrolled")
def test_delete_asks_first(voxgate, answer, code, left):
    result = voxgate("speakers", "delete", "ada", answer=answer)
    assert result.exit_code == code
    assert "Forget ada (2 recordings) for good?" in result.stderr
    assert names(voxgate) == left


@pytest.mark.usefixtures("_ada_is_enrolled")
def test_delete_with_yes_does_not_ask(voxgate):
    result = voxgate("speakers", "delete", "ada", "--yes", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"deleted": "ada"}
    assert names(voxgate) == []


@pytest.mark.usefixtures("_ada_is_enrolled")
def test_an_export_can_be_imported_elsewhere(voxgate, said, tmp_path, monkeypatch):
    result = voxgate("speakers", "export", "ada", "-o", "ada.json")
    assert result.exit_code == 0
    assert "biometric" in result.stderr
    monkeypatch.setenv("VOXGATE_STORE", f"sqlite:///{tmp_path}/elsewhere.db")
    imported = voxgate("speakers", "import", "ada.json")
    assert imported.stdout.startswith("✓ Enrolled ada: 2 recordings")
    assert voxgate("verify", "ada", said("ada", 3)).exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
@pytest.mark.usefixtures("_ada_is_enrolled")
def test_only_the_owner_may_read_an_export(voxgate):
    voxgate("speakers", "export", "ada", "-o", "ada.json")
    assert stat.S_IMODE(Path("ada.json").stat().st_mode) == 0o600


@pytest.mark.usefixtures("_ada_is_enrolled")
def test_an_import_of_a_name_that_is_taken_needs_add_or_replace(voxgate):
    voxgate("speakers", "export", "ada", "-o", "ada.json")
    assert voxgate("speakers", "import", "ada.json").exit_code == 2
    assert voxgate("speakers", "import", "ada.json", "--replace").exit_code == 0


@pytest.mark.parametrize("content", [b"hello", b"[]", b"{}", b"\xff\xfe", b'{"speaker": "ada"}'])
def test_a_file_that_is_no_export_is_refused(voxgate, content):
    Path("x.json").write_bytes(content)
    result = voxgate("speakers", "import", "x.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Something unexpected" not in result.stderr
    assert names(voxgate) == []


def test_a_missing_file_is_one_sentence(voxgate):
    result = voxgate("speakers", "import", "none.json")
    assert result.exit_code == 2
    assert "none.json: cannot be read" in result.stderr
