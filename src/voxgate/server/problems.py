"""Errors as RFC 9457 has them: application/problem+json."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response


def problem(
    status: int, detail: str, *, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what is wrong, in one sentence."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return JSONResponse(
        content, status, headers=dict(headers or {}), media_type="application/problem+json"
    )
