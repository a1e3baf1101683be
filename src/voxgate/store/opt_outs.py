"""Who does not want to be in a space: keyed hashes of names, and nothing else."""

from typing import Any

from sqlalchemy import delete, insert, select

from voxgate.store.rows import Rows
from voxgate.store.schema import opt_outs


def put(rows: Rows, name: str) -> bool:
    """Refuse a name from now on, and say whether it was not refused already."""
    if holds(rows, name):
        return False
    values = {"space_id": rows.space, "speaker": rows.pseudonym(name)}
    rows.connection.execute(insert(opt_outs).values(values))
    return True


def remove(rows: Rows, name: str) -> bool:
    """Take a name in again, and say whether it was refused."""
    return rows.connection.execute(delete(opt_outs).where(_of(rows, name))).rowcount > 0


def holds(rows: Rows, name: str) -> bool:
    """Whether a name is refused."""
    query = select(opt_outs.c.speaker).where(_of(rows, name))
    return rows.connection.execute(query).first() is not None


def _of(rows: Rows, name: str) -> Any:
    hashed = rows.pseudonym(name)
    return (opt_outs.c.space_id == rows.space) & (opt_outs.c.speaker == hashed)
