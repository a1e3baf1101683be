"""Requests that may be sent again without being done again: the header Idempotency-Key.

As draft-ietf-httpapi-idempotency-key-header-07 has it: a request with a key that was answered
before gets that answer, one with the key of another request gets 422, and one that is being worked
on 409. The draft's keys stand in quotes; those without are taken, too.

A body passes here as it arrives and is held by nobody: its digest is compared when all of it is
there, before a replay, and kept with the answer. What was refused before its body was read has
changed nothing and is not kept; nor are answers that tell to come back.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxgate.errors import AnswerForgottenError, KeyReusedError, StoreError, VoxgateError
from voxgate.server.arrival import Arrival
from voxgate.server.auth import Caller, caller_of
from voxgate.server.errors import problem, refusal
from voxgate.store import Answer, Claim

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ROUTES = "/v1/"
SECRETS = "/v1/keys"  # answers that hold one are not kept
KEY = re.compile(r"[A-Za-z0-9._:~+/=-]{1,128}")
LEASE_S = 30.0  # after which a request that nothing was heard of may be done again
PEOPLE = ("speaker", "fraudster")  # under which answers name them
_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Of the caller's choice, such as a random UUID: the same request with the same "
    f"key is done once, and answered again for 24 hours, then with {REPLAYED}: true.",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ANSWERS = {
    "400": {"description": "The idempotency key is no key.", "content": _PROBLEM},
    "409": {
        "description": "It conflicts with what is there; or it is being worked on.",
        "content": _PROBLEM,
    },
    "410": {"description": "It was done before; its answer is not kept.", "content": _PROBLEM},
}
_REPLAY = SimpleNamespace(path="(replayed)")  # its route, in logs and metrics

log = logging.getLogger("voxgate.requests")


class Idempotency:
    """ASGI middleware: does a request once, and answers it again; see the module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).getlist(HEADER) if _is_for(scope) else []
        if not given:
            await self._app(scope, receive, send)
            return
        body = Arrival(scope, receive)
        try:
            key = _key(given)
            caller = await run_in_threadpool(caller_of, HTTPConnection(scope))
            begun = await run_in_threadpool(_begin, caller, key, _request(scope, caller))
            if isinstance(begun, Claim):
                await self._do(scope, body, send, _Work(caller, begun))
                return
            answer = await _again(begun, body)
            scope["route"] = _REPLAY
        except HTTPException as error:
            answer = problem(
                error.status_code,
                error.detail,
                request_id=scope["state"]["request_id"],
                headers=error.headers,
            )
        except VoxgateError as error:
            answer = refusal(error, scope["state"]["request_id"])
        await answer(scope, receive, send)

    async def _do(self, scope: Scope, body: Arrival, send: Send, work: "_Work") -> None:
        """Let the app answer, and keep that before it is sent: or it could be asked for again."""
        messages: list[Message] = []

        async def hold(message: Message) -> None:
            messages.append(message)

        try:
            async with work.held():
                await self._app(scope, body.receive, hold)
        except Exception:
            await work.release()
            raise
        status = messages[0]["status"]
        if await _is_final(status, body):
            await work.finish(scope, body, messages)
        else:
            await work.release()
        for message in messages:
            await send(message)


def document(app: FastAPI) -> None:
    """Describe the header, and what may come of it, with each route that it counts for."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        is_new = app.openapi_schema is None
        schema = described()
        if is_new:
            for path, item in schema["paths"].items():
                for method, operation in item.items():
                    if path.startswith(ROUTES) and method.upper() in METHODS:
                        operation["parameters"] = [*operation.get("parameters", ()), _PARAMETER]
                        operation["responses"] = _ANSWERS | operation["responses"]
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # the way that FastAPI has for it


class _Work:
    """A request that is being done, and the claim of its key."""

    def __init__(self, caller: Caller, claim: Claim) -> None:
        self._responses = caller.tenant.store.responses
        self._claim = claim

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """While the claim holds, however long the request takes."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE_S / 3)
                with suppress(StoreError):  # tried again, and then the lease has run out
                    await run_in_threadpool(self._responses.renew, self._claim, lease_s=LEASE_S)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def finish(self, scope: Scope, body: Arrival, messages: Sequence[Message]) -> None:
        """Keep the answer. Where that fails the caller has it all the same: it is done."""
        status = messages[0]["status"]
        content = b"".join(message.get("body", b"") for message in messages[1:])
        secret = content and scope["path"].startswith(SECRETS)
        kept = None if secret else _packed(messages[0]["headers"], content)
        answer = Answer(status, body.digest, kept)
        try:
            await run_in_threadpool(
                self._responses.finish, self._claim, answer, names=_names(status, content)
            )
        except StoreError as error:
            facts = {"request_id": scope["state"]["request_id"]}
            log.error("an answer was not kept", exc_info=error, extra=facts)

    async def release(self) -> None:
        """Let the request be done again at once; where that fails, when the lease is over."""
        with suppress(StoreError):
            await run_in_threadpool(self._responses.release, self._claim)


def _is_for(scope: Scope) -> bool:
    """Whether a key counts for what is asked."""
    return (
        scope["type"] == "http"
        and scope["method"] in METHODS
        and str(scope["path"]).startswith(ROUTES)
    )


def _key(given: Sequence[str]) -> str:
    """The key without its quotes."""
    text = given[0].strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if len(given) > 1 or not KEY.fullmatch(text):
        raise HTTPException(
            400,
            f"{HEADER} must be one key of 1 to 128 letters, digits and . _ : ~ + / = -; "
            "a random UUID will do.",
        )
    return text


def _request(scope: Scope, caller: Caller) -> str:
    """All that tells a request from others, but for its body."""
    path = scope.get("raw_path") or scope["path"].encode()
    asked = [scope["method"], path.decode("latin-1"), scope["query_string"].decode("latin-1")]
    return json.dumps([*asked, caller.key_id, sorted(caller.scopes)])


def _begin(caller: Caller, key: str, request: str) -> Claim | Answer:
    return caller.tenant.store.responses.begin(key, request, lease_s=LEASE_S)


async def _again(answer: Answer, body: Arrival) -> Response:
    """What was answered before, if all of the request is the same."""
    if not await body.rest() or body.digest != answer.body_digest:
        raise KeyReusedError
    if answer.content is None:
        raise AnswerForgottenError(answer.status)
    headers, content = _unpacked(answer.content)
    return Response(content, answer.status, headers | {REPLAYED: "true"})


async def _is_final(status: int, body: Arrival) -> bool:
    """Whether asking the same again is to bring the same answer."""
    if status == 429 or status >= 500:
        return False
    if status >= 400:
        return body.whole
    with suppress(HTTPException):  # too long a body for one that nothing was wanted of
        return await body.rest()
    return False


def _packed(headers: Sequence[tuple[bytes, bytes]], content: bytes) -> bytes:
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return json.dumps(named).encode() + b"\n" + content


def _unpacked(packed: bytes) -> tuple[dict[str, str], bytes]:
    named, _, content = packed.partition(b"\n")
    headers: dict[str, str] = json.loads(named)
    return headers, content


def _names(status: int, content: bytes) -> set[str] | None:
    """Whom an answer names; None for what is told in words, as they may name anybody."""
    if not content:
        return set()
    if status >= 400:
        return None
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or "name" in answer:  # that of a group, which may go as well
        return None
    waiting: list[Any] = [answer]
    found: set[str] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found.update(one[who] for who in PEOPLE if isinstance(one.get(who), str))
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found
