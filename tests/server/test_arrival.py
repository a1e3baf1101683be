"""Bodies as they arrive."""

import asyncio
import tracemalloc

import pytest

from voxgate.server.arrival import Arrival

FORM = b"--%b\r\nname\r\n\r\n\0sound\r\n--%b--\r\n"


def arrival(parts=(), headers=(), *, gone=False):
    """One that is given by a client in parts; who may be gone before the last."""
    parts = list(parts)
    last = {"type": "http.disconnect"} if gone else None

    async def receive():
        if len(parts) == 1 and last:
            return last
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    given = [(name.encode(), value.encode()) for name, value in headers]
    return Arrival({"type": "http", "headers": given}, receive)


def digest(*parts, boundary=None):
    kind = f"multipart/form-data; boundary={boundary}" if boundary else "audio/wav"
    found = arrival(parts, [("transfer-encoding", "chunked"), ("content-type", kind)])
    assert asyncio.run(found.rest())
    return found.digest


@pytest.mark.parametrize("boundary", ["x", "xx", "--7c1f"])
def test_a_form_has_the_same_digest_however_it_is_cut_and_whatever_its_boundary(boundary):
    form = FORM % (boundary.encode(), boundary.encode())
    whole = digest(FORM % (b"another", b"another"), boundary="another")
    for size in (1, 2, 3, 7, len(form)):
        parts = [form[i : i + size] for i in range(0, len(form), size)]
        assert digest(*parts, boundary=boundary) == whole
    assert digest(form.replace(b"sound", b"noise"), boundary=boundary) != whole


def test_what_is_no_form_is_digested_byte_by_byte():
    assert digest(b"so", b"und") == digest(b"sound") != digest(b"soun")


@pytest.mark.parametrize(
    ("headers", "whole"),
    [
        ([], True),
        ([("content-length", "0")], True),
        ([("content-length", "5")], False),
        ([("transfer-encoding", "chunked")], False),
    ],
)
def test_a_request_without_a_body_is_whole_at_once(headers, whole):
    assert arrival([b"sound"], headers).whole is whole


def test_a_body_that_does_not_come_to_its_end_is_not_whole():
    found = arrival([b"so", b"und"], [("content-length", "5")], gone=True)
    assert not asyncio.run(found.rest())
    assert not found.whole


def test_nothing_of_a_long_body_is_held():
    part = bytes(100_000)
    headers = [("content-length", "1"), ("content-type", "multipart/form-data; boundary=abc")]
    found = arrival([part] * 500, headers)  # 50 MB
    tracemalloc.start()
    assert asyncio.run(found.rest())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
