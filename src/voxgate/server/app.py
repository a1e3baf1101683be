"""The app: routes over a Service, with the edge round them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from voxgate import __version__
from voxgate.server import errors
from voxgate.server.drain import Drain
from voxgate.server.edge import Edge
from voxgate.server.routes import azure, health, speakers
from voxgate.server.service import Service
from voxgate.server.settings import Settings
from voxgate.server.telemetry import Telemetry


def create_app(settings: Settings, drain: Drain | None = None) -> FastAPI:
    """The service as an ASGI app.

    Args:
        settings: all there is to decide.
        drain: whether new requests are still taken; whoever runs the app starts it.

    Raises:
        VoxgateError: the pack or the store is missing or unsound, or an extra is.
    """
    drain = drain or Drain(notice_s=settings.drain_notice_s, longest_s=settings.drain_longest_s)
    service = Service(settings, drain)
    telemetry = Telemetry.to_collector() if settings.telemetry else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()
        if telemetry:
            telemetry.close()

    app = FastAPI(
        title="Voxgate", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    errors.install(app)
    app.include_router(health.router)
    app.include_router(speakers.router)
    app.include_router(azure.router)
    app.add_middleware(
        Edge,
        drain=drain,
        metrics=service.metrics,
        telemetry=telemetry,
        over_tls=settings.tls_certificate is not None,
    )
    return app
