"""Reading and writing the groups of a space, within one transaction."""

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select

from voxgate.errors import GroupNotFoundError
from voxgate.store import GroupSummary
from voxgate.store.rows import Rows
from voxgate.store.schema import groups, members, speakers
from voxgate.store.times import now_us, to_datetime


def put(rows: Rows, name: str) -> bool:
    """Make a group, and say whether it was not there."""
    if _id_of(rows, name) is not None:
        return False
    values = {"id": uuid.uuid4().hex, "space_id": rows.space, "name": name, "created_us": now_us()}
    rows.connection.execute(insert(groups).values(values))
    return True


def summaries(rows: Rows, name: str | None = None) -> list[GroupSummary]:
    """All groups by name, or only the one."""
    size = func.count(members.c.speaker_id)
    query = (
        select(groups.c.name, size.label("size"), groups.c.created_us)
        .outerjoin(members)
        .where(groups.c.space_id == rows.space)
        .group_by(groups.c.id, groups.c.name, groups.c.created_us)
    )
    if name is not None:
        query = query.where(groups.c.name == name)
    found = rows.connection.execute(query)
    summed = [GroupSummary(row.name, row.size, to_datetime(row.created_us)) for row in found]
    return sorted(summed, key=lambda group: group.name)


def remove(rows: Rows, group: str) -> None:
    """Remove the group of an id; its members stay speakers."""
    rows.connection.execute(delete(groups).where(groups.c.id == group))


def required(rows: Rows, name: str) -> str:
    """The id of a group, or a GroupNotFoundError."""
    group = _id_of(rows, name)
    if group is None:
        raise GroupNotFoundError(name)
    return group


def names_in(rows: Rows, group: str) -> list[str]:
    """The names of a group's members, sorted."""
    query = select(speakers.c.name).join(members).where(members.c.group_id == group)
    return sorted(rows.connection.execute(query).scalars())


def add_members(rows: Rows, group: str, speaker_ids: Sequence[str]) -> None:
    """Put speakers into a group, those who are not in it."""
    query = select(members.c.speaker_id).where(members.c.group_id == group)
    there = set(rows.connection.execute(query).scalars())
    added = [one for one in dict.fromkeys(speaker_ids) if one not in there]
    if added:
        new = [{"group_id": group, "speaker_id": one} for one in added]
        rows.connection.execute(insert(members), new)


def remove_members(rows: Rows, group: str, speaker_ids: Sequence[str]) -> None:
    """Take speakers out of a group."""
    of_group = (members.c.group_id == group) & members.c.speaker_id.in_(speaker_ids)
    rows.connection.execute(delete(members).where(of_group))


def _id_of(rows: Rows, name: str) -> str | None:
    query = select(groups.c.id).where(groups.c.space_id == rows.space, groups.c.name == name)
    return rows.connection.execute(query).scalar_one_or_none()
