import pytest
from fastapi import HTTPException

from voxgate.errors import (
    AnotherVoiceError,
    DamagedAudioError,
    OverloadedError,
    PackError,
    SpeakerOptedOutError,
    StoreCorruptError,
    StoreError,
    UnreadableAudioError,
    UsageError,
)
from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.responses import refusal


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused(403, "So.", code="InvalidRequest"), 403, "InvalidRequest"),
        (HTTPException(401, "So."), 401, "Unauthorized"),
        (HTTPException(403, "So."), 403, "Forbidden"),
        (HTTPException(413, "So."), 413, "InvalidRequest"),
        (HTTPException(429, "So."), 429, "RateLimit"),
        (AnotherVoiceError("So."), 400, "InvalidRequest"),
        (DamagedAudioError("So."), 400, "InvalidRequest"),
        (UnreadableAudioError("So."), 400, "InvalidRequest"),
        (UsageError("So."), 400, "InvalidRequest"),
        (SpeakerOptedOutError("ada"), 409, "Conflict"),
        (OverloadedError(17), 503, "ServiceUnavailable"),
        (StoreError("So."), 503, "ServiceUnavailable"),
        (StoreCorruptError("So."), 500, "InternalServerError"),
        (PackError("So."), 500, "InternalServerError"),
    ],
)
def test_every_kind_of_error_has_a_code_of_azures(error, status, code):
    found = refusal(error)
    assert (found.status, found.code) == (status, code)


def test_whoever_asks_too_often_is_told_when_to_come_back():
    too_often = HTTPException(429, "Too often.", {"Retry-After": "7"})
    assert refusal(too_often).response().headers["retry-after"] == "7"
    assert int(refusal(OverloadedError(17)).response().headers["retry-after"]) > 0


def test_what_is_wrong_with_the_service_is_for_its_log_only(caplog):
    found = refusal(StoreCorruptError("The table of ada is damaged."))
    assert "ada" not in found.message
    assert "The table of ada is damaged." in caplog.text


def test_an_error_that_nobody_foresaw_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        refusal(ZeroDivisionError())
