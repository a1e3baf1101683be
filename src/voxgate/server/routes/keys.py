"""API keys: those of one's own domain, and for admins of the default one those of all."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request

from voxgate.server.auth import Administering, Caller
from voxgate.server.keys import new_key, rotated
from voxgate.server.routes.common import problems, service_of
from voxgate.server.schemas import Keys, MadeKey, NewKey
from voxgate.store import ApiKey

router = APIRouter(prefix="/v1/keys", tags=["keys"])

KeyId = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]


@router.post(
    "", status_code=201, summary="Make a key", response_model=MadeKey, responses=problems(404)
)
def create(request: Request, caller: Administering, given: NewKey) -> dict[str, Any]:
    """Make an API key. It is shown this once."""
    domain = given.domain or caller.domain
    if domain != caller.domain and not caller.is_operator:
        raise HTTPException(403, f"This key makes keys of the domain {caller.domain!r} only.")
    valid = timedelta(days=given.valid_days) if given.valid_days else None
    key, text = new_key(frozenset(given.scopes), domain, given.label, valid)
    _add(request, caller, key)
    return {**_shown(key), "key": text}


@router.get("", summary="List keys", response_model=Keys, responses=problems())
def show_all(request: Request, caller: Administering) -> dict[str, Any]:
    """All keys that the caller may see, without their secrets."""
    keys = service_of(request).store.keys.list()
    return {"keys": [_shown(key) for key in keys if _sees(caller, key)]}


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=problems(404))
def revoke(request: Request, caller: Administering, key_id: KeyId) -> None:
    """From now on the key opens nothing."""
    key = _seen(request, caller, key_id)
    service_of(request).store.keys.revoke(key.id)
    if key.revoked_at is None:
        _note(request, caller, "revoke_key", key)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    summary="Rotate a key",
    response_model=MadeKey,
    responses=problems(404),
)
def rotate(request: Request, caller: Administering, key_id: KeyId) -> dict[str, Any]:
    """Make a key that may do the same; revoke the old one when nobody uses it any more."""
    key, text = rotated(_seen(request, caller, key_id))
    _add(request, caller, key, rotates=key_id)
    return {**_shown(key), "key": text}


def _sees(caller: Caller, key: ApiKey) -> bool:
    return key.domain == caller.domain or caller.is_operator


def _seen(request: Request, caller: Caller, key_id: str) -> ApiKey:
    key = service_of(request).store.keys.find(key_id)
    if key is None or not _sees(caller, key):
        raise HTTPException(404, f"There is no key {key_id}.")
    return key


def _add(request: Request, caller: Caller, key: ApiKey, **facts: str) -> None:
    store = service_of(request).store
    store.within(key.domain).revision()  # a domain that is not there, or not any more, has no keys
    store.keys.add(key)
    _note(request, caller, "add_key", key, **facts)


def _note(request: Request, caller: Caller, action: str, key: ApiKey, **facts: str) -> None:
    """Write to the audit log of the key's domain what was done with it, and with which key."""
    by = {"by": caller.key_id} if caller.key_id else {}
    service_of(request).store.within(key.domain).audit(action, None, {"key": key.id, **by, **facts})


def _shown(key: ApiKey) -> dict[str, Any]:
    facts = vars(replace(key, digest=b""))
    del facts["digest"]
    return {**facts, "scopes": sorted(key.scopes)}
