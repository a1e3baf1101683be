import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_pack
from voices import RATE, speak

from voxgate.comparison import compare
from voxgate.decision import Outcome
from voxgate.errors import (
    EnrolmentError,
    PackMismatchError,
    SpeakerNotFoundError,
    UsageError,
)
from voxgate.migration import ParallelVerifier, lacking, re_embed, recordings_folder
from voxgate.packs import load_pack
from voxgate.store import open_store
from voxgate.verify import Verifier

ADA, ALAN, GRACE = 6, 21, 19


@pytest.fixture
def old(tmp_path):
    return load_pack(tiny_pack.write(tmp_path / "old"))


@pytest.fixture
def new(tmp_path):
    """Another pack of the same size, so that mixing them up would not be noticed by itself."""
    folder = tiny_pack.write(tmp_path / "new")
    toml = folder / "pack.toml"
    toml.write_text(toml.read_text().replace('name = "tiny"', 'name = "later"'))
    return load_pack(folder)


@pytest.fixture
def store():
    return open_store("memory:")


@pytest.fixture
def both(store, old, new):
    return ParallelVerifier(store, pack=new, former=old)


@pytest.fixture
def enrolled(store, old):
    verifier = Verifier(store, pack=old)
    for name, voice in (("ada", ADA), ("alan", ALAN)):
        verifier.enrol(name, [speak(voice, 3.0, take) for take in (0, 1)])
    return verifier


# two packs are never compared


def test_embeddings_of_two_packs_are_never_compared(old, new):
    one, other = (Verifier("memory:", pack=pack).embed(speak(ADA, 3.0)) for pack in (old, new))
    for pair in ((one, other), (other, one)):
        for pack in (old, new):
            with pytest.raises(PackMismatchError, match="cannot be compared with"):
                compare(pack, *pair)
    with pytest.raises(PackMismatchError, match="tiny@1 cannot be compared with later@1"):
        compare(new, one, one)
    assert compare(old, one, one).cosine == pytest.approx(1)


def test_a_voiceprint_of_another_pack_is_nobody(enrolled, store, new):
    verifier = Verifier(store, pack=new)
    with pytest.raises(SpeakerNotFoundError, match="later@1"):
        verifier.verify("ada", speak(ADA, 3.0, 2))
    assert verifier.identify(speak(ADA, 3.0, 2)).searched == 0


def test_a_voiceprint_is_not_compared_with_an_embedding_of_another_pack(enrolled, store, new):
    probe = Verifier(store, pack=new).embed(speak(ADA, 3.0, 2))
    with pytest.raises(PackMismatchError):
        compare(new, store.voiceprint("ada", "tiny@1"), probe)


# both packs in use


def test_who_has_no_new_voiceprint_is_judged_by_the_former(enrolled, both):
    decision = both.verify("ada", speak(ADA, 3.0, 2))
    assert (decision.outcome, decision.pack) == (Outcome.ACCEPT, "tiny@1")
    assert both.verify("ada", speak(ALAN, 3.0, 2)).outcome is Outcome.REJECT


def test_the_new_voiceprint_decides_once_it_is_there_and_the_former_stays(enrolled, both, store):
    both.enrol("ada", [speak(ADA, 3.0, 3)])
    assert both.verify("ada", speak(ADA, 3.0, 2)).pack == "later@1"
    assert both.verify("alan", speak(ALAN, 3.0, 2)).pack == "tiny@1"
    assert store.voiceprint("ada", "tiny@1").recordings == 2
    assert store.voiceprint("ada", "later@1").recordings == 1


def test_nobody_of_a_name_is_said_of_the_new_pack(enrolled, both):
    with pytest.raises(SpeakerNotFoundError, match="later@1"):
        both.verify("zoe", speak(ADA, 3.0))


def test_a_search_hears_everybody_once_each_with_the_newest_voiceprint(enrolled, both):
    both.enrol("ada", [speak(ADA, 3.0, 3)])
    both.enrol("grace", [speak(GRACE, 3.0, 0)])
    for name, voice, pack in (
        ("ada", ADA, "later@1"), ("alan", ALAN, "tiny@1"), ("grace", GRACE, "later@1"),
    ):  # fmt: skip
        found = both.identify(speak(voice, 3.0, 2))
        assert (found.best, found.pack, found.searched) == (name, pack, 3)
        assert sorted(one.speaker for one in found.candidates) == ["ada", "alan", "grace"]
        llrs = [one.llr for one in found.candidates]
        assert llrs == sorted(llrs, reverse=True)
    assert len(both.identify(speak(ADA, 3.0, 2), top=1).candidates) == 1


