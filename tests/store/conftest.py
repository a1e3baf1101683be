"""The stores that the tests of stores are run over."""

from collections.abc import Callable
from pathlib import Path

import pytest

from store.databases import KEY

__all__ = ["KEY"]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store, one of each backend after the other; its key is KEY."""
    made: dict[str, Callable[[], str]] = {
        "memory": lambda: "memory:",
        "sqlite": lambda: f"sqlite:///{tmp_path}/voices.db",
        "postgresql": lambda: request.getfixturevalue("postgres_url"),
    }
    return made[request.param]()
