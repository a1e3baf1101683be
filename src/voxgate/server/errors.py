"""Errors as RFC 9457 has them, application/problem+json, and the status of each of ours."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from voxgate import errors
from voxgate.errors import VoxgateError
from voxgate.server.trace import note_shed

log = logging.getLogger("voxgate.errors")

RETRY_AFTER_S = 1
TYPE = "application/problem+json"

STATUS: Mapping[type[VoxgateError], int] = {  # the nearest class upwards counts
    errors.AudioError: 422,
    errors.UnreadableAudioError: 415,
    errors.ScoringError: 422,
    errors.EnrolmentError: 422,
    errors.SpeakerNotFoundError: 404,
    errors.SpeakerExistsError: 409,
    errors.SpeakerOptedOutError: 409,
    errors.SampleNotFoundError: 404,
    errors.GroupNotFoundError: 404,
    errors.JobNotFoundError: 404,
    errors.DomainNotFoundError: 404,
    errors.DomainExistsError: 409,
    errors.KeyReusedError: 422,
    errors.RequestInProgressError: 409,
    errors.AnswerForgottenError: 410,
    errors.UsageError: 422,
    errors.StoreError: 503,
    errors.StoreCorruptError: 500,
    errors.StoreKeyError: 500,
    errors.OverloadedError: 503,
    VoxgateError: 500,
}


def status_of(error: VoxgateError) -> int:
    """The status an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def type_of(error: VoxgateError) -> str:
    """What programs know an error by, such as urn:voxgate:speaker-not-found."""
    words = re.findall("[A-Z][a-z]+", type(error).__name__.removesuffix("Error"))
    return "urn:voxgate:" + "-".join(words).lower()


def problem(
    status: int,
    detail: str,
    *,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    kind: str = "about:blank",
) -> Response:
    """An answer that says what is wrong, in one sentence."""
    content = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return JSONResponse(content, status, headers=dict(headers or {}), media_type=TYPE)


def refusal(error: VoxgateError, request_id: str) -> Response:
    """The answer to an error of ours; what is wrong with the service is for its log only."""
    status = status_of(error)
    later = status == 503 or isinstance(error, errors.RequestInProgressError)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if later else {}
    detail = told(error, request_id)
    return problem(status, detail, request_id=request_id, headers=headers, kind=type_of(error))


def told(error: VoxgateError, request_id: str) -> str:
    """What a caller is told of an error; the rest goes to the log."""
    if isinstance(error, errors.OverloadedError):
        note_shed("overload")
    elif status_of(error) >= 500:
        log.error("failed", exc_info=error, extra={"request_id": request_id})
        return "The service cannot do this now. Its log says where it failed."
    return str(error)


def install(app: FastAPI) -> None:
    """Let the app answer its errors so; those that nobody foresaw are the edge's."""
    app.add_exception_handler(VoxgateError, _ours)
    app.add_exception_handler(HTTPException, _of_the_protocol)
    app.add_exception_handler(RequestValidationError, _malformed)


def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, VoxgateError):
        raise error
    return refusal(error, request.state.request_id)


def _of_the_protocol(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    request_id = request.state.request_id
    return problem(error.status_code, error.detail, request_id=request_id, headers=error.headers)


def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    detail = f"{where}: {first['msg']}."
    return problem(422, detail, request_id=request.state.request_id)
