import json
import math

import numpy as np
import pytest
import tiny_pack

from voxgate.embed import Embedding
from voxgate.enrolment import GOOD_ENROLMENT_S, OTHER_VOICE_LLR, Contribution, Enrolment, assess
from voxgate.errors import (
    AnotherVoiceError,
    EnrolmentError,
    TooLittleSpeechError,
    UnreadableAudioError,
)
from voxgate.packs import load_pack
from voxgate.quality import Quality, QualityWarning

QUALITY = Quality(3.0, 2.0, 30.0, 0.0, 8000.0, -20.0)
NOISY = QualityWarning("noisy", "It is noisy.")


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("tiny")))


def embedding(name, voice, take=0, speech_s=4.0):
    """A made-up embedding: voices are at right angles, takes of one a little apart."""
    vector = np.eye(24)[voice] + np.random.default_rng([voice, take]).normal(0, 0.06, size=24)
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return Embedding(unit, speech_s, QUALITY, (), "tiny@1", name)


def heard(*embeddings):
    return [(e.name, e) for e in embeddings]


def outcomes(contributions):
    return {c.name: c.outcome for c in contributions}


def test_the_bound_for_another_voice_follows_from_its_prior_and_costs():
    assert pytest.approx(math.log(4 * 0.05 / 0.95)) == OTHER_VOICE_LLR


def test_recordings_of_one_voice_are_all_used_and_weigh_by_their_speech(pack):
    contributions, samples = assess(
        pack, heard(embedding("a", 1, 1, speech_s=3.0), embedding("b", 1, 2, speech_s=1.0))
    )
    assert outcomes(contributions) == {"a": "used", "b": "used"}
    assert [c.weight for c in contributions] == [0.75, 0.25]
    assert [c.message for c in contributions] == [
        "a: 3.0 s of speech, 75 % of the voiceprint.",
        "b: 1.0 s of speech, 25 % of the voiceprint.",
    ]
    assert [(s.name, s.speech_s) for s in samples] == [("a", 3.0), ("b", 1.0)]
    assert samples[0].quality == QUALITY.to_dict()


def test_agreement_is_with_the_rest_and_does_not_count_the_recording_itself(pack):
    a, b, c = (embedding(name, 1, take) for take, name in enumerate("abc"))
    contributions, _ = assess(pack, heard(a, b, c))
    rest = a.vector + b.vector
    expected = c.vector @ rest / np.linalg.norm(rest)
    assert contributions[2].agreement == pytest.approx(expected, abs=1e-5)


def test_a_single_recording_has_nothing_to_agree_with(pack):
    contributions, samples = assess(pack, heard(embedding("a", 1)))
    assert (contributions[0].agreement, contributions[0].llr) == (None, None)
    assert (contributions[0].weight, len(samples)) == (1.0, 1)


@pytest.mark.parametrize("odd", [0, 1, 2, 3])
def test_an_outlier_is_left_out_wherever_it_stands(pack, odd):
    voices = [embedding(f"{i}", 2 if i == odd else 1, take=i) for i in range(4)]
    contributions, samples = assess(pack, heard(*voices))
    assert [c.used for c in contributions] == [i != odd for i in range(4)]
    assert contributions[odd].outcome == "other_voice"
    assert contributions[odd].llr < OTHER_VOICE_LLR
    assert f"{odd} sounds like another voice (LLR" in contributions[odd].message
    assert sum(c.weight for c in contributions) == pytest.approx(1)
    assert str(odd) not in [sample.name for sample in samples]


def test_two_outliers_of_one_other_voice_do_not_help_each_other(pack):
    voices = [embedding(f"{i}", 2 if i < 2 else 1, take=i) for i in range(5)]
    contributions, _ = assess(pack, heard(*voices))
    assert [c.used for c in contributions] == [False, False, True, True, True]


@pytest.mark.parametrize("voices", [(1, 2), (1, 2, 3), (1, 1, 2, 2)])
def test_without_a_majority_none_is_enrolled_and_all_are_named(pack, voices):
    given = [embedding(f"{i}.wav", voice, take=i) for i, voice in enumerate(voices)]
    with pytest.raises(AnotherVoiceError, match="do not sound like one voice") as caught:
        assess(pack, heard(*given))
    assert all(f"{e.name} (LLR " in str(caught.value) for e in given)


def test_additions_must_be_of_the_voice_that_is_there(pack):
    _, existing = assess(pack, heard(embedding("a", 1, 1), embedding("b", 1, 2)))
    contributions, samples = assess(
        pack, heard(embedding("c", 1, 3, speech_s=2.0), embedding("d", 2, 4)), existing
    )
    assert outcomes(contributions) == {"c": "used", "d": "other_voice"}
    assert contributions[0].weight == pytest.approx(2 / 10)  # of the whole voiceprint
    assert [sample.name for sample in samples] == ["c"]


