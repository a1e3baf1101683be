"""The stream, by a real WebSocket client: what it says, when it ends, and what it refuses."""

import json
import multiprocessing
import os
import signal
import time
from contextlib import contextmanager

import numpy as np
import pytest
from opus_packets import opus_packets
from voices import speak
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from voxgate.server import frames
from voxgate.server.routes import stream

ADA, BOB, EVE = 6, 21, 33
RATE = 16_000


def pcm(voice, seconds=6.0, take=3, rate=RATE):
    sound = speak(voice, seconds * rate / RATE, take)
    return (sound * 32_767).astype("<i2").tobytes()


def in_frames(sound, size=6_400):
    return [sound[start : start + size] for start in range(0, len(sound), size)]


@pytest.fixture(scope="module")
def key(service, admin):
    """Of somebody who may verify; ada and bob are enrolled."""
    for name, voice in {"ada": ADA, "bob": BOB}.items():
        for take in range(2):
            body = _wav(pcm(voice, 3.0, take))
            assert admin.post(f"/v1/speakers/{name}/enrolments", content=body).status_code == 201
    admin.put("/v1/groups/vip")
    admin.put("/v1/groups/vip/members/bob")
    return service.key("verify")


def _wav(sound):
    size = len(sound)
    parts = (b"RIFF", (36 + size).to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little"))
    form = np.array([1, 1], "<u2").tobytes() + np.array([RATE, 2 * RATE], "<u4").tobytes()
    form += np.array([2, 16], "<u2").tobytes()
    return b"".join([*parts, form, b"data", size.to_bytes(4, "little"), sound])


@contextmanager
def streaming(service, key, **wish):
    """A stream that has been wished for, and what it said first."""
    url = service.url.replace("http", "ws") + "/v1/stream"
    with connect(url, additional_headers={"X-API-Key": key}, proxy=None) as socket:
        socket.send(json.dumps(wish))
        yield socket, json.loads(socket.recv())


def told(socket, sound):
    """What it says to each frame, until it is over."""
    said = []
    for frame in sound:
        socket.send(frame)
        said.append(json.loads(socket.recv()))
        if said[-1].get("final"):
            return said
    socket.send(json.dumps({"end": True}))
    return [*said, json.loads(socket.recv())]


def code(socket):
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_a_voice_is_accepted_as_soon_as_it_is_sure(service, key, admin):
    with streaming(service, key, speaker="ada", far=0.5) as (socket, first):
        assert first == {"type": "listening", "longest_s": 60.0}
        said = told(socket, in_frames(pcm(ADA, 12.0)))
        assert [one["type"] for one in said] == ["progress"] * (len(said) - 1) + ["decision"]
        assert said[-1]["outcome"] == "accept"
        assert 1.0 <= said[-1]["speech_s"] < 1.5
        assert code(socket) == (1000, "")
    entry = admin.get("/v1/audit", params={"speaker": "ada", "limit": 1}).json()
    assert said[-1]["id"] in str(entry)


def test_another_voice_is_rejected_when_it_ends(service, key):
    with streaming(service, key, speaker="ada") as (socket, _):
        said = told(socket, in_frames(pcm(BOB, 6.0)))
        looks = [one for one in said if one["type"] == "decision"]
        assert [one["final"] for one in looks] == [False] * (len(looks) - 1) + [True]
        assert {one["outcome"] for one in looks} == {"reject"}
        assert len(looks) >= 3
        assert code(socket)[0] == 1000


def test_opus_is_heard_as_pcm_is(service, key):
    with streaming(service, key, speaker="ada", format="opus", far=0.5) as (socket, _):
        assert told(socket, opus_packets(ADA))[-1]["outcome"] == "accept"


def decoders():
    """The processes that decode Opus for a stream."""
    return [child for child in multiprocessing.active_children() if child.name == "opus"]


def test_a_decoder_that_is_killed_costs_one_stream_and_no_other(service, key):
    packets = opus_packets(ADA, 8.0)
    wish = {"speaker": "ada", "format": "opus", "far": 0.5}
    with streaming(service, key, **wish) as (broken, _):
        (decoder,) = decoders()
        with streaming(service, key, **wish) as (whole, _):
            for socket in (broken, whole):
                socket.send(packets[0])
                assert json.loads(socket.recv())["type"] == "progress"
            decoder.kill()
            broken.send(packets[1])
            problem = json.loads(broken.recv())
            assert (problem["type"], problem["status"]) == ("problem", 415)
            assert "broke the decoder" in problem["detail"]
            assert code(broken) == (1008, "")
            assert told(whole, packets[1:])[-1]["outcome"] == "accept"
            assert code(whole) == (1000, "")
    with service.client() as client:
        assert client.get("/readyz").status_code == 200
    wait(lambda: decoders() == [])


def test_a_decoder_that_hangs_ends_its_stream(service, key, monkeypatch):
    monkeypatch.setattr(frames, "TIME_LIMIT_S", 0.1)
    with streaming(service, key, speaker="ada", format="opus") as (socket, _):
        (decoder,) = decoders()
        os.kill(decoder.pid, signal.SIGSTOP)
        socket.send(opus_packets(ADA, 1.0)[0])
        assert "longer than 0.1 s" in json.loads(socket.recv())["detail"]
        assert code(socket) == (1008, "")
    wait(lambda: decoders() == [])


def wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("wish", "best", "searched"), [({}, "bob", 2), ({"group": "vip"}, "bob", 1)]
)
def test_whose_voice_it_is_among_all_or_a_group(service, key, wish, best, searched):
    with streaming(service, key, far=0.5, **wish) as (socket, _):
        found = told(socket, in_frames(pcm(BOB)))[-1]
        assert (found["best"], found["searched"]) == (best, searched)


