"""Every reader on a corpus made by hand, and the refusals that its format calls for."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from encoding import encode

from voxgate.errors import AudioError, CorpusError
from voxgate.train.corpora import READERS, ReadOptions, detect_format, manifest, read_corpus


def record(path: Path, seconds: float = 1.0) -> Path:
    """A ramp from 0 up to 0.5, so that a sample tells where it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.linspace(0, 0.5, round(16_000 * seconds), endpoint=False), 16_000)
    return path


def found(recordings) -> list[tuple]:
    return [(r.speaker, r.name, r.start_s, r.end_s) for r in recordings]


def test_a_folder_per_speaker_may_be_nested_and_hold_any_format(tmp_path):
    folder = tmp_path / "voices"
    record(folder / "ada" / "home" / "monday" / "1.wav")
    (folder / "bob").mkdir()
    encode(np.full(16_000, 0.1), "mp3", folder / "bob" / "1")
    (folder / "bob" / "notes.txt").write_text("no recording")
    assert detect_format(folder) == "folders"
    assert found(read_corpus(folder)) == [
        ("voices/ada", "ada/home/monday/1.wav", 0.0, None),
        ("voices/bob", "bob/1.mp3", 0.0, None),
    ]


def test_a_speaker_without_a_recording_is_refused(tmp_path):
    record(tmp_path / "ada" / "1.wav")
    (tmp_path / "bob").mkdir()
    with pytest.raises(CorpusError, match="bob holds no recording"):
        read_corpus(tmp_path)


def test_a_manifest_needs_only_speaker_and_path(tmp_path):
    (tmp_path / "list.csv").write_text("path,speaker\na.wav,ada\nb.wav,bob\n")
    dataset = tmp_path.name
    assert detect_format(tmp_path / "list.csv") == "manifest"
    assert found(read_corpus(tmp_path / "list.csv")) == [
        (f"{dataset}/ada", "a.wav", 0.0, None),
        (f"{dataset}/bob", "b.wav", 0.0, None),
    ]


def test_a_manifest_tells_dataset_and_all_else_that_is_known(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "dataset,speaker,session,language,path,seconds,sex,age\n"
        "vox,7,monday,ar,vox/7/a.wav,1.0,female,twenties\nother,8,,,b.wav,,,\n"
    )
    (recording,) = read_corpus(tmp_path, datasets=["vox"])
    assert (recording.dataset, recording.speaker, recording.path) == (
        "vox", "vox/7", tmp_path / "vox/7/a.wav",
    )  # fmt: skip
    told = (recording.session, recording.language, recording.sex, recording.age)
    assert told == ("monday", "ar", "female", "twenties")


