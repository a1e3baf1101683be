"""Whether the service lives, whether it can work, and its metrics. No key is asked for."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from voxgate.server.metrics import CONTENT_TYPE
from voxgate.server.service import Service

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether the process lives")
def alive() -> dict[str, str]:
    """200 for as long as it can answer at all."""
    return {"status": "alive"}


@router.get("/readyz", summary="Whether it can do its work", responses={503: {}})
def ready(request: Request) -> Response:
    """200 if requests may be sent; 503 with the reason if not: draining, store or workers."""
    service: Service = request.app.state.service
    reason = service.not_ready()
    if reason:
        return JSONResponse({"status": "not ready", "reason": reason}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics", summary="For Prometheus")
def metrics(request: Request) -> Response:
    """Counters of all service processes, in Prometheus' text format."""
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
