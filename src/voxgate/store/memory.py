"""A store that forgets: for tests, and for trying things out. SQLite, but in memory."""

import secrets
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from sqlalchemy import Connection
from sqlalchemy.pool import StaticPool

from voxgate.store import schema
from voxgate.store.crypto import KEY_BYTES
from voxgate.store.sql import SqlStore
from voxgate.store.sqlite import SqliteDatabase, make_engine


def open_memory(url: str = "memory:", *, key: bytes | None = None) -> SqlStore:
    """Open a new, empty store that is gone when it is closed or the program ends."""
    del url
    return SqlStore(MemoryDatabase(), key or secrets.token_bytes(KEY_BYTES))


class MemoryDatabase(SqliteDatabase):
    """A SQLite database in memory: one connection, used by one thread at a time."""

    def __init__(self) -> None:
        self.name = "in memory"
        self.key_file = Path("memory.key")  # is never made: there is always a key
        self._lock = RLock()
        self._engine = make_engine(None, poolclass=StaticPool)
        self.close = weakref.finalize(self, self._engine.dispose)
        with self.writing() as connection:
            schema.create(connection)  # at once what the migrations come to, as a test shows

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._lock, super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._lock, super().writing() as connection:
            yield connection

    def prepare(self) -> None:
        """Nothing: it was set up when it was made."""

    def erase(self, *, wait: bool = True) -> bool:
        """Nothing: there are no files."""
        return True
