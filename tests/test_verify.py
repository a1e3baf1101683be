import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import tiny_pack
from voices import RATE, speak

from voxgate.audio import load, name_of
from voxgate.consent import find_consent
from voxgate.decision import Outcome
from voxgate.embed import Embedder
from voxgate.errors import (
    AnotherVoiceError,
    AudioError,
    AudioFileNotFoundError,
    EnrolmentError,
    PackError,
    PackMismatchError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    TooLittleSpeechError,
    UnreadableAudioError,
    UsageError,
)
from voxgate.packs import load_pack
from voxgate.quality import Quality
from voxgate.scoring import Costs, FalseAcceptRate
from voxgate.store import open_store
from voxgate.vad import Segment
from voxgate.verify import Verifier

ADA, BOB, EVE = 0, 3, 8  # synthetic voices that the tiny pack tells apart
NAMES = {ADA: "ada", BOB: "bob", EVE: "eve"}


class AllSpeech:
    """Reads a recording as if all of it were speech: the detector is for real voices."""

    def __init__(self, source, max_s=None):
        self._waveform, self.name = load(source, max_s=max_s), name_of(source)
        speech_s = len(self._waveform) / RATE
        self.segments = (Segment(0.0, speech_s),)
        self.quality = Quality(speech_s, speech_s, 30.0, 0.0, 8000.0, -20.0)

    def __iter__(self):
        return iter(np.array_split(self._waveform, 3))

    def close(self):
        pass


