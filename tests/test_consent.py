"""Consent: recorded, found again, and gone with the speaker."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from voxgate.consent import find_consent, record_consent
from voxgate.errors import UsageError
from voxgate.store import Sample, Store, open_store


@pytest.fixture(params=["memory:", "sqlite"])
def store(request, tmp_path) -> Store:
    url = request.param if request.param == "memory:" else f"sqlite:///{tmp_path}/voices.db"
    return open_store(url, key=bytes(32))


def enrol(store: Store, speaker: str) -> None:
    vector = np.eye(4, dtype=np.float32)[0]
    now = datetime.now(timezone.utc)
    store.enrol(speaker, "tiny@1", [Sample("0" * 32, vector, 3.0, {}, "a.wav", now)])


def test_what_was_agreed_to_is_found_again_with_its_time(store):
    record_consent(store, "ada", "I agree.")
    found = find_consent(store, "ada")
    assert found.statement == "I agree."
    assert abs(found.at - datetime.now(timezone.utc)) < timedelta(minutes=1)


def test_the_newest_consent_counts(store):
    record_consent(store, "ada", "first")
    record_consent(store, "ada", "second")
    assert find_consent(store, "ada").statement == "second"


def test_nobody_has_consented_for_another(store):
    record_consent(store, "ada", "I agree.")
    assert find_consent(store, "alan") is None


def test_the_consent_of_somebody_who_was_deleted_is_not_that_of_the_next_of_the_name(store):
    enrol(store, "ada")
    record_consent(store, "ada", "I agree.")
    store.delete("ada")
    enrol(store, "ada")
    assert find_consent(store, "ada") is None


def test_the_name_of_who_consented_is_not_in_the_log(store):
    record_consent(store, "yvonne", "I agree.")
    (entry,) = store.audit_log()
    assert "yvonne" not in repr(entry)


@pytest.mark.parametrize("statement", ["", "  "])
def test_consent_to_nothing_is_refused(store, statement):
    with pytest.raises(UsageError, match="statement"):
        record_consent(store, "ada", statement)
