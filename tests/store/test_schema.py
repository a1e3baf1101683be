import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.pool import StaticPool

from voxgate.store import open_store, schema
from voxgate.store.sqlite import make_engine

HEAVY = {"alembic", "cryptography", "platformdirs", "sqlalchemy"}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "postgresql":
        url = request.getfixturevalue("own_database").replace(":", "+psycopg:", 1)
        made = create_engine(url)
    else:
        made = make_engine(None, poolclass=StaticPool)
    yield made
    made.dispose()


@pytest.fixture
def config() -> Config:
    made = Config()
    folder = Path(schema.__file__).with_name("migrations")
    made.set_main_option("script_location", str(folder))
    return made


def constraints(connection: Connection) -> dict[str, object]:
    """What alembic does not compare: names, checks and cascades of all tables."""
    found = inspect(connection)
    return {
        table: (
            found.get_pk_constraint(table),
            found.get_check_constraints(table),
            sorted(found.get_foreign_keys(table), key=str),
            sorted(found.get_unique_constraints(table), key=str),
            sorted(found.get_indexes(table), key=str),
        )
        for table in schema.metadata.tables
    }


def test_the_migrations_make_the_tables_that_are_declared(engine: Engine) -> None:
    with engine.connect() as connection:
        schema.upgrade(connection, "x")
        options = {"include_name": lambda name, kind, _: name != "vectors"}  # see test_vectors.py
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []
        migrated = constraints(connection)
        connection.rollback()
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        assert constraints(connection) == migrated


def test_the_newest_revision_is_the_one_that_is_asked_for(config: Config) -> None:
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_migrating_down_leaves_nothing(engine: Engine, config: Config) -> None:
    with engine.begin() as connection:
        assert schema.revision_of(connection, "x") is None
        schema.upgrade(connection, "x")
        assert schema.revision_of(connection, "x") == schema.HEAD
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")  # what migrating up makes is gone, so it can be made again


def test_nothing_is_migrated_that_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/voices.db"
    open_store(url).close()
    monkeypatch.delattr(schema, "upgrade")
    open_store(url).close()


def test_importing_loads_nothing_heavy_and_opening_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/voices.db"
    open_store(url).close()
    code = (
        "import sys, voxgate.store, voxgate.search\n"
        f"print(*({HEAVY!r} & set(sys.modules)))\n"
        f"voxgate.store.open_store({url!r}).close()\n"
        "print('alembic' in sys.modules)"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.splitlines() == ["", "False"]
