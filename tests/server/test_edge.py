"""The outermost layer: ids, headers, counting, refusing, and errors nobody foresaw."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from voxgate.server.drain import Drain
from voxgate.server.edge import SECURITY_HEADERS, Edge
from voxgate.server.metrics import Metrics
from voxgate.server.trace import note_caller, note_decision

NAME = "ada-lovelace"  # of a speaker: in paths, and nowhere else
KEY = "vg_abc_secret"


async def read(request):
    note_caller("abc", "acme")
    note_decision("verify", "accept")
    return PlainTextResponse(f"{len(await request.body())} {request.state.request_id}")


async def fail(request):
    raise RuntimeError(f"the speaker {NAME} and {KEY}")


async def echo(websocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


async def page(request):
    headers = {"Content-Security-Policy": "default-src 'self'"}
    return PlainTextResponse("page", headers=headers)


async def alive(request):
    return PlainTextResponse("alive")


class Desk:
    """An edge, its parts, and a client."""

    def __init__(self, **options):
        self.drain = Drain(notice_s=0, longest_s=9)
        self.metrics = Metrics()
        app = Starlette(
            routes=[
                Route("/speakers/{id}", read, methods=["POST"]),
                Route("/fail/{id}", fail),
                Route("/page", page),
                Route("/healthz", alive),
                WebSocketRoute("/echo", echo),
            ]
        )
        app.add_middleware(Edge, drain=self.drain, metrics=self.metrics, **options)
        self.client = TestClient(app)

    def told(self):
        return self.metrics.text().decode()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.INFO, logger="voxgate")
    return lambda: caplog.records


def test_an_answer_carries_an_id_and_the_security_headers(desk):
    answer = desk.client.post(f"/speakers/{NAME}", content=b"123")
    assert answer.text == f"3 {answer.headers['x-request-id']}"
    assert len(answer.headers["x-request-id"]) == 32
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert "strict-transport-security" not in answer.headers


def test_over_tls_browsers_are_told_to_come_back_by_tls():
    answer = Desk(over_tls=True).client.get("/page")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_page_keeps_a_policy_of_its_own(desk):
    assert desk.client.get("/page").headers["content-security-policy"] == "default-src 'self'"


@pytest.mark.parametrize(
    ("given", "kept"), [("a-1.b:2_c", True), ("a b", False), ("x" * 65, False)]
)
def test_an_id_of_the_caller_is_kept_where_it_is_fit_to_be_logged(desk, given, kept):
    answer = desk.client.post("/speakers/x", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is kept


def test_the_log_tells_of_a_request_by_its_pattern(desk, records):
    desk.client.post(f"/speakers/{NAME}?note={NAME}", headers={"Authorization": f"Bearer {KEY}"})
    (record,) = records()
    assert record.route == "/speakers/{id}"
    assert (record.method, record.status, record.key_id, record.domain) == (
        "POST", 200, "abc", "acme",
    )  # fmt: skip
    assert record.decisions == [{"asked": "verify", "outcome": "accept"}]
    assert NAME not in str(vars(record))
    assert KEY not in str(vars(record))


def test_metrics_tell_of_it_by_its_pattern(desk):
    desk.client.post(f"/speakers/{NAME}")
    told = desk.told()
    assert 'voxgate_requests_total{method="POST",route="/speakers/{id}",status="200"} 1.0' in told
    assert 'voxgate_decisions_total{asked="verify",outcome="accept"} 1.0' in told
    assert 'voxgate_stage_seconds_count{stage="receive"} 1.0' in told
    assert NAME not in told


def test_a_path_or_method_that_is_not_known_makes_no_label_of_its_own(desk):
    desk.client.get(f"/{NAME}")
    desk.client.request("BREW", f"/{NAME}")
    told = desk.told()
    assert 'method="GET",route="(none)",status="404"' in told
    assert 'method="OTHER",route="(none)",status="404"' in told


def test_an_error_nobody_foresaw_becomes_a_500_that_says_nothing_of_it(desk, records):
    answer = desk.client.get(f"/fail/{NAME}")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert NAME not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    failed, told = records()
    assert failed.exc_info[0] is RuntimeError
    assert (told.status, told.route) == (500, "/fail/{id}")


def test_while_it_drains_new_requests_are_refused(desk):
    desk.drain.start()
    answer = desk.client.post(f"/speakers/{NAME}", content=b"1")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["connection"] == "close"
    assert answer.json()["detail"] == "The service is going down; send the request again."
    assert 'voxgate_requests_shed_total{reason="draining"} 1.0' in desk.told()
    with pytest.raises(WebSocketDisconnect) as closed, desk.client.websocket_connect("/echo"):
        pass
    assert closed.value.code == 1012


def test_whoever_watches_it_is_answered_while_it_drains_and_not_counted(desk, records):
    desk.drain.start()
    assert desk.client.get("/healthz").text == "alive"
    assert records() == []
    assert "healthz" not in desk.told()


def test_a_websocket_is_counted_like_a_request(desk, records):
    with desk.client.websocket_connect("/echo") as socket:
        assert desk.drain.in_flight == 1
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    assert desk.drain.in_flight == 0
    (record,) = records()
    assert (record.method, record.status, record.route) == ("WEBSOCKET", 101, "/echo")