def test_an_addition_of_another_voice_alone_is_an_error(pack):
    _, existing = assess(pack, heard(embedding("a", 1, 1)))
    with pytest.raises(AnotherVoiceError, match=r"Not the voice that is enrolled already: d \(LLR"):
        assess(pack, heard(embedding("d", 2)), existing)


def test_a_copy_is_not_counted_twice(pack):
    contributions, samples = assess(
        pack, heard(embedding("a", 1, 1), embedding("copy", 1, 1), embedding("b", 1, 2))
    )
    assert outcomes(contributions) == {"a": "used", "copy": "duplicate", "b": "used"}
    assert contributions[1].message == "copy is the same sound as a, so it is not counted twice."
    assert (contributions[1].weight, contributions[1].speech_s) == (0, 4.0)
    assert len(samples) == 2


def test_a_copy_of_what_is_enrolled_already_is_not_counted_twice(pack):
    _, existing = assess(pack, heard(embedding("a", 1, 1)))
    contributions, samples = assess(
        pack, heard(embedding("copy", 1, 1), embedding("b", 1, 2)), existing
    )
    assert outcomes(contributions) == {"copy": "duplicate", "b": "used"}
    assert len(samples) == 1
    with pytest.raises(EnrolmentError, match="copy is the same sound as a"):
        assess(pack, heard(embedding("copy", 1, 1)), existing)


def test_what_could_not_be_heard_is_said_and_the_rest_is_used(pack):
    contributions, samples = assess(
        pack,
        [
            ("short.wav", TooLittleSpeechError("short.wav", 0.2, 0.5)),
            ("a", embedding("a", 1)),
            ("text.wav", UnreadableAudioError("text.wav holds no sound.")),
        ],
    )
    assert outcomes(contributions) == {
        "short.wav": "too_little_speech",
        "a": "used",
        "text.wav": "unreadable",
    }
    assert contributions[0].speech_s == 0.2
    assert "at least 0.50 s" in contributions[0].message
    assert contributions[2].message == "text.wav holds no sound."
    assert len(samples) == 1


def test_with_nothing_to_use_all_reasons_are_given(pack):
    with pytest.raises(
        EnrolmentError, match=r"short.wav: found 0.20 s.* text.wav holds no"
    ) as found:
        assess(
            pack,
            [
                ("short.wav", TooLittleSpeechError("short.wav", 0.2, 0.5)),
                ("text.wav", UnreadableAudioError("text.wav holds no sound.")),
            ],
        )
    assert not isinstance(found.value, AnotherVoiceError)


def enrolment(**facts):
    loud = Quality(3.0, 2.0, 3.0, 0.0, 8000.0, -20.0, (NOISY,))
    contributions = (
        Contribution("a.wav", "used", "a.wav: fine.", 4.0, 1.0, 0.9, 5.0, loud),
        Contribution("b.wav", "other_voice", "b.wav: no.", 4.0, 0.0, 0.1, -9.0, loud),
        Contribution("c.wav", "unreadable", "c.wav: no."),
    )
    return Enrolment(
        **{
            "speaker": "ada",
            "pack": "tiny@1",
            "contributions": contributions,
            "recordings": 2,
            "speech_s": 24.0,
            **facts,
        }
    )


def test_an_enrolment_warns_of_what_it_used():
    assert enrolment().warnings == (QualityWarning("noisy", "a.wav: It is noisy."),)


def test_an_enrolment_with_little_speech_warns():
    assert enrolment(speech_s=GOOD_ENROLMENT_S).warnings == enrolment().warnings
    short = enrolment(speech_s=7.25).warnings[-1]
    assert short.code == "short_enrolment"
    assert "7.2 s of speech; 20 s or more" in short.message


def test_an_enrolment_says_what_came_of_it():
    assert enrolment().sentence() == (
        "Enrolled ada with 1 of 3 recordings: 24.0 s of speech from 2 recordings in all."
    )


def test_an_enrolment_as_json_has_these_keys():
    facts = json.loads(json.dumps(enrolment().to_dict(), allow_nan=False))
    assert facts == enrolment().to_dict()
    assert list(facts) == [
        "speaker",
        "pack",
        "contributions",
        "recordings",
        "speech_s",
        "warnings",
        "sentence",
    ]
    for contribution in facts["contributions"]:
        assert list(contribution) == [
            "name",
            "outcome",
            "message",
            "speech_s",
            "weight",
            "agreement",
            "llr",
            "quality",
        ]
