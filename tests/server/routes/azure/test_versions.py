import json
import math
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.versions import (
    NOBODY,
    V2,
    V2021,
    Profile,
    identification,
    recognition,
    score,
)

ID = "49a36324-fc4b-4387-aa06-090cfbf0064f"
AT = datetime(2015, 4, 23, 18, 25, 43, 410_000, timezone.utc)
NEW = Profile(ID, "en-US", AT, AT)
HALF_WAY = replace(NEW, recordings=1, audio_s=12.0, speech_s=9.876, model="tiny@1")


def test_a_new_profile_is_as_version_2021_09_05_documents_it():
    assert V2021.profile(NEW) == {
        "profileId": ID,
        "locale": "en-US",
        "profileStatus": "Active",
        "enrollmentStatus": "Enrolling",
        "createdDateTime": "2015-04-23T18:25:43.410Z",
        "lastUpdatedDateTime": "2015-04-23T18:25:43.410Z",
        "enrollmentsCount": 0,
        "enrollmentsLengthInSec": 0,
        "enrollmentsSpeechLengthInSec": 0,
        "remainingEnrollmentsSpeechLengthInSec": 20,
        "modelVersion": None,
    }


def test_version_2_names_no_unit_and_has_no_profile_status():
    assert V2.profile(HALF_WAY) == {
        "profileId": ID,
        "locale": "en-US",
        "enrollmentStatus": "Enrolling",
        "createdDateTime": "2015-04-23T18:25:43.410Z",
        "lastUpdatedDateTime": "2015-04-23T18:25:43.410Z",
        "enrollmentsCount": 1,
        "enrollmentsLength": 12.0,
        "enrollmentsSpeechLength": 9.88,
        "remainingEnrollmentsSpeechLength": 10.13,
        "modelVersion": "tiny@1",
    }


def test_an_enrolment_says_what_the_recording_was_and_what_is_lacking():
    assert V2021.enrolment(HALF_WAY, 12.0, 9.876) == {
        "profileId": ID,
        "enrollmentStatus": "Enrolling",
        "enrollmentsCount": 1,
        "enrollmentsLengthInSec": 12.0,
        "enrollmentsSpeechLengthInSec": 9.88,
        "remainingEnrollmentsSpeechLengthInSec": 10.13,
        "audioLengthInSec": 12.0,
        "audioSpeechLengthInSec": 9.88,
    }


@pytest.mark.parametrize(
    ("facts", "enrolled", "remaining_s"),
    [
        ({"speech_s": 19.999}, False, 0.01),
        ({"speech_s": 20.0}, True, 0.0),
        ({"speech_s": 3.0, "waived": True}, True, 0.0),
        ({"speech_s": 0.0, "waived": True, "recordings": 0}, False, 20.0),
    ],
)
def test_twenty_seconds_of_speech_enrol_unless_that_is_waived(facts, enrolled, remaining_s):
    profile = replace(HALF_WAY, **facts)
    assert (profile.enrolled, profile.remaining_s) == (enrolled, remaining_s)


def test_a_page_links_to_the_next_where_there_is_one():
    assert list(V2.page([NEW], "http://next")) == ["profiles", "@nextLink"]
    assert V2021.page([], "http://next") == {"value": [], "nextLink": "http://next"}
    assert V2021.page([], None) == {"value": []}


def test_the_paths_of_both_versions():
    assert V2.path("identification") == "/speaker/identification/v2.0/text-independent"
    assert V2021.path("verification") == "/speaker-recognition/verification/text-independent"


@pytest.mark.parametrize(
    ("llr", "expected"),
    [(3.0, 0.5), (3.0 + math.log(9), 0.9), (3.0 - math.log(9), 0.1), (1e9, 1.0), (-1e9, 0.0)],
)
def test_a_score_is_the_logistic_of_the_llr_above_the_threshold(llr, expected):
    assert score(llr, 3.0) == pytest.approx(expected)


def test_results_are_as_documented():
    even = {"llr": 3.0, "threshold": 3.0}
    assert recognition({"accepted": True, **even}) == {"recognitionResult": "accept", "score": 0.5}
    assert recognition({"accepted": False, **even})["recognitionResult"] == "reject"
    candidates = [
        {"speaker": ID, "llr": 3.0 + math.log(9), "threshold": 3.0},
        {"speaker": "b", "llr": 3.0 - math.log(9), "threshold": 1.0},
    ]
    found = identification({"best": ID, "candidates": candidates})
    assert found["identifiedProfile"] == found["profilesRanking"][0]
    assert [one["profileId"] for one in found["profilesRanking"]] == [ID, "b"]
    assert [one["score"] for one in found["profilesRanking"]] == pytest.approx([0.9, 0.1])
    nobody = identification({"best": None, "candidates": candidates})
    assert nobody["identifiedProfile"] == {"profileId": NOBODY, "score": 0.0}
    assert nobody["profilesRanking"] == found["profilesRanking"]


def test_a_refusal_has_the_documented_shape_and_its_code_in_a_header():
    response = Refused(429, "Rate limit is exceeded.", headers={"Retry-After": "2"}).response()
    assert response.status_code == 429
    assert response.headers["x-ms-error-code"] == "RateLimit"
    assert response.headers["retry-after"] == "2"
    assert json.loads(bytes(response.body)) == {
        "error": {"code": "RateLimit", "message": "Rate limit is exceeded."}
    }


@pytest.mark.parametrize(
    ("status", "code"), [(418, "InvalidRequest"), (502, "InternalServerError")]
)
def test_a_status_that_azure_did_not_have_gets_the_code_of_its_kind(status, code):
    assert Refused(status, "So.").code == code
