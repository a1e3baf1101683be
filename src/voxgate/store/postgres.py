"""Stores in PostgreSQL, which many processes on many machines may share."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError

from voxgate.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreWriteError
from voxgate.extras import need
from voxgate.store.sql import SqlStore
from voxgate.store.vectors import Vectors

BUSY_S = 10.0  # how long to wait for other writers, or for a connection, before giving up

_DRIVER = "postgresql+psycopg"
_CONNECTIONS = 10  # kept by each process; as many again while it is busy
_WRITERS = 0x566F7867617465  # "Voxgate": the advisory lock that whoever writes holds
ERASED_UP_TO = 64 * 2**20  # bytes of tables that are written afresh: a second or so
STALLED_S = 30.0  # a writer that says nothing for so long loses its transaction and the lock
_CONNECTING = {  # parameters of libpq; those that the URL gives come before these
    "application_name": "voxgate",
    "connect_timeout": "5",  # s
    "keepalives_idle": "30",  # s
    "tcp_user_timeout": "15000",  # ms until a server that answers nothing is given up
}
_BEGIN_WRITING = text(f"""SELECT set_config('lock_timeout', :busy, true),
    set_config('idle_in_transaction_session_timeout', :stalled, true),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true),
    pg_advisory_xact_lock({_WRITERS})""")  # the last of them, as it waits
_OF_SPEAKERS = (  # tables that say who or how
    "spaces", "speakers", "samples", "voiceprints", "vectors", "speaker_groups", "group_members",
    "jobs", "responses",
)  # fmt: skip
_SIZE = "SELECT " + " + ".join(f"pg_total_relation_size('{table}')" for table in _OF_SPEAKERS)


class _Refusal(NamedTuple):
    states: tuple[str, ...]  # SQLSTATE codes, or classes of them: their first two characters
    error: type[StoreError]
    meaning: str


_REFUSALS = (  # appendix A of PostgreSQL's manual
    _Refusal(("55P03", "40"), StoreWriteError,
             "is being written by others; try again in a moment."),
    _Refusal(("25006",), StoreWriteError,
             "is a replica, or set to read-only; name the server that may be written in "
             "VOXGATE_STORE."),
    _Refusal(("42501",), StoreWriteError,
             "does not let its user do this; grant the rights, or name another user in "
             "VOXGATE_STORE."),
    _Refusal(("53100",), StoreWriteError, "has no room: the disk is full, nothing was written."),
    _Refusal(("28",), StoreError,
             "refuses the user or the password; put right ones in VOXGATE_STORE."),
    _Refusal(("3D000",), StoreError, "does not exist; make it with: createdb"),
    _Refusal(("XX001", "XX002"), StoreCorruptError, "is damaged; restore it from a backup."),
    _Refusal(("08", "53", "57"), StoreUnavailableError, "cannot be used now; try again."),
)  # fmt: skip


def open_postgres(url: str, *, key: bytes | None = None) -> SqlStore:
    """Open the store in the database of a URL such as "postgresql://user@host/voxgate".

    What libpq understands may follow, such as "?sslmode=verify-full". The tables are made at
    first use. The key comes from VOXGATE_KEY: no file lies next to a database of many machines.
    """
    need("psycopg", "postgres")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # which may show the password
        raise StoreError(
            "The URL of the PostgreSQL store cannot be read; "
            "write postgresql://user:password@host:5432/voxgate."
        ) from None
    database = PostgresDatabase(parsed)
    try:
        return SqlStore(database, key)
    except BaseException:
        database.close()
        raise


class PostgresDatabase:
    """A PostgreSQL database: its connections, its transactions, and sentences for its errors."""

    key_file = None

    def __init__(self, url: URL) -> None:
        self.name = _name_of(url)
        self.vectors = Vectors()
        engine = _engine(url)
        reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._readers = engine.execution_options(**reading)
        self._writers = engine.execution_options(isolation_level="READ COMMITTED")
        self._outside = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.close = weakref.finalize(self, engine.dispose)  # also when it is forgotten

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database, whatever others write."""
        with self._sentences(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other process writes during; undone if an error leaves it.

        What it commits is on the disk when it ends, also where the server's own setting is not
        to wait for that.
        """
        with self._sentences(), self._writers.begin() as connection:
            connection.execute(_BEGIN_WRITING, {"busy": _ms(BUSY_S), "stalled": _ms(STALLED_S)})
            yield connection

    def prepare(self) -> None:
        """Nothing: the server is set up by whoever runs it."""

    def erase(self, *, wait: bool = True) -> bool:
        """Write the tables afresh, so that they hold only what was not deleted.

        Nobody reads or writes meanwhile, so it is done while they are small. Larger ones are for
        whoever runs the server to write afresh, see docs/scale.md: the bytes of what was deleted
        stay in their pages, where no query finds them, until new rows take the place. The
        write-ahead log, replicas and backups are not the store's to change at all.

        Returns:
            Whether it was done.

        Raises:
            StoreWriteError: others use the store all the time, or the disk is full.
        """
        with self._sentences(), self._outside.connect() as connection, _dropped(connection):
            if connection.exec_driver_sql(_SIZE).scalar_one() > ERASED_UP_TO:
                return False
            connection.exec_driver_sql(f"SET lock_timeout = '{_ms(BUSY_S if wait else 0.001)}'")
            connection.exec_driver_sql(f"VACUUM (FULL) {', '.join(_OF_SPEAKERS)}")
            return True

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn what PostgreSQL says into errors of the store."""
        try:
            yield
        except SQLAlchemyError as error:
            raise self._in_words(error) from error

    def _in_words(self, error: SQLAlchemyError) -> StoreError:
        store = f"The store {self.name}"
        if isinstance(error, NoConnectionLeftError):
            return StoreUnavailableError(f"{store} has no connection left; try again in a moment.")
        cause = error.orig if isinstance(error, DBAPIError) else error
        first_line = str(cause).partition("\n")[0]  # what follows may show values of rows
        state = getattr(cause, "sqlstate", None) or ""
        for refusal in _REFUSALS:
            if state.startswith(refusal.states):
                return refusal.error(f"{store} {refusal.meaning}")
        if isinstance(error, DBAPIError) and (error.connection_invalidated or not state):
            return StoreUnavailableError(f"{store} cannot be reached: {first_line.rstrip('.')}.")
        return StoreError(f"{store} failed: {first_line.rstrip('.')}.")


@contextmanager
def _dropped(connection: Connection) -> Iterator[None]:
    """Close the connection at the end: what was set for it is not for who would have it next."""
    try:
        yield
    finally:
        connection.invalidate()


def _engine(url: URL) -> Engine:
    given = {name: value for name, value in _CONNECTING.items() if name not in url.query}
    return create_engine(
        url.set(drivername=_DRIVER),
        connect_args=given,
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        pool_timeout=BUSY_S,
        pool_pre_ping=True,  # so that a server that was restarted costs no request
        hide_parameters=True,
    )


def _ms(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"


def _name_of(url: URL) -> str:
    """The database and where it is, without the user, the password and the options."""
    where = url.host or url.query.get("host") or "this machine"
    where = where if isinstance(where, str) else " or ".join(where)
    port = f":{url.port}" if url.port else ""
    return f"{url.database or url.username} on {where}{port}"
