"""Closed set, by the numbers and the whole way: train, evaluate, ask who is speaking."""

import csv
import json
import sys

import numpy as np
import pytest
import soundfile as sf
from corpus import write_corpus, write_noise
from voices import speak

from voxgate.classifier import Classifier
from voxgate.cli import main
from voxgate.errors import TrainingError
from voxgate.train import closed_set
from voxgate.train.cache import Corpus

EXPERIMENT = """
name = "who"
steps = 12
[data]
hold_out = 0
closed_set = 0.3
[sampling]
batch_s = 8
row_s = 1.0
crop_s = [1.0]
speeds = [1.0]
speed_is_speaker = false
[front_end]
kind = "picture"
bands = 20
[model]
kind = "spectrogram_cnn"
channels = [4, 8]
dim = 16
[loss]
kind = "softmax"
[pack]
cohort_size = 3
cohort_nearest = 2
"""


def corpus(*recordings: int) -> Corpus:
    """So many recordings of each speaker."""
    speaker = np.repeat(np.arange(len(recordings)), recordings)
    return Corpus(
        samples=np.zeros(len(speaker), np.int16),
        starts=np.arange(len(speaker) + 1),
        speaker=speaker,
        dataset=np.zeros_like(speaker),
        population=np.zeros_like(speaker),
        speakers=[f"a/{n}" for n in range(len(recordings))],
        datasets=["a"],
        names=[str(n) for n in range(len(speaker))],
    )


def test_a_share_of_each_speaker_with_three_recordings_is_kept_from_training():
    known = corpus(2, 3, 8)
    train, test = closed_set.split(known, np.arange(13), 0.25, seed=1)
    assert np.bincount(known.speaker[test], minlength=3).tolist() == [0, 1, 2]
    assert sorted([*train, *test]) == list(range(13))
    again = closed_set.split(known, np.arange(13), 0.25, seed=1)[1]
    assert test.tolist() == again.tolist()


@pytest.mark.parametrize(
    ("recordings", "share", "message"),
    [((2, 2), 0.2, "No speaker has 3 recordings"), ((5, 5), 0.7, "closed_set is 0.7; it must")],
)
def test_without_anything_to_keep_it_is_refused(recordings, share, message):
    known = corpus(*recordings)
    with pytest.raises(TrainingError, match=message):
        closed_set.split(known, np.arange(len(known)), share, seed=1)


class ByName:
    """Embeds recording r of a corpus to a direction that says who is named."""

    def __init__(self, named):
        self.vectors = iter(np.eye(3, dtype=np.float32)[named])

    def embed_waveform(self, speech):
        return next(self.vectors)


def test_figures_are_those_counted_by_hand(tmp_path):
    known = corpus(2, 2, 1)
    classifier = Classifier(
        ("a/0", "a/1", "a/2"), 9 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    )
    report = closed_set.evaluate(ByName([0, 1, 1, 1]), classifier, known, np.arange(4))
    assert report.accuracy == 0.75
    assert report.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)
    assert report.names == ("a/0", "a/1")
    assert report.confusion.tolist() == [[1, 1], [0, 2]]
    closed_set.write(report, tmp_path)
    assert json.loads((tmp_path / "closed_set.json").read_text()) == {
        "accuracy": 0.75, "macro_f1": 0.7333, "speakers": 3, "recordings": 4,
    }  # fmt: skip
    rows = list(csv.reader((tmp_path / "confusion.csv").read_text().splitlines()))
    assert rows == [["who it was", "a/0", "a/1"], ["a/0", "1", "1"], ["a/1", "0", "2"]]
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def voxgate(capsys, *words) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["voxgate", *map(str, words)])
        main()
    return ended.value.code, capsys.readouterr().out


def test_a_trained_run_says_who_is_speaking(tmp_path, capsys):
    data, run = write_corpus(tmp_path / "data", range(3)), tmp_path / "run"
    write_noise(tmp_path / "noise")
    (tmp_path / "who.toml").write_text(EXPERIMENT)
    places = ["--data", data, "--noise", tmp_path / "noise", "--cache", tmp_path / "cache"]
    code, _ = voxgate(capsys, "train", tmp_path / "who.toml", *places, "--out", run)
    assert code == 0
    found = json.loads((run / "closed_set.json").read_text())
    assert (found["speakers"], found["recordings"]) == (3, 3)
    assert found["accuracy"] in (
        0,
        pytest.approx(1 / 3, abs=1e-4),
        pytest.approx(2 / 3, abs=1e-4),
        1,
    )
    sf.write(tmp_path / "probe.wav", speak(1, 4.0, 9), 16_000)
    code, out = voxgate(capsys, "classify", run, tmp_path / "probe.wav", "--json")
    ranking = json.loads(out)["ranking"]
    assert code == 0
    assert sum(name["probability"] for name in ranking) == pytest.approx(1)
    assert {name["speaker"] for name in ranking} == {"made/0", "made/1", "made/2"}
    assert ranking[0]["probability"] >= ranking[1]["probability"] >= ranking[2]["probability"]
    references = [data / "made" / str(voice) / "0.flac" for voice in range(3)]
    code, out = voxgate(
        capsys, "closest", tmp_path / "probe.wav", *references, "--pack", run / "pack", "--json"
    )
    assert code == 0
    assert len(json.loads(out)["matches"]) == 3
