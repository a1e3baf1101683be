"""The recordings in a request's body: one as it is, or one or more as multipart/form-data.

They are held in memory, never in a file. How many bytes there may be is bounded before they
come here, see `voxgate.server.limits`.
"""

from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voxgate.server.service import Service

MOST_RECORDINGS = 100  # in one request
LONGEST_NAME = 100  # characters of a recording's name that are repeated


class NamedBytes(bytes):
    """A recording, and what to call it."""

    name: str

    def __new__(cls, content: bytes, name: str) -> "NamedBytes":
        made = super().__new__(cls, content)
        printable = "".join(c for c in name if c.isprintable())[:LONGEST_NAME]
        made.name = printable or "recording"
        return made


async def _recordings(request: Request) -> list[NamedBytes]:
    """Each file of a form, in their order; or the body itself, if it is no form."""
    service: Service = request.app.state.service
    service.ears.check_room()  # nothing is read that nobody can hear
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        found = await _files(request)
    else:
        found = [NamedBytes(await request.body(), "recording")]
    if not found or not all(found):
        raise HTTPException(
            422,
            "There is no recording in the request; send one as its body, or some as the files of "
            "a form (multipart/form-data).",
        )
    return found


async def _files(request: Request) -> list[NamedBytes]:
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=MOST_RECORDINGS, max_fields=MOST_RECORDINGS
    )
    parser.spool_max_size = 2**62  # never to the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(422, f"The form cannot be read: {error.message}") from error
    try:
        return [
            NamedBytes(await part.read(), part.filename or "recording")
            for _, part in form.multi_items()
            if isinstance(part, UploadFile)
        ]
    finally:
        await form.close()


async def _one(recordings: Annotated[list[NamedBytes], Depends(_recordings)]) -> NamedBytes:
    if len(recordings) != 1:
        raise HTTPException(422, f"One recording is wanted here, not {len(recordings)}.")
    return recordings[0]


async def _two(
    recordings: Annotated[list[NamedBytes], Depends(_recordings)],
) -> tuple[NamedBytes, NamedBytes]:
    if len(recordings) != 2:
        raise HTTPException(
            422, f"Two recordings are wanted here, as the files of a form, not {len(recordings)}."
        )
    return recordings[0], recordings[1]


Recordings = Annotated[list[NamedBytes], Depends(_recordings)]
Recording = Annotated[NamedBytes, Depends(_one)]
TwoRecordings = Annotated[tuple[NamedBytes, NamedBytes], Depends(_two)]

_SOUND = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {
            "recording": {"type": "array", "items": {"type": "string", "format": "binary"}}
        },
        "required": ["recording"],
    }
}


def documented(*, raw: bool = True) -> dict[str, Any]:
    """The body of a route that takes recordings, for OpenAPI."""
    content: dict[str, Any] = {"multipart/form-data": _FORM}
    if raw:
        content = {"audio/wav": _SOUND, "application/octet-stream": _SOUND, **content}
    return {"requestBody": {"required": True, "content": content}}
