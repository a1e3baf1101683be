"""Refuse recordings at the door while nobody could hear them.

Under an overload most requests are refused. To refuse one deep in a route costs as much as all that
leads there, which the recordings that are taken then wait for; here it costs next to nothing.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from voxgate.errors import OverloadedError
from voxgate.server.arrival import has_body
from voxgate.server.errors import refusal
from voxgate.server.limits import UPLOADS
from voxgate.server.service import Service


class Door:
    """ASGI middleware over /v1; the other routes answer errors in a form of their own."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _brings_sound(scope):
            try:
                self._service.ears.check_room()
            except OverloadedError as error:
                answer = refusal(error, scope["state"]["request_id"])
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _brings_sound(scope: Scope) -> bool:
    """Whether its body is to be heard now: whatever is neither JSON nor an archive for later."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path: str = scope["path"]
    if not path.startswith("/v1/") or path.startswith(UPLOADS):
        return False
    headers = Headers(scope=scope)
    is_json = headers.get("content-type", "").startswith("application/json")
    return has_body(headers) and not is_json
