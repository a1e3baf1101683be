"""Domains with two sides, opt-outs, groups and metadata of speakers; the audit log chained.

What a store of 0001 holds becomes the speakers of the default domain. Going down forgets what
0001 has no place for: all other domains, fraudsters, opt-outs, groups and metadata.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context, op

from voxgate.store import chain

revision = "0002"
down_revision = "0001"

_DEFAULT = "default"
_NAME = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
_OF_SPEAKERS = ("samples", "voiceprints")
_AT_ONCE = 1000  # entries in memory while they are chained
_REFUSALS = {"update": "changed", "delete": "removed"}


def upgrade() -> None:
    """Make the new tables, and put everything that is there into the default domain."""
    op.create_table(
        "spaces",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("domain", _NAME, nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("domain", "side"),
    )
    _make_default_domain()
    with _children_aside():
        with op.batch_alter_table("speakers") as speakers:
            speakers.add_column(
                sa.Column("space_id", sa.String(32), nullable=False, server_default=_DEFAULT)
            )
            speakers.add_column(sa.Column("sealed_metadata", sa.LargeBinary))
            speakers.drop_constraint("uq_speakers_name", type_="unique")
            speakers.create_unique_constraint("uq_speakers_space_id_name", ["space_id", "name"])
            speakers.create_foreign_key(
                "fk_speakers_spaces", "spaces", ["space_id"], ["id"], ondelete="CASCADE"
            )
        with op.batch_alter_table("speakers") as speakers:
            speakers.alter_column("space_id", server_default=None)
    op.create_table(
        "opt_outs",
        _reference("space_id", "spaces.id", primary_key=True),
        sa.Column("speaker", sa.String(64), primary_key=True),
    )
    op.create_table(
        "speaker_groups",
        sa.Column("id", sa.String(32), primary_key=True),
        _reference("space_id", "spaces.id"),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("space_id", "name"),
    )
    op.create_table(
        "group_members",
        _reference("group_id", "speaker_groups.id", primary_key=True),
        _reference("speaker_id", "speakers.id", primary_key=True),
    )
    op.create_index("ix_group_members_speaker_id", "group_members", ["speaker_id"])
    op.add_column(
        "audit_log",
        sa.Column("space_id", sa.String(32), nullable=False, server_default=_DEFAULT),
    )
    op.create_index("ix_audit_log_space_id", "audit_log", ["space_id"])
    op.add_column("audit_log", sa.Column("mac", sa.LargeBinary))
    op.add_column("store", sa.Column("sealed_audit_head", sa.LargeBinary))
    _chain_audit_log()


def downgrade() -> None:
    """Leave the speakers of the default domain, and what was audited about them."""
    elsewhere = f"space_id <> '{_DEFAULT}'"
    for table in ("group_members", "speaker_groups", "opt_outs"):
        op.drop_table(table)
    of_others = f"speaker_id IN (SELECT id FROM speakers WHERE {elsewhere})"  # noqa: S608
    for table in _OF_SPEAKERS:  # the foreign keys may not be in force
        op.execute(f"DELETE FROM {table} WHERE {of_others}")  # noqa: S608
    op.execute(f"DELETE FROM speakers WHERE {elsewhere}")  # noqa: S608
    with _children_aside(), op.batch_alter_table("speakers") as speakers:
        speakers.drop_constraint("fk_speakers_spaces", type_="foreignkey")
        speakers.drop_constraint("uq_speakers_space_id_name", type_="unique")
        speakers.drop_column("sealed_metadata")
        speakers.drop_column("space_id")
        speakers.create_unique_constraint("uq_speakers_name", ["name"])
    op.drop_table("spaces")
    with _audit_log_open():
        op.execute(f"DELETE FROM audit_log WHERE {elsewhere}")  # noqa: S608
        op.drop_index("ix_audit_log_space_id", "audit_log")
        op.drop_column("audit_log", "space_id")
        op.drop_column("audit_log", "mac")
    op.drop_column("store", "sealed_audit_head")
    op.execute("UPDATE store SET revision = revision + 1, erasure_due = revision + 1")


def _make_default_domain() -> None:
    """The two sides of the default domain, as old as the store's first speaker."""
    found = op.get_bind().execute(sa.text("SELECT min(created_us) FROM speakers")).scalar()
    revision = op.get_bind().execute(sa.text("SELECT max(revision) FROM store")).scalar()
    facts = {
        "domain": _DEFAULT,
        "revision": revision or 0,
        "created_us": time.time_ns() // 1000 if found is None else found,
    }
    names = ("id", "side", *facts)
    spaces = sa.table("spaces", *(sa.column(name) for name in names))
    op.bulk_insert(
        spaces,
        [
            {"id": _DEFAULT, "side": "speakers", **facts},
            {"id": uuid.uuid4().hex, "side": "fraudsters", **facts},
        ],
    )


def _chain_audit_log() -> None:
    """Chain the entries there are, if there is a store in the database already."""
    vault = context.config.attributes["vault"]() if _count("store") else None
    if vault is None:
        return
    entries = sa.table(
        "audit_log", *(sa.column(name) for name in (*chain.CHAINED, "number", "mac"))
    )
    stores = sa.table("store", sa.column("sealed_audit_head"))
    head, number = chain.START, 0
    query = sa.select(*(entries.c[name] for name in ("number", *chain.CHAINED)))
    query = query.order_by(entries.c.number).limit(_AT_ONCE)
    with _audit_log_open():
        while rows := op.get_bind().execute(query.where(entries.c.number > number)).all():
            for number, *facts in rows:
                head = head.after(vault, facts)
                entry = sa.update(entries).where(entries.c.number == number)
                op.execute(entry.values(mac=head.mac))
    op.execute(sa.update(stores).values(sealed_audit_head=head.sealed(vault)))


def _count(table: str) -> int:
    query = sa.select(sa.func.count()).select_from(sa.table(table))
    return int(op.get_bind().execute(query).scalar_one())


def _reference(name: str, target: str, *, primary_key: bool = False) -> sa.Column[str]:
    foreign_key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.String(32), foreign_key, primary_key=primary_key, nullable=False)


@contextmanager
def _children_aside() -> Iterator[None]:
    """While speakers are altered: SQLite makes their table anew, which empties its children."""
    if op.get_bind().dialect.name != "sqlite":
        yield
        return
    for table in _OF_SPEAKERS:
        op.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608
        op.execute(f"DELETE FROM {table}")  # noqa: S608
    yield
    for table in _OF_SPEAKERS:
        op.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")  # noqa: S608
        op.execute(f"DROP TABLE kept_{table}")


@contextmanager
def _audit_log_open() -> Iterator[None]:
    """While the audit log itself is altered: without the triggers that refuse it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        yield
        op.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")
        return
    for verb in _REFUSALS:
        op.execute(f"DROP TRIGGER audit_log_no_{verb}")
    yield
    for verb, participle in _REFUSALS.items():
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb} BEFORE {verb} ON audit_log "
            f"BEGIN SELECT RAISE(ABORT, 'the audit log cannot be {participle}'); END"
        )
