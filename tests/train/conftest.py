"""Recordings to train on, made once for all tests."""

import pytest
from corpus import write_corpus, write_noise


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("train")
    write_corpus(base / "data", range(12))
    write_corpus(base / "dev", range(20, 24))
    write_noise(base / "noise")
    return base
