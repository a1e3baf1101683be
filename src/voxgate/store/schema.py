"""The tables of a store in an SQL database, and how a database is brought to them.

Speakers have random ids, so that what is sealed for one can never fit another. They belong to
a space, which is one side of one domain, and spaces have random ids, too. Times are integers:
microseconds since 1970 in UTC. Columns named `sealed_...` are encrypted, see
voxgate.store.crypto; all others are open, and of these the names are there to be searched.
"""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
    text,
)

from voxgate.errors import StoreError
from voxgate.store.crypto import Vault

HEAD = "0007"  # the newest revision in migrations/versions; a test compares

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
DEFAULT_SPACE = "default"  # id of the space of the default domain's speakers

_Name = String(256).with_variant(  # in the order of its characters everywhere
    String(256, collation="C"), "postgresql"
)
_Number = BigInteger().with_variant(Integer, "sqlite")  # counted up by the database


def _space_id(*, primary_key: bool = False) -> Column[str]:
    of_space = ForeignKey("spaces.id", ondelete="CASCADE")
    return Column("space_id", String(32), of_space, primary_key=primary_key, nullable=False)


def _speaker_id(*, primary_key: bool = False) -> Column[str]:
    of_speaker = ForeignKey("speakers.id", ondelete="CASCADE")
    return Column("speaker_id", String(32), of_speaker, primary_key=primary_key, nullable=False)


