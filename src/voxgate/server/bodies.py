"""The recording in a request's body: raw bytes of any audio format, of a bounded size."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from voxgate.server.service import Service


async def _recording(request: Request) -> bytes:
    """The body, refused as soon as it is longer than allowed, or unread if nobody can hear it."""
    service: Service = request.app.state.service
    service.ears.check_room()
    most = round(service.settings.largest_body_mb * 1_000_000)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(
                413, f"The recording has more than {most:,} bytes, which is the most allowed."
            )
    return bytes(body)


Recording = Annotated[bytes, Depends(_recording)]
