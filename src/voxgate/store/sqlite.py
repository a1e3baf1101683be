"""Stores in a SQLite file, which several processes of one machine may share."""

import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from voxgate.errors import StoreCorruptError, StoreError, StoreWriteError
from voxgate.store.sql import SqlStore

BUSY_S = 10.0  # how long to wait for other processes before giving up

_PAUSE_S = 0.01  # between two attempts
_PREFIX = "sqlite:///"
_WRITING = "voxgate_writing"  # execution option of a connection that is going to write
_SETTINGS = (
    "foreign_keys = ON",
    "secure_delete = ON",  # overwrite what is deleted with zeros
    "synchronous = FULL",  # what is committed survives a power cut
)


class _Refusal(NamedTuple):
    code: int  # SQLite's primary result code
    words: str  # of its message: Python 3.10 does not give the code
    error: type[StoreError]
    meaning: str


_LOCKED = "is locked"
_DAMAGED = "is damaged, or was altered; restore it from a backup."
_REFUSALS = (
    _Refusal(5, _LOCKED, StoreWriteError,
             "is being used by another program; try again when that is done."),
    _Refusal(8, "readonly database", StoreWriteError,
             "cannot be written; make the file and its folder writable, or choose another place "
             "with VOXGATE_STORE."),
    _Refusal(10, "disk I/O error", StoreWriteError,
             "cannot be read or written: the disk is full, or reports an error."),
    _Refusal(11, "malformed", StoreCorruptError, _DAMAGED),
    _Refusal(11, "Could not decode to UTF-8", StoreCorruptError, _DAMAGED),
    _Refusal(13, "is full", StoreWriteError, "has no room: the disk is full, nothing was written."),
    _Refusal(14, "unable to open", StoreWriteError,
             "cannot be opened or made; make the file and its folder writable, or choose another "
             "place with VOXGATE_STORE."),
    _Refusal(26, "is not a database", StoreCorruptError,
             "is not a database, or is damaged; restore it from a backup, or choose another place "
             "with VOXGATE_STORE."),
)  # fmt: skip


def open_sqlite(url: str, *, key: bytes | None = None) -> SqlStore:
    """Open the store in the file that a URL such as "sqlite:///voices.db" names.

    The folder, the database and its key file ("voices.db.key") are made at first use, for
    nobody but their owner to read.
    """
    path = url.removeprefix(_PREFIX)
    if not url.startswith(_PREFIX) or not path or path == ":memory:" or "?" in path:
        raise StoreError(
            f"{url!r} names no file; write sqlite:///voices.db for one in this folder, "
            "sqlite:////srv/voices.db for one anywhere, or memory: for none."
        )
    database = SqliteDatabase(Path(path).expanduser().resolve())
    try:
        return SqlStore(database, key)
    except BaseException:
        database.close()
        raise


class SqliteDatabase:
    """A SQLite file: its connections, its transactions, and sentences for its errors."""

    vectors = None  # the search over all voiceprints at once is the Verifier's

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.key_file = path.with_name(f"{path.name}.key")
        _make_private(path)
        self._engine = make_engine(path, max_overflow=-1)  # as many connections as threads
        self.close = weakref.finalize(self, self._engine.dispose)  # also when it is forgotten

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database, whatever others write."""
        with self._sentences(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other process writes during; undone if an error leaves it."""
        engine = self._engine.execution_options(**{_WRITING: True})
        with self._sentences(), engine.begin() as connection:
            yield connection

    def prepare(self) -> None:
        """Choose the write-ahead log, with which readers and a writer do not wait for another."""
        with self._raw() as raw:
            _patiently(lambda: raw.execute("PRAGMA journal_mode = WAL").fetchall(), BUSY_S)

    def erase(self, *, wait: bool = True) -> bool:
        """Write the files afresh, so that their bytes hold only what was not deleted.

        `secure_delete` alone is not enough: when SQLite moves rows between pages it leaves
        copies of them in unused parts of a page, and does not find these at a later deletion.
        It takes the longer the larger the file is.

        Raises:
            StoreWriteError: another program is using the store, or the disk is full.
        """
        wait_s = BUSY_S if wait else 0.0
        with self._raw() as raw:
            raw.execute("PRAGMA busy_timeout = 0")
            try:
                _patiently(lambda: raw.execute("VACUUM"), wait_s)
                _patiently(lambda: _empty_log(raw), wait_s)
            finally:
                raw.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_S)}")
        return True

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        """A connection outside of any transaction."""
        with self._sentences(), closing(self._engine.raw_connection()) as pooled:
            yield cast(sqlite3.Connection, pooled.driver_connection)

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn what SQLite says into errors of the store."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._in_words(error) from error
        except UnicodeDecodeError as error:  # in a message about what is damaged, or in a name
            raise StoreCorruptError(f"The store {self.name} {_DAMAGED}") from error

    def _in_words(self, error: SQLAlchemyError | sqlite3.Error) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # without the extended part
        for refusal in _REFUSALS:
            if refusal.code == code if code else refusal.words in str(cause):
                return refusal.error(f"The store {self.name} {refusal.meaning}")
        return StoreError(f"The store {self.name} failed and may be damaged: {cause}.")


def _patiently(attempt: Callable[[], object], wait_s: float) -> None:
    """Try while others hold a lock: there are some that SQLite itself does not wait for."""
    end = time.monotonic() + wait_s
    while True:
        try:
            attempt()
            return
        except sqlite3.OperationalError as error:
            if _LOCKED not in str(error) or time.monotonic() >= end:
                raise
            time.sleep(_PAUSE_S)


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move all of the write-ahead log into the database, and leave no byte in it."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:  # by a reader of an earlier state, or by another checkpoint
        raise sqlite3.OperationalError(f"database {_LOCKED}")


def _make_private(path: Path) -> None:
    """Make the file, empty, and its folders, unless they are there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))  # SQLite's own takes the umask
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreWriteError(
            f"The store {path} cannot be opened or made: {reason}; "
            "choose another place with VOXGATE_STORE."
        ) from error


def make_engine(path: Path | None, **options: Any) -> Engine:
    """The engine for a file, or for memory, whose transactions begin as they should."""
    engine = create_engine(
        URL.create("sqlite", database=str(path) if path else None),
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
        hide_parameters=True,
        **options,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Writers lock at once: one that read first could find its reading outdated, and fail.
        writing = connection.get_execution_options().get(_WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
