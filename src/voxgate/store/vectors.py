"""The voiceprints as vectors in PostgreSQL, where pgvector finds the nearest of them.

They are the one thing of a voice that is not encrypted, as the database has to compare them.
They only say whom to look at: what is scored in the end is the sealed voiceprint. So whoever can
write this table can hide a voice from a search, but not put one in the place of another.

Up to `EXACT_UP_TO` voices are all compared. Among more an index of the pack's voices is used, a
graph of neighbours (HNSW: Malkov and Yashunin, TPAMI 2020) over half-precision copies, made when
the pack has so many. It may miss some of the nearest: see docs/scale.md.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

EXACT_UP_TO = 20_000  # voices of one search; some 20 ms on one core
COUNTED_FOR_S = 60.0  # how long a number of voices above that is taken to hold

_LINKS, _BUILD_EFFORT = 16, 64  # pgvector's own: of each voice in the graph, and to find them
_LEAST_EFFORT, _MOST_EFFORT = 200, 1000  # voices of the graph kept in view during a search
_SEARCHING = text(
    "SELECT set_config('hnsw.ef_search', :effort, true),"
    " set_config('hnsw.iterative_scan', 'relaxed_order', true),"  # go on until enough are in scope
    " set_config('plan_cache_mode', 'force_custom_plan', true)"  # it has to see which pack it is
)
_PUT = text(
    "INSERT INTO vectors (pack, speaker_id, space_id, embedding)"
    " VALUES (:pack, :speaker_id, :space_id, CAST(:embedding AS vector))"
)
_MISSING = text(
    "SELECT s.id, s.name FROM speakers s JOIN voiceprints p ON p.speaker_id = s.id"
    " LEFT JOIN vectors v ON v.pack = p.pack AND v.speaker_id = p.speaker_id"
    " WHERE s.space_id = :space AND p.pack = :pack AND v.speaker_id IS NULL"
)


Query: TypeAlias = "tuple[str, dict[str, Any]]"  # and its values


@dataclass(frozen=True)
class Scope:
    """Whose voices a search is among."""

    space: str  # its id
    pack: str
    names: Sequence[str] | None = None  # only speakers of these
    group: str | None = None  # only the members of the group of this id


class Found(NamedTuple):
    """What a search came to."""

    speaker_ids: list[str]
    voices: int  # how many there are in the scope


class Vectors:
    """The table of vectors of one database; its methods work within a transaction."""

    def __init__(self) -> None:
        self._counted: dict[tuple[Any, ...], tuple[float, int]] = {}  # when, and how many
        self._lock = threading.Lock()

    def put(
        self,
        connection: Connection,
        space: str,
        speaker_id: str,
        pack: str,
        vector: NDArray[np.float32],
    ) -> None:
        """Keep the vector of a voiceprint that was just written; it goes when that goes."""
        place = {"pack": pack, "speaker_id": speaker_id, "space_id": space}
        connection.execute(_PUT, {**place, "embedding": written(vector)})
        if not _indexed(connection, pack) and _at_least(connection, pack, EXACT_UP_TO):
            make_index(connection, pack, vector.size)

    def lacking(self, connection: Connection) -> bool:
        """Whether there are voiceprints without a vector; told by numbers alone."""
        query = "SELECT (SELECT count(*) FROM voiceprints) > (SELECT count(*) FROM vectors)"
        return bool(connection.exec_driver_sql(query).scalar_one())

    def missing(self, connection: Connection, space: str, pack: str) -> list[tuple[str, str]]:
        """Id and name of the speakers of a space whose voiceprint has no vector."""
        found = connection.execute(_MISSING, {"space": space, "pack": pack})
        return [(row.id, row.name) for row in found]

    def nearest(
        self,
        connection: Connection,
        scope: Scope,
        vector: NDArray[np.float32],
        count: int,
    ) -> Found:
        """The speakers whose voices are nearest to a vector by cosine, nearest first."""
        voices = self._count(connection, scope)
        found: list[str] = []
        if voices > EXACT_UP_TO and _indexed(connection, scope.pack):
            effort = str(min(_MOST_EFFORT, max(_LEAST_EFFORT, 2 * count)))
            connection.execute(_SEARCHING, {"effort": effort})
            found = _run(connection, _by_index(scope, vector, count))
        if len(found) < min(count, voices):  # few of those near are in scope: look at all that are
            found = _run(connection, _exactly(scope, vector, count))
        return Found(found, voices)

    def _count(self, connection: Connection, scope: Scope) -> int:
        """How many voices there are; of many, how many there were not long ago."""
        where, values = _where(scope)
        some = f"SELECT count(*) FROM (SELECT FROM vectors WHERE {where} LIMIT :most) AS found"  # noqa: S608
        bounded = {**values, "most": EXACT_UP_TO + 1}
        count = int(connection.execute(text(some), bounded).scalar_one())
        if count <= EXACT_UP_TO:
            return count
        key = (scope.space, scope.pack, scope.group)
        with self._lock:
            at, known = self._counted.get(key, (float("-inf"), 0))
        if scope.names is None and time.monotonic() - at < COUNTED_FOR_S:
            return known
        query = text(f"SELECT count(*) FROM vectors WHERE {where}")  # noqa: S608
        count = int(connection.execute(query, values).scalar_one())
        if scope.names is None:
            with self._lock:
                self._counted[key] = time.monotonic(), count
        return count


def make_index(connection: Connection, pack: str, dim: int) -> None:
    """Make the graph over the voices of a pack; nobody can enrol meanwhile."""
    connection.exec_driver_sql(
        f"CREATE INDEX {index_of(pack)} ON vectors"
        f" USING hnsw ((embedding::halfvec({dim})) halfvec_cosine_ops)"
        f" WITH (m = {_LINKS}, ef_construction = {_BUILD_EFFORT}) WHERE pack = {_quoted(pack)}"
    )


def index_of(pack: str) -> str:
    """The name of the index over the voices of a pack."""
    return f"vectors_of_{hashlib.sha256(pack.encode()).hexdigest()[:16]}"


def written(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it, exactly."""
    return f"[{','.join(map(repr, vector.astype(np.float32).astype(float).tolist()))}]"


