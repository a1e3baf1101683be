import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from voices import RATE, speak

from voxgate.embed import Embedder
from voxgate.errors import EvaluationError, OutputError
from voxgate.evaluate import recalibration as module
from voxgate.evaluate.recalibration import recalibrate
from voxgate.evaluate.repack import write_pack
from voxgate.packs import Pack, load_pack
from voxgate.scoring import Calibration
from voxgate.verify import Verifier

# numbers of voices.py in all of which the detector finds speech
VOICES = (102, 105, 106, 108, 112, 113, 114, 115, 117, 118, 121, 125)
SPEAKERS = len(VOICES)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("people")
    paths: dict[str, list[Path]] = {}
    for voice in VOICES:
        for take in range(3):
            path = folder / f"v{voice}-{take}.flac"
            soundfile.write(path, speak(voice, 2.0, take), RATE)
            paths.setdefault(f"v{voice}", []).append(path)
    return paths


@pytest.fixture(scope="module")
def wrong(pack) -> Pack:
    """The tiny pack with LLRs that are far too high: most strangers look alike to it."""
    calibration = Calibration((4.0, 0.3), (-1.0, -0.6), (0.5, 8.0))
    return replace(pack, decider=pack.decider._replace(calibration=calibration))


@pytest.fixture(scope="module")
def found(wrong, people):
    return recalibrate(wrong, people)


def test_the_calibration_gets_better_on_speakers_it_was_not_fitted_on(found, wrong):
    assert (found.speakers, found.recordings) == (SPEAKERS, 3 * SPEAKERS)
    assert (found.targets, found.strangers) == (SPEAKERS * 3, 36 * 35 // 2 - SPEAKERS * 3)
    assert found.after.cllr < 0.7 * found.before.cllr
    assert found.calibration.offset[0] < wrong.calibration.offset[0] - 1
    assert found.cohort is None


def test_rates_come_with_intervals_that_hold_them(found):
    assert len(found.after.policies) == len(found.before.policies) == 5
    for row in (*found.after.policies, *found.before.policies):
        assert row.false_accept_95.low <= row.false_accept <= row.false_accept_95.high
        assert row.miss_95.low <= row.miss <= row.miss_95.high
        assert row.miss_95.high > 0  # a rate of 0 among twelve speakers promises nothing
    rarer = [row.false_accept for row in found.after.policies[:3]]
    assert rarer == sorted(rarer, reverse=True)


def test_no_pair_is_judged_by_a_fit_that_knew_one_of_its_speakers(wrong, people, monkeypatch):
    known, judged = [], []

    def fit(self, pairs):
        known.append({*pairs.speaker_a, *pairs.speaker_b})
        return wrong.calibration, wrong.false_accepts

    judge = module._judge

    def spy(pairs, *fitted):
        judged.append({*pairs.speaker_a, *pairs.speaker_b})
        return judge(pairs, *fitted)

    monkeypatch.setattr(module._Fit, "__call__", fit)
    monkeypatch.setattr(module, "_judge", spy)
    recalibrate(wrong, people)
    del known[0], judged[-1]  # the fit that is kept, of all; and the pack as it was
    assert len(known) == len(judged) == 15
    for fitted_on, tested_on in zip(known, judged, strict=True):
        assert not fitted_on & tested_on


def test_the_new_pack_decides_anew_and_keeps_enrolled_voices(found, wrong, people, tmp_path):
    new = write_pack(wrong, found, tmp_path / "new")
    assert new.label.startswith("tiny@1+cal.")
    assert new.id == wrong.id == "tiny@1"
    assert new.calibration == found.calibration
    assert new.metrics["own-recordings"]["trials"] == found.targets + found.strangers
    verifier = Verifier("memory:", pack=wrong)
    verifier.enrol("ada", people["v102"][:2])
    decision = Verifier(verifier.store, pack=new).verify("ada", people["v102"][2])
    assert decision.pack == new.label
    assert decision.llr != verifier.verify("ada", people["v102"][2]).llr
    assert decision.cosine == verifier.verify("ada", people["v102"][2]).cosine
    again = write_pack(new, found, tmp_path / "again")
    assert again.label == new.label  # the mark is replaced, and made of the calibration


def test_a_pack_is_written_whole_or_not_at_all(found, wrong, tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="is there already"):
        write_pack(wrong, found, tmp_path)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OutputError, match="cannot be written: full"):
        write_pack(wrong, found, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_too_few_speakers_are_refused_with_their_number(pack, people):
    some = dict(list(people.items())[:9])
    some["alone"] = people["v125"][:1]
    with pytest.raises(EvaluationError, match="two usable recordings or more: 9; at least 10"):
        recalibrate(pack, some)


def test_recordings_without_speech_are_left_out_and_named(pack, people, tmp_path):
    quiet = np.random.default_rng(0).normal(0, 1e-3, RATE).astype(np.float32)
    soundfile.write(tmp_path / "quiet.wav", quiet, RATE)
    with_quiet = {**people, "v102": [*people["v102"], tmp_path / "quiet.wav"]}
    found = recalibrate(pack, with_quiet)
    ((path, message),) = found.failures
    assert path == tmp_path / "quiet.wav"
    assert "of speech" in message
    assert found.recordings == 3 * SPEAKERS


def test_a_new_cohort_is_made_of_other_voices(pack, people, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LEAST_COHORT", 8)
    others = []
    for voice in (200, 201, 202, 203, 205, 206, 207, 208, 209, 210):
        others.append(tmp_path / f"{voice}.flac")
        soundfile.write(others[-1], speak(voice, 1.5), RATE)
    found = recalibrate(pack, people, cohort=others)
    assert found.cohort.shape == (5, pack.dim)
    assert found.before is None
    new = write_pack(pack, found, tmp_path / "new")
    assert new.cohort().embeddings.shape == (5, pack.dim)
    with pytest.raises(EvaluationError, match="4 usable recordings are too few"):
        recalibrate(pack, people, cohort=others[:4])
    bare = replace(pack, decider=None)
    assert recalibrate(bare, people, cohort=others).calibration == found.calibration
    with pytest.raises(EvaluationError, match=r"tiny@1 has no cohort .* with --cohort"):
        recalibrate(bare, people)


def test_what_there_is_too_much_of_is_left_out_evenly(monkeypatch):
    monkeypatch.setattr(module, "MOST_RECORDINGS", 8)
    paths = {name: [Path(f"{name}{i}") for i in range(9)] for name in "abc"}
    paths["d"] = [Path("d0")]
    chosen = module._chosen(paths, seed=0)
    count = {name: sum(speaker == name for speaker, _ in chosen) for name in "abcd"}
    assert sorted(count.values()) == [1, 2, 2, 3]  # two of each before more of one


def test_a_zipped_pack_can_be_calibrated(found, pack, tmp_path):
    shutil.make_archive(str(tmp_path / "tiny"), "zip", pack.path)
    new = write_pack(load_pack(tmp_path / "tiny.zip"), found, tmp_path / "new")
    assert Embedder(new).embed_waveform(speak(1, 1.0)).shape == (pack.dim,)