def test_a_search_holds_the_rate_over_all_that_were_searched(enrolled, both):
    both.enrol("ada", [speak(ADA, 3.0, 0), speak(ADA, 3.0, 1)])
    together = both.identify(speak(ADA, 3.0, 2)).candidates[0]
    alone = Verifier(both.store, pack=both.pack).identify(speak(ADA, 3.0, 2)).candidates[0]
    assert together.llr == pytest.approx(alone.llr)
    assert together.threshold > alone.threshold  # of two voices, not of one


def test_a_search_when_everybody_has_a_new_voiceprint_needs_one_pack(enrolled, both):
    for name, voice in (("ada", ADA), ("alan", ALAN)):
        both.enrol(name, [speak(voice, 3.0, 3)])
    assert both.identify(speak(ALAN, 3.0, 2)).best == "alan"


def test_a_search_with_too_little_speech_has_no_answer(enrolled, both):
    noise = np.random.default_rng(0).normal(0, 1e-3, RATE).astype(np.float32)
    assert both.identify(noise).outcome is Outcome.NOT_ENOUGH_SPEECH


def test_a_recording_that_can_be_read_once_is_heard_by_both(enrolled, both):
    both.enrol("ada", [speak(ADA, 3.0, 3)])
    file = io.BytesIO()
    soundfile.write(file, speak(ALAN, 3.0, 2), RATE, format="WAV")
    file.seek(0)
    assert both.identify(file).best == "alan"


def test_new_and_former_must_differ(old):
    with pytest.raises(UsageError, match="both tiny@1"):
        ParallelVerifier("memory:", pack=old, former=old)


def test_both_share_the_store_that_the_url_names(tmp_path, old, new):
    url = f"sqlite:///{tmp_path / 'voices.db'}"
    Verifier(url, pack=old).enrol("ada", [speak(ADA, 3.0)])
    both = ParallelVerifier(url, pack=new, former=old)
    assert both.former.store is both.store
    assert both.verify("ada", speak(ADA, 3.0, 2)).accepted


# enrolling again


def test_who_lacks_a_voiceprint_is_known(enrolled, both, store):
    assert [one.name for one in lacking(store, "later@1")] == ["ada", "alan"]
    both.enrol("ada", [speak(ADA, 3.0, 3)])
    assert [one.name for one in lacking(store, "later@1")] == ["alan"]
    assert lacking(store, "tiny@1") == []


def write(folder, name, voice, take):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    soundfile.write(path, speak(voice, 3.0, take), RATE)
    return path


def test_a_speaker_is_enrolled_again_from_the_recordings_of_then(tmp_path, store, old, new):
    paths = [write(tmp_path / "kept" / "ada", f"{take}.flac", ADA, take) for take in (0, 1)]
    write(tmp_path / "kept" / "ada", "never-enrolled.flac", ALAN, 0)
    Verifier(store, pack=old).enrol("ada", paths)
    enrolment = re_embed(Verifier(store, pack=new), "ada", tmp_path / "kept")
    assert [given.name for given in enrolment.contributions] == ["0.flac", "1.flac"]
    assert store.voiceprint("ada", "later@1").recordings == 2
    assert store.voiceprint("ada", "tiny@1").recordings == 2


def test_without_recordings_nobody_is_enrolled_again(tmp_path, enrolled, store, new):
    with pytest.raises(EnrolmentError, match="None of the 1 recordings that ada"):
        re_embed(Verifier(store, pack=new), "ada", tmp_path)


@pytest.mark.parametrize(
    ("speaker", "folder"),
    [("ada", "ada"), ("Ada L", "Ada L"), ("../x", "%2E.%2Fx"), ("..", "%2E."), ("a/b", "a%2Fb")],
)
def test_the_folder_of_a_speaker_stays_inside(speaker, folder):
    assert recordings_folder(Path("kept"), speaker) == Path("kept") / folder
