"""What requests with an idempotency key were answered, in an SQL database.

Keys and requests are kept as keyed hashes, as they may name people, and answers are sealed. An
answer about one speaker is found by a keyed hash of the name, and forgotten with the speaker; one
that may name anybody is forgotten with whoever is the next to go.
"""

import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, or_, select, update

from voxgate.errors import KeyReusedError, RequestInProgressError
from voxgate.store import spaces
from voxgate.store.checks import clean_name
from voxgate.store.entities import Answer, Claim
from voxgate.store.rows import Rows
from voxgate.store.schema import audit_log, responses, scope_of
from voxgate.store.times import now_us

Transaction = Callable[[], AbstractContextManager[Rows]]

KEPT_S = 24 * 3600
LONGEST_ANSWER = 2**20  # bytes of one that is kept
ERASING = ("delete", "opt_out", "reset", "remove_sample")  # actions in the audit log
_MICROSECONDS = 1_000_000
_NOBODY = ""


class SqlResponses:
    """Keeps answers; see `voxgate.store.Responses`."""

    def __init__(self, writing: Transaction) -> None:
        """Give the transaction of a view on the speakers of the domain."""
        self._writing = writing

    def begin(self, key: str, request: str, *, lease_s: float) -> Claim | Answer:
        at_us = now_us()
        with self._writing() as rows:
            old = responses.c.created_us < at_us - KEPT_S * _MICROSECONDS
            rows.connection.execute(delete(responses).where(old))
            hashed = _keyed(rows, "key", key)
            asked = _keyed(rows, "request", request)
            row = rows.connection.execute(select(responses).where(_of(rows, hashed))).first()
            if row is not None:
                if row.request != asked:
                    raise KeyReusedError
                if row.status is not None:
                    return _answer(rows, row)
                if row.leased_until_us > at_us:
                    raise RequestInProgressError
                rows.connection.execute(delete(responses).where(_of(rows, hashed)))
            return _claimed(rows, hashed, asked, at_us, lease_s)

    def renew(self, claim: Claim, *, lease_s: float) -> None:
        until_us = now_us() + round(lease_s * _MICROSECONDS)
        with self._writing() as rows:
            change = update(responses).where(_held(rows, claim))
            rows.connection.execute(change.values(leased_until_us=until_us))

    def finish(self, claim: Claim, answer: Answer, *, names: Collection[str] | None) -> None:
        with self._writing() as rows:
            row = rows.connection.execute(select(responses).where(_held(rows, claim))).first()
            if row is None:
                return
            name = _the_one(names)
            place = _place(rows, row.key, row.request, answer.status)
            content = answer.content or b""
            forgotten = answer.content is None or len(content) > LONGEST_ANSWER
            forgotten = forgotten or _erased_since(rows, row.audited, name)
            seal = rows.vault.seal
            values = {
                "status": answer.status,
                "speaker": _pseudonym(rows, rows.space, name),
                "sealed_body_digest": seal(answer.body_digest, "responses.body_digest", *place),
                "sealed_content": None if forgotten else seal(content, "responses.content", *place),
            }
            change = update(responses).where(_held(rows, claim))
            rows.connection.execute(change.values(values))

    def release(self, claim: Claim) -> None:
        with self._writing() as rows:
            rows.connection.execute(delete(responses).where(_held(rows, claim)))


def blank(rows: Rows, name: str | None = None) -> None:
    """Forget what was answered about a speaker of the domain, or may be; or about anybody."""
    space = spaces.sides_of(rows.connection, rows.space)["speakers"]
    of = responses.c.speaker
    about = of != _NOBODY if name is None else of == _pseudonym(rows, space, name)
    kept = (responses.c.space_id == space) & responses.c.sealed_content.is_not(None)
    change = update(responses).where(kept, or_(of.is_(None), about))
    if rows.connection.execute(change.values(sealed_content=None)).rowcount:
        rows.raise_revision(erasure=True)


def _claimed(rows: Rows, key: str, request: str, at_us: int, lease_s: float) -> Claim:
    claim = Claim(key, uuid.uuid4().hex)
    newest = select(func.coalesce(func.max(audit_log.c.number), 0))
    values = {
        "space_id": rows.space,
        "key": key,
        "request": request,
        "created_us": at_us,
        "audited": newest.scalar_subquery(),
        "claim": claim.token,
        "leased_until_us": at_us + round(lease_s * _MICROSECONDS),
    }
    rows.connection.execute(insert(responses).values(values))
    return claim


def _the_one(names: Collection[str] | None) -> str | None:
    """The only name there is, or that of nobody; None where there may be several."""
    if names is None or len(names) > 1:
        return None
    return next((clean_name(name) for name in names), _NOBODY)


def _pseudonym(rows: Rows, space: str, name: str | None) -> str | None:
    """What stands for a name in this table, on whichever side of the domain it is."""
    return rows.vault.pseudonym(name, "responses.speaker", space) if name else name


def _erased_since(rows: Rows, number: int, name: str | None) -> bool:
    """Whether somebody of a name, or anybody, was erased after an entry of the audit log."""
    if name == _NOBODY:
        return False
    both = spaces.sides_of(rows.connection, rows.space).values()
    query = select(audit_log.c.number).where(
        audit_log.c.number > number,
        audit_log.c.action.in_(ERASING),
        audit_log.c.space_id.in_(both),
    )
    if name is not None:
        hashed = [rows.vault.pseudonym(name, *scope_of(space)) for space in both]
        query = query.where(audit_log.c.speaker.in_(hashed))
    return rows.connection.execute(query.limit(1)).first() is not None


def _answer(rows: Rows, row: Row[Any]) -> Answer:
    place = _place(rows, row.key, row.request, row.status)
    what = "An answer to a request"
    sealed, content = row.sealed_content, None
    if sealed is not None:
        content = rows.vault.open(sealed, "responses.content", *place, what=what)
    digest = row.sealed_body_digest
    opened = rows.vault.open(digest, "responses.body_digest", *place, what=what)
    return Answer(row.status, opened, content)


def _place(rows: Rows, key: str, request: str, status: int) -> tuple[str | int, ...]:
    return (rows.space, key, request, status)


def _keyed(rows: Rows, column: str, value: str) -> str:
    return rows.vault.pseudonym(value, f"responses.{column}", rows.space)


def _of(rows: Rows, key: str) -> ColumnElement[bool]:
    return (responses.c.space_id == rows.space) & (responses.c.key == key)


def _held(rows: Rows, claim: Claim) -> ColumnElement[bool]:
    """The row of a claim while it is worked on, and nobody else has the key."""
    mine = responses.c.claim == claim.token
    return _of(rows, claim.key) & mine & responses.c.status.is_(None)
