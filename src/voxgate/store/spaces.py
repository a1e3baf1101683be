"""Spaces, the sides of all domains: one holds the speakers, one the known fraudsters."""

import uuid
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from voxgate.errors import DomainExistsError, DomainNotFoundError, UsageError
from voxgate.store import DEFAULT_DOMAIN
from voxgate.store.schema import spaces, store
from voxgate.store.times import now_us

Side = Literal["speakers", "fraudsters"]

SIDES: tuple[Side, ...] = ("speakers", "fraudsters")


def find(connection: Connection, domain: str, side: Side) -> str:
    """The id of a side of a domain.

    Raises:
        DomainNotFoundError: there is no such domain.
    """
    query = select(spaces.c.id).where(spaces.c.domain == domain, spaces.c.side == side)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise DomainNotFoundError(domain)
    return str(found)


def ids(connection: Connection) -> list[str]:
    """The ids of all sides of all domains."""
    return list(connection.execute(select(spaces.c.id)).scalars())


def sides_of(connection: Connection, space: str) -> dict[Side, str]:
    """The ids of both sides of the domain that a space is a side of."""
    domain = select(spaces.c.domain).where(spaces.c.id == space).scalar_subquery()
    query = select(spaces.c.side, spaces.c.id).where(spaces.c.domain == domain)
    return {side: id for side, id in connection.execute(query)}


def domains(connection: Connection) -> list[str]:
    """The names of all domains, sorted."""
    return sorted(connection.execute(select(spaces.c.domain).distinct()).scalars())


def add(connection: Connection, domain: str) -> None:
    """Make the two sides of a new domain."""
    if domain in domains(connection):
        raise DomainExistsError(domain)
    revision = connection.execute(select(store.c.revision)).scalar_one()
    made = [
        {
            "id": uuid.uuid4().hex,
            "domain": domain,
            "side": side,
            "revision": revision,
            "created_us": now_us(),
        }
        for side in SIDES
    ]
    connection.execute(insert(spaces), made)


def remove(connection: Connection, domain: str) -> None:
    """Remove a domain with all that is in it (the foreign keys cascade)."""
    if domain == DEFAULT_DOMAIN:
        raise UsageError(f"The domain {domain!r} is always there; delete its speakers instead.")
    removed = connection.execute(delete(spaces).where(spaces.c.domain == domain))
    if not removed.rowcount:
        raise DomainNotFoundError(domain)
