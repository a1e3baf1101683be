"""Fixtures: a real PostgreSQL for all tests, and databases in it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from store.server import PostgresServer
from voxgate.store import Store, open_store

KEY = bytes(range(32))
_NUMBERS = count()


_KEEP = """CREATE SCHEMA kept; DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
    END LOOP; END $$"""
_PUT_BACK = """DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica; -- no triggers, no foreign keys
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' LOOP
        EXECUTE format('DELETE FROM public.%1$I', name);
        EXECUTE format('INSERT INTO public.%1$I SELECT * FROM kept.%1$I', name);
    END LOOP; END $$"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests."""
    server = PostgresServer()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def made_store(postgres: PostgresServer) -> str:
    """The URL of a store that all tests share, as each of its own takes long to make."""
    url = postgres.make("made")
    open_store(url, key=KEY).close()
    postgres.run(_KEEP, "made")
    return url


@pytest.fixture
def postgres_url(postgres: PostgresServer, made_store: str) -> str:
    """The URL of a store under KEY that is empty; another test has it afterwards."""
    postgres.run(_PUT_BACK, "made")
    return made_store


@pytest.fixture
def own_database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a new database, of this test only."""
    name = f"test_{next(_NUMBERS)}"
    yield postgres.make(name)
    postgres.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def opening(path: Path) -> Store:
    """The SQLite store in this file; its key is KEY."""
    return open_store(f"sqlite:///{path}", key=KEY)
