"""WS /v1/stream: a voice while it speaks. docs/api.md has the messages.

The client says what it wants in a first text message, then sends frames of sound. A frame is
worked on before the next one is read: a client that sends faster than it is heard is slowed
down by its own connection, and nothing is dropped or piled up.
"""

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import soundfile
from fastapi import APIRouter, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.decision import Decision, Identification
from voxgate.errors import SpeakerNotFoundError, VoxgateError
from voxgate.scoring import FalseAcceptRate, Policy
from voxgate.server.auth import Caller, caller_of
from voxgate.server.bodies import NamedBytes
from voxgate.server.errors import problem, refusal, status_of, told
from voxgate.server.frames import MOST_FRAME, Format, Frames, frames_of
from voxgate.server.judging import Judge
from voxgate.server.service import Service
from voxgate.streaming import LONGEST_S, MOST_S, SHORTEST_S, Conversation, Heard

router = APIRouter(tags=["decisions"])

MOST_STREAMS = 64  # of a service process at a time
IDLE_S = 15.0  # without a message; then the stream is over
NORMAL, MALFORMED, REFUSED, TOO_BIG, FAILED, BUSY = 1000, 1007, 1008, 1009, 1011, 1013

_open = threading.BoundedSemaphore(MOST_STREAMS)


class Wish(BaseModel):
    """The first message: who it is said to be, or among whom to look, and how it is sent."""

    model_config = ConfigDict(extra="forbid")

    speaker: str | None = Field(None, min_length=1, max_length=256)
    group: str | None = Field(None, min_length=1, max_length=256)
    format: Format = "pcm_s16le"
    rate: int = SAMPLE_RATE
    far: float | None = Field(None, gt=0, lt=1)
    longest_s: float = Field(LONGEST_S, ge=SHORTEST_S, le=MOST_S)


class _Over(Exception):  # noqa: N818 - it is no error where the client ends it
    """The stream is over, with this code and reason."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Follow one voice until it is accepted, or the client has no more."""
    request_id: str = socket.state.request_id
    try:
        caller = await run_in_threadpool(caller_of, socket)
        if not caller.may("verify"):
            raise HTTPException(403, "This key may not do that: it needs the scope 'verify'.")
        with _place():
            await socket.accept()
            await _follow(socket, caller)
    except HTTPException as error:
        await socket.send_denial_response(
            problem(error.status_code, error.detail, request_id=request_id)
        )
    except VoxgateError as error:  # before it was accepted, as the store cannot be reached
        await socket.send_denial_response(refusal(error, request_id))
    except _Over as over:
        await socket.close(over.code, over.reason)
    except WebSocketDisconnect:
        pass


@contextmanager
def _place() -> Iterator[None]:
    if not _open.acquire(blocking=False):
        raise HTTPException(503, f"There are {MOST_STREAMS} streams already; come back later.")
    try:
        yield
    finally:
        _open.release()


async def _follow(socket: WebSocket, caller: Caller) -> None:
    service: Service = socket.app.state.service
    try:
        talk = await run_in_threadpool(_Talk.begin, await _wish(socket), caller, service)
        with closing(talk.frames):
            await _converse(socket, talk)
    except VoxgateError as error:
        status = status_of(error)
        detail = told(error, socket.state.request_id)
        await socket.send_json({"type": "problem", "status": status, "detail": detail})
        raise _Over(BUSY if status == 503 else REFUSED if status < 500 else FAILED) from error


async def _converse(socket: WebSocket, talk: "_Talk") -> None:
    if talk.refusal is not None:
        await socket.send_json({"type": "decision", "final": True, **talk.refusal})
        raise _Over(NORMAL)
    await socket.send_json({"type": "listening", "longest_s": talk.longest_s})
    while True:
        frame = await _frame(socket)
        said = await run_in_threadpool(talk.hear, frame)
        await socket.send_json(said)
        if said.get("final"):
            raise _Over(NORMAL)


async def _message(socket: WebSocket) -> dict[str, Any]:
    try:
        message = dict(await asyncio.wait_for(socket.receive(), IDLE_S))
    except asyncio.TimeoutError:
        raise _Over(REFUSED, f"nothing came for {IDLE_S:g} s") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", NORMAL))
    return message


async def _wish(socket: WebSocket) -> Wish:
    text = (await _message(socket)).get("text")
    if text is None or len(text) > MOST_FRAME:
        raise _Over(MALFORMED, "the first message is JSON: who it is said to be")
    try:
        return Wish.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, wrong["loc"]))
        raise _Over(MALFORMED, f"{where}: {wrong['msg']}"[:120]) from None


async def _frame(socket: WebSocket) -> bytes | None:
    """The next frame, or None: there are no more."""
    message = await _message(socket)
    frame = message.get("bytes")
    if frame is None:
        try:
            ended = json.loads(message.get("text") or "") == {"end": True}
        except ValueError:
            ended = False
        if not ended:
            raise _Over(MALFORMED, 'send frames as binary messages, and {"end": true}')
        return None
    if len(frame) > MOST_FRAME:
        raise _Over(TOO_BIG, f"a frame has at most {MOST_FRAME} bytes")
    return bytes(frame)


@dataclass
class _Talk:
    """One conversation, and whom it is about."""

    judge: Judge
    asked: str
    speaker: str | None
    frames: Frames
    conversation: Conversation
    longest_s: float
    refusal: dict[str, Any] | None = None  # where there is nobody to compare with

    @classmethod
    def begin(cls, wish: Wish, caller: Caller, service: Service) -> "_Talk":
        judge = Judge(caller, service.settings.least_snr_db)
        speaker, verifier = wish.speaker, caller.tenant.verifier
        among = verifier.store.members(wish.group) if wish.group is not None else None

        def decide(waveform: Waveform, policy: Policy) -> Decision | Identification:
            return judge.look(_as_wav(waveform), policy, speaker=speaker, among=among)

        policy = verifier.policy if wish.far is None else FalseAcceptRate(wish.far)
        conversation = Conversation(
            decide, policy, first_s=verifier.pack.min_speech_s, longest_s=wish.longest_s
        )
        refusal = None
        if speaker is not None:
            try:
                verifier.store.voiceprint(speaker, verifier.pack.id)
            except SpeakerNotFoundError:
                refusal = judge.refuse(speaker, wish.far)
        asked = "verify" if speaker is not None else "identify"
        frames = frames_of(wish.format, wish.rate)
        return cls(judge, asked, speaker, frames, conversation, wish.longest_s, refusal)

    def hear(self, frame: bytes | None) -> dict[str, Any]:
        """Take the next frame; what to tell the client."""
        if frame is None:
            heard = self.conversation.end()
        else:
            heard = self.conversation.hear(self.frames.waveform(frame))
        return self._told(heard)

    def _told(self, heard: Heard) -> dict[str, Any]:
        so_far = {"audio_s": round(heard.audio_s, 3), "speech_s": round(heard.speech_s, 3)}
        if heard.found is None:
            return {"type": "progress", **so_far}
        if heard.final:
            self.judge.note(self.asked, heard.found, self.speaker)
        found = heard.found.to_dict()
        return {"type": "decision", "final": heard.final, **so_far, **found}


def _as_wav(waveform: Waveform) -> NamedBytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, SAMPLE_RATE, format="WAV", subtype="FLOAT")
    return NamedBytes(file.getvalue(), "stream")
