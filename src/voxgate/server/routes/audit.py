"""The audit log of a domain."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from voxgate.server.auth import Administering
from voxgate.server.routes.common import problems
from voxgate.server.schemas import AuditLog, Name

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="Read the audit log", response_model=AuditLog, responses=problems())
def entries(
    caller: Administering,
    speaker: Annotated[Name | None, Query(description="Only what is about this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="The most of them.")] = 100,
) -> dict[str, Any]:
    """What was done in the domain, the newest first."""
    found = caller.tenant.store.audit_log(limit, speaker=speaker)
    return {"entries": [vars(entry) for entry in found]}
