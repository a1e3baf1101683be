import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from voxgate.decision import (
    Candidate,
    Decision,
    Failure,
    Identification,
    Match,
    Outcome,
    Ranking,
    Side,
)
from voxgate.errors import AudioError
from voxgate.quality import Quality, QualityWarning
from voxgate.scoring import FalseAcceptRate, StrangerRate

NOISY = QualityWarning("noisy", "The speech is 3 dB above the noise.")
GUESS = QualityWarning("extrapolated", "It is a guess.")
QUALITY = Quality(
    duration_s=3.0,
    speech_s=2.0,
    snr_db=3.0,
    clipped=0.0,
    bandwidth_hz=8000.0,
    level_dbfs=-20.0,
    warnings=(NOISY,),
)
PROBE = Side("b.wav", speech_s=2.0, needed_s=0.5, quality=QUALITY)
DECISION = Decision(
    outcome=Outcome.ACCEPT,
    enrolled=Side("a.wav", speech_s=4.0, needed_s=0.5),
    probe=PROBE,
    policy=FalseAcceptRate(0.01),
    pack="tiny@1",
    score=5.25,
    cosine=0.75,
    llr=7.62,
    threshold=4.58,
    stranger_rate=StrangerRate(0.00049, "about"),
    notes=(GUESS,),
    at=datetime(2026, 5, 4, 12, tzinfo=timezone.utc),
)
LACKING = Decision(
    outcome=Outcome.NOT_ENOUGH_SPEECH,
    enrolled=Side("a.wav", speech_s=0.2, needed_s=0.5),
    probe=PROBE,
    policy=FalseAcceptRate(0.01),
    pack="tiny@1",
)
ADA = Candidate("ada", score=5.0, cosine=0.7, llr=9.21, threshold=6.14, speech_s=20.0)
BOB = Candidate("bob", score=1.0, cosine=0.1, llr=-2.0, threshold=6.14, speech_s=20.0)
FOUND = Identification(
    outcome=Outcome.ACCEPT,
    candidates=(ADA, BOB),
    probe=PROBE,
    policy=FalseAcceptRate(0.01),
    searched=1200,
    pack="tiny@1",
)


def schema(facts):
    """The keys and the types of JSON facts."""
    if isinstance(facts, dict):
        return {key: schema(value) for key, value in facts.items()}
    if isinstance(facts, list):
        return [schema(item) for item in facts]
    return type(facts)


WARNING_KEYS = {"code": str, "message": str}
POLICY_KEYS = {"kind": str, "far": float}
PROBE_KEYS = {
    "name": str,
    "speech_s": float,
    "needed_s": float,
    "recordings": int,
    "quality": {
        "duration_s": float,
        "speech_s": float,
        "snr_db": float,
        "clipped": float,
        "bandwidth_hz": float,
        "level_dbfs": float,
        "warnings": [WARNING_KEYS],
    },
}


def test_a_decision_as_json_has_these_keys():
    facts = json.loads(json.dumps(DECISION.to_dict(), allow_nan=False))
    assert facts == DECISION.to_dict()
    assert schema(facts) == {
        "id": str,
        "outcome": str,
        "accepted": bool,
        "speaker": type(None),
        "llr": float,
        "threshold": float,
        "stranger_rate": {"value": float, "bound": str},
        "score": float,
        "cosine": float,
        "policy": POLICY_KEYS,
        "enrolled": {**PROBE_KEYS, "quality": type(None)},
        "probe": PROBE_KEYS,
        "warnings": [WARNING_KEYS, WARNING_KEYS],
        "pack": str,
        "at": str,
        "sentence": str,
    }
    assert facts["outcome"] == "accept"
    assert facts["at"] == "2026-05-04T12:00:00+00:00"


def test_a_decision_without_enough_speech_has_the_same_keys_and_no_numbers():
    facts = json.loads(json.dumps(LACKING.to_dict(), allow_nan=False))
    assert facts.keys() == DECISION.to_dict().keys()
    assert (facts["outcome"], facts["accepted"]) == ("not_enough_speech", False)
    numbers = ("llr", "threshold", "stranger_rate", "score", "cosine")
    assert [facts[key] for key in numbers] == [None] * 5


def test_the_time_of_a_decision_is_now_in_utc():
    before = datetime.now(timezone.utc)
    made = Decision(LACKING.outcome, LACKING.enrolled, PROBE, LACKING.policy, LACKING.pack)
    assert before <= made.at <= datetime.now(timezone.utc)
    assert made.at.tzinfo is timezone.utc


def test_warnings_are_those_of_both_sides_by_name_and_of_the_comparison():
    loud = replace(DECISION, enrolled=replace(PROBE, name="a.wav"))
    assert [(w.code, w.message.partition(":")[0]) for w in loud.warnings] == [
        ("noisy", "a.wav"),
        ("noisy", "b.wav"),
        ("extrapolated", "It is a guess."),
    ]


