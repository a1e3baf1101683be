"""A SQLite store and its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.databases import opening
from voxgate.store import Store, sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voices.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = opening(path)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for others; must come before the store in a test's parameters."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
