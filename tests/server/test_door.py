"""Recordings are refused at the door while nobody could hear them; all else is let in."""

import asyncio
from types import SimpleNamespace

import pytest

from voxgate.errors import OverloadedError
from voxgate.server.door import Door

SOUND = {"content-type": "audio/wav", "content-length": "96044"}


class Ears:
    """Ears with or without room."""

    def __init__(self, *, full: bool) -> None:
        self.full = full

    def check_room(self) -> None:
        if self.full:
            raise OverloadedError(8)


def knock(*, full: bool, method: str = "POST", path: str = "/v1/compare", headers=SOUND):
    """What is sent to a request at a door: by the app behind it, or by the door itself."""
    sent: list[dict] = []

    async def app(scope, receive, send):
        await send({"type": "let in"})

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("nothing of the body is wanted")

    scope = {
        "type": "http", "method": method, "path": path, "state": {"request_id": "r1"},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(Door(app, SimpleNamespace(ears=Ears(full=full)))(scope, receive, send))
    return sent


def test_a_recording_that_nobody_could_hear_is_refused_unread():
    start, body = knock(full=True)
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"1"
    assert headers[b"content-type"] == b"application/problem+json"
    assert b'"request_id":"r1"' in body["body"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data; boundary=x", "content-length": "9"},
        {"content-length": "9"},
        {"content-type": "audio/ogg", "transfer-encoding": "chunked"},
    ],
)
def test_so_is_one_in_a_form_of_no_stated_kind_or_of_no_stated_length(headers):
    assert knock(full=True, headers=headers)[0]["status"] == 503


def test_with_room_it_is_let_in():
    assert knock(full=False) == [{"type": "let in"}]


@pytest.mark.parametrize(
    "other",
    [
        {"method": "GET"},
        {"method": "DELETE", "headers": SOUND},
        {"path": "/v1/jobs/enrol"},
        {"path": "/speaker/verification/v2.0/text-independent/profiles/x/verify"},
        {"headers": {"content-type": "application/json", "content-length": "20"}},
        {"headers": {"content-length": "0"}},
        {"headers": {}},
    ],
)
def test_what_brings_no_sound_is_let_in_even_so(other):
    assert knock(full=True, **other) == [{"type": "let in"}]


def test_so_is_a_stream():
    sent: list[str] = []

    async def app(scope, receive, send):
        sent.append(scope["type"])

    door = Door(app, SimpleNamespace(ears=Ears(full=True)))
    asyncio.run(door({"type": "websocket"}, None, None))
    assert sent == ["websocket"]