@pytest.mark.parametrize(
    ("facts", "start"),
    [
        ({}, "Same voice: "),
        ({"speaker": "ada"}, "Accepted as ada: "),
        ({"outcome": Outcome.REJECT, "llr": 1.0}, "Not accepted as the same voice: "),
        ({"outcome": Outcome.REJECT, "llr": -1.0}, "More likely two voices: "),
        ({"outcome": Outcome.REJECT, "llr": 1.0, "speaker": "ada"}, "Not accepted as ada: "),
        (
            {"outcome": Outcome.REJECT, "llr": -1.0, "speaker": "ada"},
            "More likely another voice than that of ada: ",
        ),
    ],
)
def test_a_sentence_starts_with_the_verdict(facts, start):
    assert replace(DECISION, **facts).sentence().startswith(start)


def test_a_sentence_says_the_grounds():
    assert DECISION.sentence() == (
        "Same voice: about 1 in 2,000 strangers would score this high "
        "(LLR 7.6, threshold 4.6 for a false-accept rate of 1 %)."
    )


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (StrangerRate(0.1, "above"), "more than 1 in 10 strangers"),
        (StrangerRate(0.0001, "below"), "fewer than 1 in 10,000 strangers"),
        (StrangerRate(0.3, "about"), "about 1 in 3 strangers"),
        (StrangerRate(0.0642, "about"), "about 1 in 16 strangers"),
        (StrangerRate(1 / 1234, "about"), "about 1 in 1,200 strangers"),
        (StrangerRate(1 / 99_999, "about"), "about 1 in 100,000 strangers"),
    ],
)
def test_rates_are_said_in_round_numbers_and_no_more_than_was_measured(rate, words):
    assert f": {words} would" in replace(DECISION, stranger_rate=rate).sentence()


def test_too_little_speech_is_said_of_the_side_that_lacks_it():
    assert LACKING.sentence() == (
        "Not enough speech to decide: a.wav has 0.20 s of speech; at least 0.50 s is needed."
    )
    both = replace(LACKING, probe=Side("b.wav", speech_s=0.0, needed_s=0.5))
    assert "a.wav has 0.20 s and b.wav has 0.00 s of speech" in both.sentence()


def test_an_identification_as_json_has_these_keys():
    facts = json.loads(json.dumps(FOUND.to_dict(), allow_nan=False))
    assert facts == FOUND.to_dict()
    candidate = {
        "speaker": str,
        "score": float,
        "cosine": float,
        "llr": float,
        "threshold": float,
        "speech_s": float,
        "extrapolated": bool,
        "accepted": bool,
    }
    assert schema(facts) == {
        "id": str,
        "outcome": str,
        "accepted": bool,
        "best": str,
        "candidates": [candidate, candidate],
        "searched": int,
        "policy": POLICY_KEYS,
        "probe": PROBE_KEYS,
        "warnings": [WARNING_KEYS],
        "pack": str,
        "at": str,
        "sentence": str,
    }
    assert [c["accepted"] for c in facts["candidates"]] == [True, False]


def test_an_identification_names_the_best_or_nobody():
    assert (FOUND.best, FOUND.accepted) == ("ada", True)
    assert FOUND.sentence() == (
        "This is ada: the best of 1,200 enrolled voices (LLR 9.2, threshold 6.1 for "
        "a false-accept rate of 1 % over the whole search)."
    )
    none = replace(FOUND, outcome=Outcome.REJECT, candidates=(BOB,), searched=1)
    assert (none.best, none.accepted, none.to_dict()["best"]) == (None, False, None)
    assert none.sentence() == (
        "None of them: bob is the best of 1 enrolled voice (LLR -2.0, threshold 6.1 for "
        "a false-accept rate of 1 % over the whole search)."
    )


def test_an_identification_among_nobody_says_so():
    nobody = replace(FOUND, outcome=Outcome.REJECT, candidates=(), searched=0)
    assert nobody.sentence() == "None of them: nobody is enrolled with tiny@1 yet."


def test_an_identification_without_enough_speech_says_so():
    lacking = replace(
        FOUND, outcome=Outcome.NOT_ENOUGH_SPEECH, candidates=(), probe=LACKING.enrolled
    )
    assert lacking.sentence() == LACKING.sentence()
    assert lacking.best is None


def test_a_ranking_as_json_has_these_keys():
    ranking = Ranking(
        probe=PROBE,
        matches=(Match("c.wav", score=1.0, cosine=0.5, llr=-1.0, speech_s=2.0, warnings=(NOISY,)),),
        failures=(Failure("d.wav", AudioError("d.wav is a folder.")),),
        pack="tiny@1",
    )
    facts = json.loads(json.dumps(ranking.to_dict(), allow_nan=False))
    assert facts == ranking.to_dict()
    assert schema(facts) == {
        "probe": PROBE_KEYS,
        "matches": [
            {
                "name": str,
                "llr": float,
                "score": float,
                "cosine": float,
                "speech_s": float,
                "warnings": [WARNING_KEYS],
            }
        ],
        "failures": [{"name": str, "message": str}],
        "pack": str,
        "at": str,
    }
