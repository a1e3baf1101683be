import json
from pathlib import Path

import pytest


def test_the_picture_lies_beside_the_recording(voxgate, said):
    result = voxgate("spectrogram", said("ada", name="in/ada.flac"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("✓ in/ada.png: 3.0 s long")
    assert Path("in/ada.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["mel", "stft", "mfcc"])
def test_it_goes_where_it_is_wanted_in_the_kind_that_is_wanted(voxgate, said, kind):
    result = voxgate("spectrogram", said("ada"), "-o", "out.png", "--kind", kind, "--json")
    facts = json.loads(result.stdout)
    assert (facts["output"], facts["kind"]) == ("out.png", kind)
    assert facts["quality"]["duration_s"] == pytest.approx(3)
    assert set(facts["segments"][0]) == {"start_s", "end_s"}
    assert Path("out.png").exists()


def test_an_unknown_kind_lists_the_known(voxgate, said):
    result = voxgate("spectrogram", said("ada"), "--kind", "wavelet")
    assert result.exit_code == 2
    assert all(kind in result.stderr for kind in ("mel", "stft", "mfcc"))


def test_only_png_is_written(voxgate, said):
    result = voxgate("spectrogram", said("ada"), "-o", "out.pdf")
    assert result.exit_code == 2
    assert ".png" in result.stderr


def test_standard_input_needs_a_place_for_the_picture(voxgate):
    result = voxgate("spectrogram", "-")
    assert result.exit_code == 2
    assert "--output" in result.stderr


def test_a_folder_is_no_recording(voxgate):
    result = voxgate("spectrogram", ".")
    assert result.exit_code == 2
    assert "is a folder" in result.stderr


def test_a_recording_that_cannot_be_read_leaves_no_picture(voxgate):
    Path("text.wav").write_text("hello")
    result = voxgate("spectrogram", "text.wav")
    assert (result.exit_code, result.stdout) == (2, "")
    assert not Path("text.png").exists()
