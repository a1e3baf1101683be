"""A service without voices, run as a process of its own: what serving and processes do to it."""

import argparse
import os
import sys
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from voxgate.server.drain import Drain
from voxgate.server.edge import Edge
from voxgate.server.metrics import Metrics
from voxgate.server.processes import run
from voxgate.server.serving import Serving, Tls


def slow(request: Request) -> Response:
    time.sleep(float(request.query_params["s"]))
    return PlainTextResponse("done")


def pid(request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


def ready(request: Request) -> Response:
    return PlainTextResponse("", 503 if request.app.state.drain.started else 200)


def metrics(request: Request) -> Response:
    return Response(request.app.state.metrics.text())


def make_app(drain: Drain) -> Starlette:
    app = Starlette(
        routes=[
            Route("/slow/{name}", slow),
            Route("/pid", pid),
            Route("/readyz", ready),
            Route("/metrics", metrics),
        ]
    )
    app.state.drain, app.state.metrics = drain, Metrics()
    app.add_middleware(Edge, drain=drain, metrics=app.state.metrics)
    return app


def fail(drain: Drain) -> Starlette:
    raise ValueError("no pack")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--notice", type=float, default=0.0)
    parser.add_argument("--longest", type=float, default=20.0)
    parser.add_argument("--tls", type=Path, nargs=2)
    parser.add_argument("--client-ca", type=Path)
    parser.add_argument("--fail", action="store_true")
    words = parser.parse_args()
    tls = Tls(*words.tls, client_ca=words.client_ca) if words.tls else None
    serving = Serving(
        port=words.port,
        processes=words.processes,
        tls=tls,
        drain_notice_s=words.notice,
        drain_longest_s=words.longest,
    )
    sys.exit(run(fail if words.fail else make_app, serving))


if __name__ == "__main__":
    main()