def _exactly(scope: Scope, vector: NDArray[np.float32], count: int) -> Query:
    where, values = _where(scope)
    query = (
        f"SELECT speaker_id FROM vectors WHERE {where} AND vector_dims(embedding) = :dim"  # noqa: S608
        " ORDER BY embedding <=> CAST(:vector AS vector), speaker_id LIMIT :count"
    )
    return query, {**values, "dim": vector.size, "vector": written(vector), "count": count}


def _by_index(scope: Scope, vector: NDArray[np.float32], count: int) -> Query:
    where, values = _where(scope)
    half = f"halfvec({vector.size})"
    query = (
        f"SELECT speaker_id FROM vectors WHERE {where}"  # noqa: S608
        f" ORDER BY embedding::{half} <=> CAST(:vector AS {half}) LIMIT :count"
    )
    return query, {**values, "vector": written(vector), "count": count}


def _run(connection: Connection, query: Query) -> list[str]:
    return list(connection.execute(text(query[0]), query[1]).scalars())


def _where(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The condition for a vector to be in scope, and its values."""
    conditions = ["pack = :pack", "space_id = :space"]
    values: dict[str, Any] = {"pack": scope.pack, "space": scope.space}
    if scope.names is not None:
        conditions.append(
            "speaker_id IN (SELECT id FROM speakers WHERE space_id = :space AND name = ANY(:names))"
        )
        values["names"] = list(scope.names)
    if scope.group is not None:
        conditions.append(
            "speaker_id IN (SELECT speaker_id FROM group_members WHERE group_id = :group)"
        )
        values["group"] = scope.group
    return " AND ".join(conditions), values


def _indexed(connection: Connection, pack: str) -> bool:
    query = text("SELECT to_regclass(:name) IS NOT NULL")
    return bool(connection.execute(query, {"name": index_of(pack)}).scalar_one())


def _at_least(connection: Connection, pack: str, count: int) -> bool:
    query = text("SELECT FROM vectors WHERE pack = :pack OFFSET :before LIMIT 1")
    return connection.execute(query, {"pack": pack, "before": count - 1}).first() is not None


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
