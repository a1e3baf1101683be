"""Who asks, and what for: an API key, or a token of a provider that the operator trusts.

Where there is neither a key nor a provider, and the service listens on
its own machine only, whoever asks from there may do everything.
"""

import hashlib
import hmac
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import HTTPConnection

from voxgate.errors import StoreError
from voxgate.hosts import is_loopback
from voxgate.server.keys import KEY, SCOPES, Scope, digest_of, is_valid
from voxgate.server.service import Service, Tenant
from voxgate.server.tokens import BadTokenError
from voxgate.server.trace import note_caller, note_shed
from voxgate.store import DEFAULT_DOMAIN, ApiKey

HEADERS = ("X-API-Key", "Ocp-Apim-Subscription-Key")  # the second is that of Azure's clients
NOTED_EVERY_S = 60.0  # that a key is in use
_NOBODY = digest_of("")  # compared with where there is no such key
_LOCAL_NAME = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")


@dataclass(frozen=True)
class Caller:
    """Who asks: an id that may be logged, the domain, and what is allowed there."""

    key_id: str | None
    domain: str
    scopes: frozenset[str]
    tenant: Tenant

    def may(self, scope: Scope) -> bool:
        """Whether that is allowed; an admin may do everything."""
        return bool({scope, "admin"} & self.scopes)

    @property
    def is_operator(self) -> bool:
        """Whether it is an admin of the default domain, who sees to all domains."""
        return self.domain == DEFAULT_DOMAIN and self.may("admin")


def caller_of(connection: HTTPConnection) -> Caller:
    """Who asks, from the headers of a request or of a WebSocket; found and counted once.

    Raises:
        HTTPException: 401 for nobody that is known, 429 for too many requests at once.
    """
    known: Caller | None = getattr(connection.state, "caller", None)
    if known is not None:
        return known
    service: Service = connection.app.state.service
    given = _credential(connection)
    if given is None:
        caller = _anybody(connection, service)
    elif given.startswith("vg_"):
        caller = _of_key(given, service)
    else:
        caller = _of_token(given, service)
    note_caller(caller.key_id, caller.domain)
    _count(caller, service)
    connection.state.caller = caller
    return caller


def allowed(scope: Scope) -> Callable[..., Caller]:
    """What a route depends on to be used by those who may do that."""

    def check(request: Request) -> Caller:
        caller = caller_of(request)
        if not caller.may(scope):
            raise HTTPException(
                403, f"This key may not do that: it needs the scope {scope!r} and has "
                f"{', '.join(sorted(caller.scopes)) or 'none'}.",
            )  # fmt: skip
        return caller

    return check


def _operator(caller: Annotated[Caller, Depends(allowed("admin"))]) -> Caller:
    if not caller.is_operator:
        raise HTTPException(
            403, f"Only an admin of the domain {DEFAULT_DOMAIN!r} may do that, not one of "
            f"{caller.domain!r}.",
        )  # fmt: skip
    return caller


Verifying = Annotated[Caller, Depends(allowed("verify"))]
Enrolling = Annotated[Caller, Depends(allowed("enrol"))]
Administering = Annotated[Caller, Depends(allowed("admin"))]
Operating = Annotated[Caller, Depends(_operator)]

documented = [  # for OpenAPI only
    Depends(HTTPBearer(auto_error=False, description="An API key, or a token.")),
    Depends(APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key.")),
]


def _credential(connection: HTTPConnection) -> str | None:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    return next((value for name in HEADERS if (value := connection.headers.get(name))), None)


def _anybody(connection: HTTPConnection, service: Service) -> Caller:
    """Whoever asks from this machine, while there are no keys; but no page in a browser."""
    if service.tokens or not is_loopback(service.settings.host) or service.store.keys.list():
        raise _unknown("Send an API key: 'Authorization: Bearer vg_…', or X-API-Key.")
    origin = connection.headers.get("origin", "http://localhost").partition("://")[2]
    if not all(map(_LOCAL_NAME.fullmatch, (connection.headers.get("host", ""), origin))):
        raise _unknown("Without a key the service answers programs on its own machine only.")
    return Caller(None, DEFAULT_DOMAIN, frozenset(SCOPES), service.tenant(DEFAULT_DOMAIN))


def _of_key(text: str, service: Service) -> Caller:
    match = KEY.fullmatch(text)
    key = service.store.keys.find(match[1]) if match else None
    expected = key.digest if key else _NOBODY
    same = hmac.compare_digest(expected, digest_of(match[2] if match else ""))
    if not (key and match and same and is_valid(key)):
        raise _unknown("The API key is not known, or was revoked, or has expired.")
    _note_use(key, service)
    return Caller(key.id, key.domain, key.scopes, service.tenant(key.domain))


def _note_use(key: ApiKey, service: Service) -> None:
    """Note that a key is in use, seldom enough to cost nothing; a request never fails for it."""
    now = datetime.now(timezone.utc)
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() >= NOTED_EVERY_S:
        with suppress(StoreError):
            service.store.keys.touch(key.id, every_s=NOTED_EVERY_S)


def _of_token(text: str, service: Service) -> Caller:
    if service.tokens is None:
        raise _unknown("The API key is not known, or was revoked, or has expired.")
    try:
        subject, domain, scopes = service.tokens.check(text)
    except BadTokenError:
        raise _unknown("The token is not valid for this service, or has expired.") from None
    except ConnectionError as error:
        raise HTTPException(503, str(error), {"Retry-After": "5"}) from error
    name = hashlib.sha256(subject.encode()).hexdigest()[:12]  # a subject may be a person's name
    return Caller(f"oidc-{name}", domain, scopes, service.tenant(domain))


def _count(caller: Caller, service: Service) -> None:
    if not caller.key_id or not service.settings.rate_a_minute:
        return
    wait_s = service.rate.wait_s(caller.key_id)
    if wait_s:
        note_shed("rate")
        raise HTTPException(
            429,
            f"This key has asked more than {service.settings.rate_a_minute:g} times a minute; "
            f"wait {math.ceil(wait_s)} s.",
            {"Retry-After": str(math.ceil(wait_s))},
        )


def _unknown(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
