"""Bodies of requests as Azure's clients send them."""

import json
import re
from typing import Any

from starlette.requests import Request

from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.wav import MAX_BYTES, check_media_type, check_wav

MAX_JSON_BYTES = 10_000
LOCALE = re.compile(r"([A-Za-z]{2})-?([A-Za-z]{2})")
# Azure's own quickstart sent its JSON in single quotes, and Azure took it
_IN_SINGLE_QUOTES = re.compile(rb"\s*\{\s*'locale'\s*:\s*'([A-Za-z-]*)'\s*\}\s*")


async def read_locale(request: Request) -> str:
    """The locale that a new profile is to have, such as "en-US"; any is taken.

    Raises:
        Refused: 400 or 415.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise Refused(
            415,
            f"Unsupported media type {given or '(none)'!r}. Only 'application/json' is accepted.",
        )
    found = _fields(await _read(request, MAX_JSON_BYTES)).get("locale")
    if found is None:
        raise Refused(400, "Locale parameter is missing. Send a body such as {'locale': 'en-us'}.")
    match = LOCALE.fullmatch(found) if isinstance(found, str) else None
    if match is None:
        raise Refused(
            400,
            "Invalid locale value. Give a language and a country, such as en-US.",
            code="InvalidArgument",
        )
    return f"{match[1].lower()}-{match[2].upper()}"


async def read_recording(request: Request) -> bytes:
    """A WAV file of the format that Azure took.

    Raises:
        Refused: 400 or 415.
    """
    check_media_type(request.headers.get("content-type", ""))
    body = await _read(request, MAX_BYTES)
    check_wav(body)
    return body


def _fields(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise Refused(400, "Request body is missing. Send a body such as {'locale': 'en-us'}.")
    if quoted := _IN_SINGLE_QUOTES.fullmatch(body):
        return {"locale": quoted[1].decode("ascii")}
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Refused(400, "Invalid JSON format. Send an object.")
    return fields


async def _read(request: Request, most: int) -> bytes:
    """The body, as far as it is not too long: no more than that is ever held."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused(
                400, f"The request body has more than {most:,} bytes, the most that is taken."
            )
        parts.append(part)
    return b"".join(parts)