@pytest.fixture(autouse=True)
def all_is_speech(monkeypatch):
    monkeypatch.setattr("voxgate.embed.read_speech", AllSpeech)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings <name>-<take>.wav of 2 s, and short.wav of 0.3 s."""
    folder = tmp_path_factory.mktemp("recordings")
    for voice, name in NAMES.items():
        for take in range(3):
            sf.write(folder / f"{name}-{take}.wav", speak(voice, 2.0, take), RATE)
    sf.write(folder / "short.wav", speak(ADA, 0.3), RATE)
    (folder / "text.wav").write_text("no sound")
    return folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def verifier(pack):
    return Verifier("memory:", pack=pack)


@pytest.fixture
def enrolled(verifier, folder):
    """A verifier that knows ada and bob, two recordings each."""
    for name in ("ada", "bob"):
        verifier.enrol(name, [folder / f"{name}-0.wav", folder / f"{name}-1.wav"])
    return verifier


# compare


def test_two_recordings_of_one_voice_are_accepted(verifier, folder):
    decision = verifier.compare(folder / "ada-0.wav", folder / "ada-1.wav")
    assert decision.outcome is Outcome.ACCEPT
    assert decision.accepted
    assert decision.llr >= decision.threshold
    assert (decision.enrolled.name, decision.probe.name) == ("ada-0.wav", "ada-1.wav")
    assert decision.enrolled.speech_s == decision.probe.speech_s == 2.0
    assert (decision.pack, decision.speaker, decision.warnings) == ("tiny@1", None, ())


def test_two_voices_are_rejected(verifier, folder):
    decision = verifier.compare(folder / "ada-0.wav", folder / "bob-0.wav")
    assert decision.outcome is Outcome.REJECT
    assert decision.llr < 0 < decision.threshold
    assert decision.stranger_rate == (0.1, "above")


def test_the_numbers_of_a_decision_are_those_of_the_pack(verifier, pack, folder):
    a, b = (verifier.embed(folder / f"ada-{take}.wav") for take in (0, 1))
    decision = verifier.compare(folder / "ada-0.wav", folder / "ada-1.wav")
    score = pack.cohort().as_norm(a.vector[None], b.vector[None])[0, 0]
    assert decision.cosine == pytest.approx(a.vector @ b.vector, abs=1e-6)
    assert decision.score == pytest.approx(score)
    assert decision.llr == pytest.approx(float(pack.calibration.llr(score, 2, 2)))
    assert decision.threshold == pack.false_accepts.threshold(0.01, 2, 2).llr
    assert decision.stranger_rate == pack.false_accepts.stranger_rate(decision.llr, 2, 2)


def test_the_order_of_the_recordings_does_not_matter(verifier, folder):
    there = verifier.compare(folder / "ada-0.wav", folder / "eve-0.wav")
    back = verifier.compare(folder / "eve-0.wav", folder / "ada-0.wav")
    assert there.llr == pytest.approx(back.llr, abs=1e-4)
    assert there.threshold == back.threshold


def test_the_policy_of_the_call_goes_before_that_of_the_verifier(pack, folder):
    verifier = Verifier("memory:", pack=pack, policy=Costs(prior=0.5))
    recordings = folder / "ada-0.wav", folder / "ada-1.wav"
    assert verifier.compare(*recordings).threshold == 0
    strict = verifier.compare(*recordings, policy=FalseAcceptRate(1e-30))
    assert strict.outcome is Outcome.REJECT
    assert strict.policy == FalseAcceptRate(1e-30)


def test_an_llr_at_the_threshold_is_accepted(verifier, folder):
    class Exactly(Costs):
        def threshold(self, *_args, **_kwargs):
            return FalseAcceptRate().threshold(verifier.pack.false_accepts, 1, 1)._replace(llr=llr)

    recordings = folder / "ada-0.wav", folder / "ada-1.wav"
    llr = verifier.compare(*recordings).llr
    assert verifier.compare(*recordings, policy=Exactly()).accepted


def test_a_threshold_beyond_what_was_measured_is_marked(verifier, folder):
    recordings = folder / "ada-0.wav", folder / "ada-1.wav"
    decision = verifier.compare(*recordings, policy=FalseAcceptRate(1e-6))
    assert [warning.code for warning in decision.warnings] == ["extrapolated"]
    assert "0.0001 %" in decision.warnings[0].message


def test_a_recording_compared_with_itself_is_accepted_but_marked(verifier, folder):
    decision = verifier.compare(folder / "ada-0.wav", folder / "ada-0.wav")
    assert decision.accepted
    assert [warning.code for warning in decision.warnings] == ["same_sound"]


@pytest.mark.parametrize("short_first", [True, False])
def test_too_little_speech_on_one_side_is_an_outcome_that_names_it(verifier, folder, short_first):
    sides = [folder / "short.wav", folder / "ada-0.wav"]
    decision = verifier.compare(*(sides if short_first else sides[::-1]))
    assert decision.outcome is Outcome.NOT_ENOUGH_SPEECH
    assert (decision.llr, decision.accepted) == (None, False)
    short = decision.enrolled if short_first else decision.probe
    assert (short.name, short.enough, short.needed_s) == ("short.wav", False, 0.5)
    assert short.speech_s == pytest.approx(0.3, abs=0.01)
    assert decision.sentence() == (
        "Not enough speech to decide: short.wav has 0.30 s of speech; at least 0.50 s is needed."
    )


def test_what_cannot_be_read_is_raised(verifier, folder):
    with pytest.raises(UnreadableAudioError, match=r"text.wav"):
        verifier.compare(folder / "text.wav", folder / "ada-0.wav")
    with pytest.raises(AudioFileNotFoundError, match=r"nowhere.wav"):
        verifier.compare(folder / "ada-0.wav", folder / "nowhere.wav")


def test_every_recording_is_compared_with_every_other_as_if_alone(verifier, folder):
    recordings = [folder / "ada-0.wav", folder / "ada-1.wav", folder / "bob-0.wav"]
    together = verifier.compare_all(recordings)
    alone = [verifier.compare(recordings[a], recordings[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [found.llr for found in together] == [found.llr for found in alone]
    assert [found.accepted for found in together] == [True, False, False]
    assert [found.probe.name for found in together] == ["ada-1.wav", "bob-0.wav", "bob-0.wav"]


def test_one_recording_cannot_be_compared_with_every_other(verifier, folder):
    with pytest.raises(UsageError, match="two or more"):
        verifier.compare_all([folder / "ada-0.wav"])


def test_comparing_needs_no_store(pack, folder):
    verifier = Verifier("nonsense:", pack=pack)
    assert verifier.compare(folder / "ada-0.wav", folder / "ada-1.wav").accepted


# enrol


def test_assessing_says_what_enrolling_would_and_stores_nothing(verifier, folder):
    recordings = [folder / name for name in ("ada-0.wav", "ada-1.wav", "text.wav")]
    assessed = verifier.assess(recordings)
    assert verifier.store.speakers() == []
    assert assessed == verifier.enrol("ada", recordings).contributions


def test_consent_is_recorded_with_the_enrolment_and_not_without(verifier, folder):
    verifier.enrol("ada", [folder / "ada-0.wav"], consent="I agree.")
    verifier.enrol("bob", [folder / "bob-0.wav"])
    assert find_consent(verifier.store, "ada").statement == "I agree."
    assert find_consent(verifier.store, "bob") is None


def test_consent_to_an_enrolment_that_failed_is_not_recorded(enrolled, folder):
    with pytest.raises(SpeakerExistsError):
        enrolled.enrol("ada", [folder / "ada-2.wav"], consent="I agree.")
    assert find_consent(enrolled.store, "ada") is None


def test_enrolling_says_what_each_recording_contributed(verifier, folder):
    names = ["ada-0.wav", "short.wav", "ada-1.wav", "bob-0.wav", "text.wav", "ada-2.wav"]
    enrolment = verifier.enrol("ada", [folder / name for name in names])
    assert [(c.name, c.outcome) for c in enrolment.contributions] == [
        ("ada-0.wav", "used"),
        ("short.wav", "too_little_speech"),
        ("ada-1.wav", "used"),
        ("bob-0.wav", "other_voice"),
        ("text.wav", "unreadable"),
        ("ada-2.wav", "used"),
    ]
    assert (enrolment.speaker, enrolment.pack) == ("ada", "tiny@1")
    assert (enrolment.recordings, enrolment.speech_s) == (3, 6.0)
    assert [s.name for s in verifier.store.samples("ada", "tiny@1")] == [
        "ada-0.wav",
        "ada-1.wav",
        "ada-2.wav",
    ]


def test_nobody_is_enrolled_twice_unless_it_is_asked_for(enrolled, folder, monkeypatch):
    monkeypatch.setattr(enrolled, "embed", None)  # refused before the work
    with pytest.raises(SpeakerExistsError, match="ada"):
        enrolled.enrol("ada", [folder / "ada-2.wav"])


def test_adding_counts_what_was_there(enrolled, folder):
    enrolment = enrolled.enrol("ada", [folder / "ada-2.wav", folder / "bob-2.wav"], mode="add")
    assert [c.outcome for c in enrolment.contributions] == ["used", "other_voice"]
    assert (enrolment.recordings, enrolment.speech_s) == (3, 6.0)
    assert enrolment.contributions[0].weight == pytest.approx(1 / 3)


def test_adding_another_voice_is_refused_and_changes_nothing(enrolled, folder):
    before = enrolled.store.voiceprint("ada", "tiny@1")
    with pytest.raises(AnotherVoiceError, match=r"bob-2.wav"):
        enrolled.enrol("ada", [folder / "bob-2.wav"], mode="add")
    after = enrolled.store.voiceprint("ada", "tiny@1")
    assert (after.recordings, after.vector.tolist()) == (2, before.vector.tolist())


def test_adding_to_nobody_is_refused_before_the_work(verifier, folder, monkeypatch):
    monkeypatch.setattr(verifier, "embed", None)
    with pytest.raises(SpeakerNotFoundError, match="ada"):
        verifier.enrol("ada", [folder / "ada-0.wav"], mode="add")


def test_replacing_may_change_the_voice(enrolled, folder):
    enrolment = enrolled.enrol("ada", [folder / "eve-0.wav"], mode="replace")
    assert (enrolment.recordings, enrolment.speech_s) == (1, 2.0)
    assert enrolled.verify("ada", folder / "eve-1.wav").accepted


def test_recordings_of_two_voices_are_refused(verifier, folder):
    with pytest.raises(AnotherVoiceError, match=r"ada-0.wav .* bob-0.wav"):
        verifier.enrol("ada", [folder / "ada-0.wav", folder / "bob-0.wav"])
    assert verifier.store.speakers() == []


def test_nothing_fit_to_enrol_is_an_error(verifier, folder):
    with pytest.raises(EnrolmentError, match=r"short.wav: found 0.30 s .* text.wav"):
        verifier.enrol("ada", [folder / "short.wav", folder / "text.wav"])


@pytest.mark.parametrize("recordings", [[], "ada.wav", b"RIFF", Path("ada.wav"), np.zeros(9)])
def test_a_list_of_recordings_is_wanted(verifier, recordings):
    with pytest.raises(UsageError, match="list of one or more recordings of ada"):
        verifier.enrol("ada", recordings)


def test_an_unknown_mode_is_refused_before_the_work(verifier, folder, monkeypatch):
    monkeypatch.setattr(verifier, "embed", None)
    with pytest.raises(UsageError, match="'append'"):
        verifier.enrol("ada", [folder / "ada-0.wav"], mode="append")


# verify


def test_a_true_claim_is_accepted_and_a_false_one_rejected(enrolled, folder):
    true = enrolled.verify("ada", folder / "ada-2.wav")
    false = enrolled.verify("ada", folder / "bob-2.wav")
    assert (true.outcome, false.outcome) == (Outcome.ACCEPT, Outcome.REJECT)
    assert (true.speaker, true.enrolled.name) == ("ada", "ada")
    assert (true.enrolled.recordings, true.enrolled.speech_s) == (2, 4.0)
    assert true.enrolled.quality is None
    assert true.threshold == enrolled.pack.false_accepts.threshold(0.01, 4, 2).llr


def test_a_claim_to_be_nobody_known_is_an_error_with_near_names(enrolled, folder):
    with pytest.raises(SpeakerNotFoundError, match=r"'adah'.*'ada'"):
        enrolled.verify("adah", folder / "ada-2.wav")


def test_a_claim_with_too_little_speech_is_an_outcome(enrolled, folder):
    decision = enrolled.verify("ada", folder / "short.wav")
    assert decision.outcome is Outcome.NOT_ENOUGH_SPEECH
    assert decision.speaker == "ada"


def test_voiceprints_of_another_pack_are_never_compared(enrolled, folder, tmp_path):
    other = tiny_pack.write(tmp_path / "other")
    toml = other / "pack.toml"
    toml.write_text(toml.read_text().replace('version = "1"', 'version = "2"'))
    verifier = Verifier(enrolled.store, pack=other)
    with pytest.raises(SpeakerNotFoundError, match="tiny@2"):
        verifier.verify("ada", folder / "ada-2.wav")
    assert verifier.identify(folder / "ada-2.wav").searched == 0


# identify


def test_the_speaker_is_found_among_the_enrolled(enrolled, folder):
    found = enrolled.identify(folder / "bob-2.wav")
    assert (found.outcome, found.best) == (Outcome.ACCEPT, "bob")
    assert [candidate.speaker for candidate in found.candidates] == ["bob", "ada"]
    assert (found.searched, found.pack, found.probe.name) == (2, "tiny@1", "bob-2.wav")


def test_only_those_who_are_named_are_searched(enrolled, folder):
    probe = folder / "bob-2.wav"
    found = enrolled.identify(probe, among=[" ada ", "nobody"])
    assert ([one.speaker for one in found.candidates], found.searched) == (["ada"], 1)
    assert found.best is None
    alone = enrolled.identify(probe, among=["bob"]).candidates[0]
    among_two = enrolled.identify(probe).candidates[0]
    assert (alone.speaker, alone.llr) == ("bob", among_two.llr)
    assert alone.threshold < among_two.threshold  # fewer strangers have a chance
    assert enrolled.identify(probe, among=[]).searched == 0


def test_a_stranger_is_none_of_them(enrolled, folder):
    found = enrolled.identify(folder / "eve-0.wav")
    assert (found.outcome, found.best) == (Outcome.REJECT, None)
    assert len(found.candidates) == 2


def test_a_candidate_has_the_numbers_of_the_claim(enrolled, folder):
    candidate = enrolled.identify(folder / "ada-2.wav").candidates[0]
    claim = enrolled.verify("ada", folder / "ada-2.wav")
    assert candidate.llr == pytest.approx(claim.llr, abs=1e-4)
    assert candidate.score == pytest.approx(claim.score, abs=1e-4)
    assert candidate.cosine == pytest.approx(claim.cosine, abs=1e-5)
    assert candidate.speech_s == 4.0


def test_the_policy_holds_for_the_whole_search(enrolled, folder):
    candidate = enrolled.identify(folder / "ada-2.wav").candidates[0]
    table = enrolled.pack.false_accepts
    assert candidate.threshold == FalseAcceptRate(0.01).threshold(table, 4, 2, candidates=2).llr
    assert candidate.threshold > enrolled.verify("ada", folder / "ada-2.wav").threshold
    lax = enrolled.identify(folder / "eve-0.wav", policy=Costs(prior=1 - 1e-15))
    assert lax.best is not None
    assert lax.policy == Costs(prior=1 - 1e-15)


def test_no_more_candidates_are_listed_than_asked_for(enrolled, folder):
    found = enrolled.identify(folder / "bob-2.wav", top=1)
    assert [candidate.speaker for candidate in found.candidates] == ["bob"]
    assert found.searched == 2
    with pytest.raises(UsageError, match="top=0"):
        enrolled.identify(folder / "bob-2.wav", top=0)


def test_among_nobody_it_is_none(verifier, folder):
    found = verifier.identify(folder / "ada-0.wav")
    assert (found.outcome, found.best, found.candidates) == (Outcome.REJECT, None, ())


def test_too_little_speech_to_identify_is_an_outcome(enrolled, folder):
    found = enrolled.identify(folder / "short.wav")
    assert (found.outcome, found.candidates) == (Outcome.NOT_ENOUGH_SPEECH, ())
    assert found.sentence().startswith("Not enough speech to decide: short.wav has 0.30 s")


def test_an_extrapolated_search_is_marked(enrolled, folder):
    found = enrolled.identify(folder / "ada-2.wav", policy=FalseAcceptRate(1e-6))
    assert [warning.code for warning in found.warnings] == ["extrapolated"]
    assert enrolled.identify(folder / "ada-2.wav").warnings == ()


def test_the_voices_are_read_again_only_when_the_store_has_changed(
    enrolled, folder, pack, monkeypatch
):
    reads = []
    voiceprints = enrolled.store.voiceprints
    monkeypatch.setattr(
        enrolled.store, "voiceprints", lambda pack: reads.append(pack) or voiceprints(pack)
    )
    enrolled.identify(folder / "eve-0.wav")
    enrolled.identify(folder / "eve-1.wav")
    assert reads == ["tiny@1"]
    other = Verifier(enrolled.store, pack=pack)
    other.enrol("eve", [folder / "eve-0.wav", folder / "eve-1.wav"])
    assert enrolled.identify(folder / "eve-2.wav").best == "eve"
    enrolled.store.delete("eve")
    assert enrolled.identify(folder / "eve-2.wav").best is None
    assert len(reads) == 3


# closest


def test_recordings_are_ranked_by_how_much_they_sound_like_the_probe(verifier, folder):
    names = ["bob-0.wav", "ada-1.wav", "eve-0.wav", "ada-2.wav"]
    ranking = verifier.closest(folder / "ada-0.wav", (folder / name for name in names))
    nearest = {match.name for match in ranking.matches[:2]}
    assert nearest == {str(folder / "ada-1.wav"), str(folder / "ada-2.wav")}
    llrs = [match.llr for match in ranking.matches]
    assert llrs == sorted(llrs, reverse=True)
    assert (ranking.probe.name, ranking.pack, ranking.failures) == ("ada-0.wav", "tiny@1", ())
    first = verifier.compare(ranking.matches[0].name, folder / "ada-0.wav")
    assert ranking.matches[0].llr == pytest.approx(first.llr, abs=1e-4)


def test_what_cannot_be_compared_does_not_stop_the_rest(verifier, folder):
    names = ["text.wav", "ada-1.wav", "short.wav", "nowhere.wav", "bob-0.wav"]
    ranking = verifier.closest(folder / "ada-0.wav", [folder / name for name in names])
    assert [match.name for match in ranking.matches] == [
        str(folder / name) for name in ("ada-1.wav", "bob-0.wav")
    ]
    assert [failure.name for failure in ranking.failures] == [
        str(folder / name) for name in ("text.wav", "short.wav", "nowhere.wav")
    ]
    assert [type(failure.error) for failure in ranking.failures] == [
        UnreadableAudioError,
        TooLittleSpeechError,
        AudioFileNotFoundError,
    ]


def test_a_probe_that_cannot_be_used_is_raised(verifier, folder):
    with pytest.raises(TooLittleSpeechError, match=r"short.wav"):
        verifier.closest(folder / "short.wav", [])
    with pytest.raises(AudioError):
        verifier.closest(folder / "text.wav", [])


# tools


def test_a_pack_is_given_by_path_or_as_it_is(pack):
    assert Verifier("memory:", pack=pack.path).pack.id == "tiny@1"
    assert Verifier("memory:", pack=pack).pack is pack
    with pytest.raises(PackError):
        Verifier("memory:", pack=pack.path / "nowhere")


def test_a_store_is_given_by_url_or_as_it_is(pack, tmp_path, monkeypatch):
    store = open_store("memory:")
    assert Verifier(store, pack=pack).store is store
    url = f"sqlite:///{tmp_path / 'voices.db'}"
    monkeypatch.setenv("VOXGATE_STORE", url)
    verifier = Verifier(pack=pack)
    assert not (tmp_path / "voices.db").exists()  # opened only when needed
    assert verifier.store.speakers() == []
    assert (tmp_path / "voices.db").exists()
    verifier.store.close()


def test_an_embedder_is_used_as_it_is_given(pack, folder):
    heard = []

    class Listening:
        def embed(self, source):
            heard.append(source)
            return Embedder(pack).embed(source)

    probe = folder / "ada-0.wav"
    Verifier("memory:", pack=pack, embedder=Listening()).embed(probe)
    assert heard == [probe]


def test_what_was_heard_already_is_not_heard_again(pack, folder, monkeypatch):
    verifier = Verifier("memory:", pack=pack)
    enrolled, probe = (verifier.embed(folder / f"ada-{take}.wav") for take in (0, 1))
    monkeypatch.setattr(Embedder, "embed", None)
    contribution = verifier.enrol("ada", [enrolled]).contributions[0]
    assert (contribution.name, contribution.used) == ("ada-0.wav", True)
    assert verifier.verify("ada", probe).accepted
    assert verifier.identify(probe).best == "ada"
    assert verifier.compare(enrolled, probe).probe.name == "ada-1.wav"


def test_what_was_heard_with_another_pack_is_refused(pack, folder):
    verifier = Verifier("memory:", pack=pack)
    foreign = replace(verifier.embed(folder / "ada-0.wav"), pack="other@1")
    with pytest.raises(PackMismatchError, match="other@1 cannot be compared with tiny@1"):
        verifier.compare(foreign, folder / "ada-1.wav")


def test_a_damaged_model_is_found_before_it_is_used(pack, folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(pack.path, copy)
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(PackError, match="SHA-256"):
        Verifier("memory:", pack=copy).embed(folder / "ada-0.wav")