store = Table(  # has one row
    "store",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("key_check", LargeBinary, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sealed_audit_head", LargeBinary),  # how many entries there are, and the last one's mac
    Column("erasure_due", BigInteger),  # revision of a deletion whose traces are not removed yet
)
spaces = Table(  # the sides of all domains
    "spaces",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("domain", _Name, nullable=False),
    Column("side", String(16), nullable=False),  # "speakers" or "fraudsters"
    Column("revision", BigInteger, nullable=False),  # of the store, when last changed
    Column("created_us", BigInteger, nullable=False),
    UniqueConstraint("domain", "side"),
)
speakers = Table(
    "speakers",
    metadata,
    Column("id", String(32), primary_key=True),
    _space_id(),
    Column("name", _Name, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("sealed_metadata", LargeBinary),  # null: there is none
    UniqueConstraint("space_id", "name"),
)
opt_outs = Table(  # of people who are in no other table
    "opt_outs",
    metadata,
    _space_id(primary_key=True),
    Column("speaker", String(64), primary_key=True),  # keyed hash of the name
)
groups = Table(
    "speaker_groups",
    metadata,
    Column("id", String(32), primary_key=True),
    _space_id(),
    Column("name", _Name, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    UniqueConstraint("space_id", "name"),
)
members = Table(
    "group_members",
    metadata,
    Column(
        "group_id", String(32), ForeignKey("speaker_groups.id", ondelete="CASCADE"),
        primary_key=True, nullable=False,
    ),
    _speaker_id(primary_key=True),
)  # fmt: skip
Index(None, members.c.speaker_id)
samples = Table(
    "samples",
    metadata,
    Column("number", _Number, primary_key=True),  # rises in the order they came
    _speaker_id(),
    Column("id", String(32), nullable=False),
    Column("pack", String(256), nullable=False),
    Column("speech_s", Double, nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("sealed_embedding", LargeBinary, nullable=False),
    Column("sealed_facts", LargeBinary, nullable=False),
    UniqueConstraint("speaker_id", "id"),
)
voiceprints = Table(
    "voiceprints",
    metadata,
    Column("pack", String(256), primary_key=True),  # first: all of a pack are read at a time
    _speaker_id(primary_key=True),
    Column("speech_s", Double, nullable=False),
    Column("recordings", Integer, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("sealed_embedding", LargeBinary, nullable=False),
)
Index(None, voiceprints.c.speaker_id)
api_keys = Table(  # what they open is not in it: their secrets are kept by nobody
    "api_keys",
    metadata,
    Column("number", _Number, primary_key=True),  # rises in the order they were made
    Column("id", String(32), nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", String(256), nullable=False),  # with spaces between them
    Column("domain", _Name, nullable=False),
    Column("label", String(256), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("last_used_us", BigInteger),  # to the minute
)
audit_log = Table(  # triggers refuse to change or remove a row
    "audit_log",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("action", String(64), nullable=False),
    Column("speaker", String(64)),  # keyed hash of the name, never the name
    Column("sealed_detail", LargeBinary, nullable=False),
    Column("space_id", String(32), nullable=False, server_default=DEFAULT_SPACE),  # may be gone
    Column("mac", LargeBinary),  # over the entry and the mac of the one before: a chain
)
Index(None, audit_log.c.speaker)
Index(None, audit_log.c.space_id)
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    _space_id(),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("worker", String(64)),  # that has it
    Column("leased_until_us", BigInteger),
    Column("sealed_payload", LargeBinary),  # null: it is over
    Column("sealed_failures", LargeBinary),  # null: there are none
)
Index(None, jobs.c.space_id)
responses = Table(  # to requests with an idempotency key; of the space of a domain's speakers
    "responses",
    metadata,
    _space_id(primary_key=True),
    Column("key", String(64), primary_key=True),  # keyed hash
    Column("request", String(64), nullable=False),  # keyed hash: what is asked, by whom
    Column("created_us", BigInteger, nullable=False),
    Column("audited", BigInteger, nullable=False),  # number of the newest audit entry then
    Column("claim", String(32), nullable=False),
    Column("leased_until_us", BigInteger, nullable=False),
    Column("status", Integer),  # null: it is being worked on
    Column("speaker", String(64)),  # keyed hash of whom it is about; "": of nobody; null: any
    Column("sealed_body_digest", LargeBinary),
    Column("sealed_content", LargeBinary),  # null: forgotten
)
Index(None, responses.c.space_id, responses.c.speaker)
Index(None, responses.c.created_us)


def scope_of(space: str) -> tuple[str, ...]:
    """What values are sealed, and names hashed, with besides: none in the first of all spaces."""
    return () if space == DEFAULT_SPACE else (space,)


def revision_of(connection: Connection, name: str) -> str | None:
    """The schema revision a database records, or None if there is nothing in it.

    Raises:
        StoreError: it holds something else than a store; `name` is the database's.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if not {"alembic_version", "store"} <= tables:
        raise StoreError(
            f"{name} is the database of another program; choose another place with VOXGATE_STORE."
        )
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found)


def create(connection: Connection) -> None:
    """Make all tables at once in an empty database that is of this version only."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    connection.execute(text(f"INSERT INTO alembic_version VALUES ('{HEAD}')"))  # noqa: S608
    now_us = time.time_ns() // 1000
    facts = {"domain": DEFAULT_SPACE, "revision": 0, "created_us": now_us}
    made = [
        {"id": DEFAULT_SPACE, "side": "speakers", **facts},
        {"id": uuid.uuid4().hex, "side": "fraudsters", **facts},
    ]
    connection.execute(spaces.insert(), made)


def upgrade(
    connection: Connection, name: str, vault: Callable[[], Vault | None] = lambda: None
) -> None:
    """Bring the database to the newest revision, within the connection's transaction.

    Args:
        connection: to the database.
        name: what to call it in messages.
        vault: gives that of the store, or None while there is no store in the database.

    Raises:
        StoreError: a newer voxgate has made it, or another program.
    """
    # Slow to import, and most often there is nothing to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = str(Path(__file__).with_name("migrations"))
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes.update(connection=connection, vault=vault)
    recorded = revision_of(connection, name)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if recorded is not None and recorded not in known:
        raise StoreError(
            f"{name} was made by a newer version of voxgate (its schema is {recorded}, the newest "
            f"known here is {HEAD}); upgrade voxgate to open it."
        )
    try:
        command.upgrade(config, "head")
    finally:
        config.attributes.clear()  # else alembic's cycles would keep the database alive
