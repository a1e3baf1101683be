"""Spans, to a list instead of a collector."""

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from voxgate.server.drain import Drain
from voxgate.server.edge import Edge
from voxgate.server.metrics import Metrics
from voxgate.server.telemetry import Telemetry
from voxgate.server.trace import note_decision, stage

NAME = "ada-lovelace"


def verify(request):
    with stage("embed"):
        note_decision("verify", "reject")
    return PlainTextResponse("")


def fail(request):
    with stage("embed"):
        raise ValueError(NAME)


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def client(spans):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return client_of(Telemetry(provider))


def client_of(telemetry):
    app = Starlette(routes=[Route("/verify/{id}", verify), Route("/fail/{id}", fail)])
    drain = Drain(notice_s=0, longest_s=9)
    app.add_middleware(Edge, drain=drain, metrics=Metrics(), telemetry=telemetry)
    return TestClient(app)


def test_a_request_is_a_span_and_each_stage_one_below_it(client, spans):
    answer = client.get(f"/verify/{NAME}")
    embed, request = spans.get_finished_spans()
    assert (embed.name, request.name) == ("embed", "GET /verify/{id}")
    assert embed.parent.span_id == request.context.span_id
    assert dict(request.attributes) == {
        "http.request.method": "GET",
        "http.route": "/verify/{id}",
        "http.response.status_code": 200,
        "voxgate.request_id": answer.headers["x-request-id"],
        "voxgate.decisions": ("verify: reject",),
    }


def test_a_request_that_belongs_to_a_trace_stays_in_it(client, spans):
    ids = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    client.get("/verify/x", headers={"traceparent": f"00-{ids[0]}-{ids[1]}-01"})
    request = spans.get_finished_spans()[-1]
    assert f"{request.context.trace_id:032x}" == ids[0]
    assert f"{request.parent.span_id:016x}" == ids[1]


def test_nothing_secret_is_in_a_span_of_what_went_wrong(client, spans):
    assert client.get(f"/fail/{NAME}").status_code == 500
    found = spans.get_finished_spans()
    assert [span.name for span in found] == ["embed", "GET /fail/{id}"]
    assert NAME not in "".join(span.to_json() for span in found)


class Collector(BaseHTTPRequestHandler):
    """Keeps what is sent to it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


def test_spans_go_to_the_collector_that_the_variables_name(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.received = []
        listening = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        listening.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        telemetry = Telemetry.to_collector()
        client_of(telemetry).get(f"/verify/{NAME}")
        telemetry.close()
        server.shutdown()
        listening.join()
    ((path, body),) = server.received
    assert path == "/v1/traces"
    assert b"GET /verify/{id}" in body
    assert b"voxgate" in body
    assert NAME.encode() not in body
