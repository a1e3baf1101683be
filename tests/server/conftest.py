"""Fixtures of the service's tests."""

import pytest
import tiny_pack as maker

from voxgate.packs import Pack, load_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A pack that tells synthetic voices apart."""
    return load_pack(maker.write(tmp_path_factory.mktemp("tiny")))
