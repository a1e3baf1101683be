"""Migrating a store down, which only tests do."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from voxgate.store import Store, schema


def migrate_down(store: Store, revision: str) -> None:
    config = Config()
    config.set_main_option(
        "script_location", str(Path(schema.__file__).with_name("migrations")).replace("%", "%%")
    )
    with store._database.writing() as connection:  # type: ignore[attr-defined]
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