def test_a_manifest_that_is_written_is_read_back(tmp_path):
    (tmp_path / "in.csv").write_text(
        "dataset,speaker,path,start_s,end_s\nd,ada,x/a.wav,0.25,0.75\nd,bob,/far/b.wav,,\n"
    )
    before = read_corpus(tmp_path / "in.csv")
    manifest.write(before, tmp_path / "out.csv")
    assert found(read_corpus(tmp_path / "out.csv")) == found(before)
    assert [r.path for r in before] == [r.path for r in read_corpus(tmp_path / "out.csv")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,who\na,b\n", "no column 'speaker'"),
        ("path,speaker\na.wav,\n", "line 2 has no speaker"),
        ("path,speaker,start_s\na.wav,ada,soon\n", "line 2 has the time 'soon'"),
        ("path,speaker\na.wav,ada\na.wav,ada\n", r"lists a\.wav 2 times"),
        ("path,speaker\n", "lists no recording"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, text, said):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(CorpusError, match=said):
        read_corpus(tmp_path)


def test_a_kaldi_folder_is_cut_as_its_segments_say(tmp_path):
    record(tmp_path / "long.wav", 2.0)
    (tmp_path / "wav.scp").write_text("call1 long.wav\n")
    (tmp_path / "segments").write_text("u1 call1 0.5 1.0\nu2 call1 1.5 -1\n")
    (tmp_path / "utt2spk").write_text("u1 ada\nu2 bob\n")
    (tmp_path / "spk2gender").write_text("ada f\nbob m\n")
    assert detect_format(tmp_path) == "kaldi"
    first, second = read_corpus(tmp_path)
    assert [r.speaker.rpartition("/")[2] for r in (first, second)] == ["ada", "bob"]
    assert (first.sex, second.sex) == ("f", "m")
    cut = first.waveform()
    assert len(cut) == 8_000
    assert cut[0] == pytest.approx(0.125, abs=1e-3)  # a quarter of the ramp
    assert len(second.waveform()) == 8_000


def test_a_kaldi_folder_without_segments_has_whole_files(tmp_path):
    (tmp_path / "wav.scp").write_text("u1 /far/a.wav\n")
    (tmp_path / "utt2spk").write_text("u1\tada\n")
    assert found(read_corpus(tmp_path)) == [(f"{tmp_path.name}/ada", "u1", 0.0, None)]


@pytest.mark.parametrize(
    ("scp", "said"),
    [
        ("u1 sph2pipe -f wav a.sph |", "command with a pipe"),
        ("u1 raw.ark:1234", "place in an archive"),
        ("u2 a.wav", "no line for 'u2'"),
        ("u1", "only one word"),
        ("u1 a.wav\nu1 b.wav", "'u1' twice"),
    ],
)
def test_what_a_kaldi_folder_may_not_hold_is_refused(tmp_path, scp, said):
    (tmp_path / "wav.scp").write_text(scp + "\n")
    (tmp_path / "utt2spk").write_text("u1 ada\n")
    with pytest.raises(CorpusError, match=said):
        read_corpus(tmp_path)


def test_nemo_lines_are_cut_by_offset_and_duration(tmp_path):
    record(tmp_path / "a.wav", 2.0)
    lines = [
        {"audio_filepath": "a.wav", "offset": 1.0, "duration": 0.5, "label": "ada"},
        {"audio_filepath": "a.wav", "duration": 1.99, "label": "bob"},
    ]
    (tmp_path / "train.json").write_text("\n".join(map(json.dumps, lines)))
    assert detect_format(tmp_path) == "nemo"
    recordings = read_corpus(tmp_path)
    assert found(recordings) == [
        ("train/ada", "a.wav#1", 1.0, 1.5),
        ("train/bob", "a.wav", 0, None),
    ]
    assert [len(r.waveform()) for r in recordings] == [8_000, 32_000]


def test_a_nemo_line_without_a_label_is_refused(tmp_path):
    (tmp_path / "train.json").write_text('{"audio_filepath": "a.wav"}\n')
    with pytest.raises(CorpusError, match=r"train\.json, line 1 must be"):
        read_corpus(tmp_path)


def test_lhotse_recordings_and_supervisions_become_stretches(tmp_path):
    path = record(tmp_path / "a.wav", 2.0)
    source = {"type": "file", "channels": [0], "source": str(path)}
    sound = {"id": "a", "sources": [source], "sampling_rate": 16_000, "num_samples": 32_000,
             "duration": 2.0}  # fmt: skip
    said = {"id": "s", "recording_id": "a", "start": 0.5, "duration": 1.0, "channel": 0,
            "speaker": "ada", "gender": "f", "language": "English"}  # fmt: skip
    for name, item in {"recordings": sound, "supervisions": said}.items():
        with gzip.open(tmp_path / f"x_{name}.jsonl.gz", "wt") as file:
            file.write(json.dumps(item) + "\n")
    assert detect_format(tmp_path) == "lhotse"
    (recording,) = read_corpus(tmp_path)
    assert found([recording]) == [(f"{tmp_path.name}/ada", "s", 0.5, 1.5)]
    assert (recording.sex, recording.language) == ("f", "English")
    assert len(recording.waveform()) == 16_000


def test_a_lhotse_recording_that_is_a_command_is_refused(tmp_path):
    source = {"type": "command", "channels": [0], "source": "touch ran"}
    sound = {"id": "a", "sources": [source], "sampling_rate": 16_000, "num_samples": 1_600,
             "duration": 0.1}  # fmt: skip
    said = {"id": "s", "recording_id": "a", "start": 0, "duration": 0.1, "channel": 0,
            "speaker": "ada"}  # fmt: skip
    (tmp_path / "recordings.jsonl").write_text(json.dumps(sound) + "\n")
    (tmp_path / "supervisions.jsonl").write_text(json.dumps(said) + "\n")
    with pytest.raises(CorpusError, match="something else than one file"):
        read_corpus(tmp_path)


def test_rows_of_a_pickled_array_belong_to_speakers_ten_by_ten(tmp_path):
    rows = np.arange(20)[:, None] * np.ones((20, 800)) / 100
    rows.astype(np.float32).dump(tmp_path / "train.pkl")
    assert detect_format(tmp_path) == "pickle"
    recordings = read_corpus(tmp_path, options=ReadOptions(rate_hz=8_000))
    assert [r.speaker for r in recordings] == ["train/0"] * 10 + ["train/1"] * 10
    heard = recordings[12].waveform()
    assert len(heard) == 1_600  # 0.1 s at 8 kHz is 0.1 s at 16 kHz
    assert np.median(heard) == pytest.approx(0.12, abs=1e-3)
    with pytest.raises(CorpusError, match="not 7 a speaker"):
        read_corpus(tmp_path, options=ReadOptions(rows_per_speaker=7))


def test_a_stretch_after_the_end_is_an_error_of_that_recording(tmp_path):
    record(tmp_path / "a.wav")
    (tmp_path / "manifest.csv").write_text("path,speaker,start_s\na.wav,ada,3\n")
    (recording,) = read_corpus(tmp_path)
    with pytest.raises(AudioError, match=r"begin at 3\.00 s, but a\.wav has only 1\.00 s"):
        recording.waveform()


def test_an_unknown_format_is_told_with_those_that_are_known(tmp_path):
    with pytest.raises(CorpusError, match="no corpus in a known format"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="There is no format 'sphere'; known are manifest"):
        read_corpus(tmp_path, "sphere")
    with pytest.raises(CorpusError, match=r"There is no .*nowhere"):
        read_corpus(tmp_path / "nowhere")
    assert list(READERS)[-1] == "folders"  # which any other format might look like
