"""The app: routes over a Service, with the edge round them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from voxgate import __version__
from voxgate.server import auth, errors, idempotency
from voxgate.server.door import Door
from voxgate.server.drain import Drain
from voxgate.server.edge import Edge
from voxgate.server.jobs import JobWorker
from voxgate.server.limits import BoundedBodies
from voxgate.server.routes import (
    audit,
    azure,
    compare,
    domains,
    enrolments,
    groups,
    health,
    identify,
    jobs,
    keys,
    speakers,
    stream,
    watchlists,
)
from voxgate.server.service import Service
from voxgate.server.settings import Settings
from voxgate.server.telemetry import Telemetry

V1 = (compare, speakers, enrolments, identify, groups, watchlists, jobs, domains, keys, audit)
ABOUT = (
    "Whose voice is it? Recordings may be of any audio format. Errors are problem+json (RFC 9457), "
    "and every answer has an X-Request-Id. docs/api.md shows each route with a curl line."
)


def create_app(settings: Settings, drain: Drain | None = None) -> FastAPI:
    """The service as an ASGI app.

    Args:
        settings: all there is to decide.
        drain: whether new requests are still taken; whoever runs the app starts it.

    Raises:
        VoxgateError: the pack or the store is missing or unsound, or an extra is; or it would
            be open to other machines, while there are no keys.
    """
    drain = drain or Drain(notice_s=settings.drain_notice_s, longest_s=settings.drain_longest_s)
    service = Service(settings, drain)
    telemetry = Telemetry.to_collector() if settings.telemetry else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker = JobWorker(service, settings.jobs)
        worker.start()
        yield
        worker.stop()
        service.close()
        if telemetry:
            telemetry.close()

    app = FastAPI(
        title="Voxgate",
        description=ABOUT,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from another machine
        redoc_url=None,
    )
    app.state.service = service
    errors.install(app)
    app.include_router(health.router)
    app.include_router(stream.router)
    for module in (*V1, azure):
        app.include_router(module.router, dependencies=auth.documented)
    idempotency.document(app)
    app.add_middleware(idempotency.Idempotency)
    most, upload = settings.largest_body_mb, settings.largest_upload_mb
    app.add_middleware(
        BoundedBodies, most=round(most * 1_000_000), upload=round(upload * 1_000_000)
    )
    app.add_middleware(Door, service=service)
    app.add_middleware(
        Edge,
        drain=drain,
        metrics=service.metrics,
        telemetry=telemetry,
        over_tls=settings.tls_certificate is not None,
    )
    return app
