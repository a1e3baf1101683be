"""What a browser says it has uploaded: only what truly was is taken."""

import pytest

from voxgate.errors import UsageError
from voxgate.ui.recorder import Received, only, received


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_an_upload_is_taken_with_the_name_it_had(uploads):
    file = uploads / "a.wav"
    file.touch()
    said = {"path": str(file), "orig_name": "voices/a b.wav"}
    assert received(said) == [Received(str(file), "voices/a b.wav")]
    assert received([said, said]) == received(said) * 2


@pytest.mark.parametrize("nothing", [None, [], ""])
def test_nothing_is_nothing(uploads, nothing):
    assert received(nothing) == []
    with pytest.raises(UsageError, match="first: first recording"):
        only(nothing, "First recording")


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "", "gone.wav", "link.wav", "."])
def test_what_is_not_a_file_among_the_uploads_is_refused(uploads, path):
    (uploads.parent / "secret.wav").touch()
    (uploads / "link.wav").symlink_to(uploads.parent / "secret.wav")
    with pytest.raises(UsageError, match="not here any more"):
        received({"path": str(uploads / path)})


@pytest.mark.parametrize("value", ["/etc/passwd", ["x"], {"url": "http://x"}, 7])
def test_what_is_not_said_as_it_should_be_is_refused(uploads, value):
    with pytest.raises(UsageError, match="not here any more"):
        received(value)
