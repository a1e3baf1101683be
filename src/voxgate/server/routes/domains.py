"""Domains: tenants that know nothing of each other. For admins of the default one."""

from typing import Any

from fastapi import APIRouter, Request

from voxgate.errors import DomainExistsError
from voxgate.server.auth import Operating
from voxgate.server.routes.common import GroupName, problems, service_of
from voxgate.server.schemas import Names

router = APIRouter(prefix="/v1/domains", tags=["domains"])


@router.get("", summary="List domains", response_model=Names, responses=problems())
def show_all(request: Request, caller: Operating) -> dict[str, Any]:
    """The names of all domains."""
    return {"names": service_of(request).store.domains()}


@router.put("/{domain}", status_code=204, summary="Make a domain", responses=problems())
def put(request: Request, caller: Operating, domain: GroupName) -> None:
    """Make a domain, unless it is there."""
    try:
        service_of(request).store.add_domain(domain)
    except DomainExistsError:
        return


@router.delete("/{domain}", status_code=204, summary="Delete a domain", responses=problems(404))
def delete(request: Request, caller: Operating, domain: GroupName) -> None:
    """Forget a domain and all that is in it for good, and revoke its keys."""
    service_of(request).store.delete_domain(domain)