def test_who_is_not_enrolled_is_said_at_once(service, key):
    with streaming(service, key, speaker="nobody") as (socket, first):
        assert (first["outcome"], first["final"]) == ("speaker_not_enrolled", True)
        assert code(socket)[0] == 1000


def test_it_ends_at_its_longest(service, key):
    with streaming(service, key, speaker="ada", longest_s=2) as (socket, _):
        last = told(socket, in_frames(pcm(BOB, 9.0)))[-1]
        assert (last["final"], last["audio_s"]) == (True, 2.0)


@pytest.mark.parametrize(
    ("wish", "status"),
    [({"group": "none"}, 404), ({"rate": 100}, 422), ({"speaker": "a\u0000b"}, 422)],
)
def test_a_wish_that_cannot_be_is_a_problem(service, key, wish, status):
    with streaming(service, key, **wish) as (socket, first):
        assert (first["type"], first["status"]) == ("problem", status)
        assert code(socket)[0] == 1008


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{}x", 1007),
        (json.dumps({"speaker": "ada", "longest_s": 1e9}), 1007),
        (json.dumps({"x": 1}), 1007),
        (b"sound before the wish", 1007),
    ],
)
def test_a_first_message_that_is_none_ends_it(service, key, message, expected):
    url = service.url.replace("http", "ws") + "/v1/stream"
    with connect(url, additional_headers={"X-API-Key": key}, proxy=None) as socket:
        socket.send(message)
        assert code(socket)[0] == expected


@pytest.mark.parametrize(
    ("wish", "frame", "expected"),
    [
        ({}, "text", 1007),
        ({}, bytes(70_000), 1009),
        ({}, bytes(200_000), 1009),  # by the server itself, which holds no more of one
        ({}, b"odd", 1008),
        ({"format": "opus"}, b"\xff\xff\xff\xff", 1008),
    ],
)
def test_a_frame_that_is_none_ends_it(service, key, wish, frame, expected):
    with streaming(service, key, speaker="ada", **wish) as (socket, _):
        socket.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            assert json.loads(socket.recv())["type"] == "problem"
            socket.recv()
        assert closed.value.rcvd.code == expected


def test_silence_on_the_line_ends_it(service, key, monkeypatch):
    monkeypatch.setattr(stream, "IDLE_S", 0.2)
    with streaming(service, key, speaker="ada") as (socket, _):
        assert code(socket) == (1008, "nothing came for 0.2 s")


def test_only_so_many_at_a_time(service, key, monkeypatch):
    monkeypatch.setattr(stream, "_open", stream.threading.BoundedSemaphore(1))
    with streaming(service, key, speaker="ada"):
        with pytest.raises(InvalidStatus) as refused, streaming(service, key, speaker="ada"):
            pass
        assert refused.value.response.status_code == 503
    with streaming(service, key, speaker="ada") as (_, first):
        assert first["type"] == "listening"


@pytest.mark.parametrize("wrong", ["", "vg_000000000000_" + "A" * 43])
def test_without_a_key_there_is_no_stream(service, key, wrong):
    with pytest.raises(InvalidStatus) as refused, streaming(service, wrong, speaker="ada"):
        pass
    assert refused.value.response.status_code == 401
