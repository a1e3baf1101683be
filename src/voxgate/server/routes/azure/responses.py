"""How Azure's routes answer: errors in Azure's shape, and examples for the documentation."""

import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from voxgate.errors import AudioError, EnrolmentError, OverloadedError, VoxgateError
from voxgate.server.errors import RETRY_AFTER_S, status_of
from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.versions import Profile, Version
from voxgate.server.trace import note_shed

log = logging.getLogger("voxgate.errors")

_COME_BACK = {"Retry-After": str(RETRY_AFTER_S)}
_ID = "49a36324-fc4b-4387-aa06-090cfbf0064f"
_FOUND = {"profileId": _ID, "score": 0.93}
_AT = datetime(2026, 1, 5, 9, 30, tzinfo=timezone.utc)
_NEW = Profile(_ID, "en-US", _AT, _AT)
_ENROLLED = Profile(_ID, "en-US", _AT, _AT, 1, 33.16, 29.21, model="ecapa-compact@7")


class AzureRoute(APIRoute):
    """A route whose errors are in Azure's shape, whoever raises them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (Refused, RequestValidationError, HTTPException, VoxgateError) as error:
                return refusal(error).response()

        return answer


def refusal(error: Exception) -> Refused:
    """An error as Azure would have told it."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        message = f"Invalid {first['loc'][-1]} parameter value. {first['msg']}."
        return Refused(400, message, code="InvalidArgument")
    if isinstance(error, HTTPException):
        return Refused(error.status_code, str(error.detail), headers=error.headers)
    if not isinstance(error, VoxgateError):
        raise error
    return _refusal_of_ours(error)


def _refusal_of_ours(error: VoxgateError) -> Refused:
    """An error of the library; what is wrong with the service is for its log only."""
    if isinstance(error, OverloadedError):
        note_shed("overload")
        return Refused(503, str(error), headers=_COME_BACK)
    if isinstance(error, AudioError | EnrolmentError):
        return Refused(400, str(error))
    status = status_of(error)
    if status >= 500:
        log.error("failed", exc_info=error)
        said = "The service cannot do this now. Its log says where it failed."
        return Refused(status, said, headers=_COME_BACK if status == 503 else None)
    return Refused(400 if status == 422 else status, str(error))


def documented(version: Version, handler: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, with an example of each, for OpenAPI."""
    status, example = {
        "create": (201, version.profile(_NEW)),
        "page": (200, version.page([_ENROLLED], None)),
        "find": (200, version.profile(_ENROLLED)),
        "delete": (204, None),
        "reset": (version.reset_status, version.profile(_NEW)),
        "enrol": (201, version.enrolment(_ENROLLED, 33.16, 29.21)),
        "verify": (200, {"recognitionResult": "accept", "score": 0.93}),
        "identify": (200, {"identifiedProfile": _FOUND, "profilesRanking": [_FOUND]}),
    }[handler]
    error = {"error": {"code": "NotFound", "message": f"Profile {_ID} does not exist."}}
    answers: dict[int | str, dict[str, Any]] = {"default": _example("Error", error)}
    answers[status] = {"description": "Done"} if status == 204 else _example("Done", example)
    return answers


def _example(description: str, example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"example": example, "schema": {"type": "object"}}},
    }
