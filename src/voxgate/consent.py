"""Consent: that a speaker agreed to be enrolled, and to which words.

It stands in the audit log, which nobody can change, under a keyed hash of the name.
"""

from datetime import datetime
from typing import NamedTuple

from voxgate.errors import UsageError
from voxgate.store import Store

_ACTION = "consent"
_ENTRIES = 1000  # of one speaker, that are looked through


class Consent(NamedTuple):
    """What a speaker agreed to, and when."""

    at: datetime  # in UTC
    statement: str


def record_consent(store: Store, speaker: str, statement: str) -> None:
    """Write down that the speaker agreed to the statement.

    Raises:
        UsageError: the statement is empty.
    """
    if not statement.strip():
        raise UsageError("Consent needs the words that were agreed to; give the statement.")
    store.audit(_ACTION, speaker, {"statement": statement})


def find_consent(store: Store, speaker: str) -> Consent | None:
    """The newest consent of the speaker who has this name now, or None.

    What somebody agreed to who had the name before, and was deleted, does not count.
    """
    for entry in store.audit_log(_ENTRIES, speaker=speaker):
        if entry.action == "delete":
            return None
        if entry.action == _ACTION:
            return Consent(entry.at, str(entry.detail["statement"]))
    return None
