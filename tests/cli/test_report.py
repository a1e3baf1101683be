import json
from pathlib import Path

import pytest


@pytest.fixture
def kept(voxgate, said) -> Path:
    """Results of an evaluation of the tiny pack on a few trials."""
    names = [
        (voice, said(voice, take, 1.5, f"dev/{voice}/{take}.flac").relative_to("dev"))
        for voice in ("ada", "alan", "grace")
        for take in range(2)
    ]
    lines = [f"{int(v == w)} {a} {b}" for i, (v, a) in enumerate(names) for w, b in names[i + 1 :]]
    Path("dev/small.trials").write_text("\n".join(lines))
    done = voxgate("evaluate", "--data", "dev", "--resamples", 100, "--out", "kept")
    assert done.exit_code == 0
    return Path("kept")


def test_the_page_and_its_pictures_are_written(voxgate, kept):
    result = voxgate("report", kept)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "✓ report.html: 1 system, 5 pictures beside it\n"
    text = Path("report.html").read_text(encoding="utf-8")
    assert 'src="dev/ada/' in text
    assert len(list(Path().glob("report-*.png"))) == 5


def test_a_program_gets_one_object_and_names_can_be_left_out(voxgate, kept):
    result = voxgate("report", kept, "-o", "open.html", "--anonymous", "--title", "T", "--json")
    facts = json.loads(result.stdout)
    assert facts["output"] == "open.html"
    assert facts["pictures"][0] == "open-det.png"
    text = Path("open.html").read_text(encoding="utf-8")
    assert "<h1>T</h1>" in text
    assert "ada" not in text.replace("metadata", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none",), "none holds no results (results.json is missing)"),
        (("kept", "kept"), "two systems named 'tiny@1'"),
        (("kept", "-o", "page.pdf"), "the report is written as .html"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(voxgate, kept, words, message):
    result = voxgate("report", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
