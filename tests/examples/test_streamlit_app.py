"""The Streamlit example, run by Streamlit's own test harness."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

EXAMPLES = Path(__file__).parents[2] / "examples"
VOICES = EXAMPLES / "voices"
CODE = EXAMPLES / "streamlit_app.py"


@pytest.fixture
def app(tmp_path, monkeypatch) -> AppTest:
    monkeypatch.setenv("VOXGATE_STORE", f"sqlite:///{tmp_path}/voices.db")
    monkeypatch.delenv("VOXGATE_KEY", raising=False)
    return AppTest.from_file(CODE, default_timeout=60).run()


def give(app: AppTest, label: str, name: str) -> None:
    """Upload one of the voices where the label says."""
    (uploader,) = (one for one in app.file_uploader if one.label == label)
    uploader.set_value((name, (VOICES / name).read_bytes(), "audio/flac")).run()


def press(app: AppTest, label: str) -> None:
    (button,) = (one for one in app.button if one.label == label)
    button.click().run()
    assert not app.exception


def test_a_voice_is_enrolled_verified_identified_and_drawn(app):
    app.text_input[0].input("ada").run()
    give(app, "Recording to enrol", "ada-1.flac")
    app.checkbox[0].check().run()
    press(app, "Enrol")
    assert "Enrolled ada with 1 of 1 recording" in app.success[0].value

    give(app, "Recording to verify", "ada-2.flac")
    press(app, "Verify")
    assert "Accepted as ada" in app.success[0].value
    give(app, "Recording to verify", "alan-1.flac")
    press(app, "Verify")
    assert "another voice than that of ada" in app.error[0].value

    give(app, "Recording to identify", "ada-3.flac")
    press(app, "Identify")
    assert "This is ada" in app.success[0].value

    give(app, "Recording to look at", "ada-1.flac")
    press(app, "Draw")
    assert not app.error


def test_an_error_is_a_sentence(app):
    give(app, "Recording to look at", "../make_voices.py")
    press(app, "Draw")
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")


def test_it_stays_short():
    assert sum(bool(line.strip()) for line in CODE.read_text("utf-8").splitlines()) < 80
