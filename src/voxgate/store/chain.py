"""The chain of the audit log: each entry's mac is over the entry and over the mac before it.

Whoever can write the database, but has no key, can neither alter an entry nor take one out or
put one in without breaking the chain; its end stands in the store, sealed, so that nothing can
be cut off there. What remains is to put back an older state of the whole database, which shows
only against a head that was noted elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voxgate.store.crypto import Vault

CHAINED = ("at_us", "action", "speaker", "space_id", "sealed_detail")  # columns of an entry

_PLACE = "store.audit_head"


@dataclass(frozen=True)
class Head:
    """Where the chain ends."""

    count: int  # entries
    mac: bytes  # of the last one

    def after(self, vault: Vault, entry: Sequence[Any]) -> "Head":
        """Where it ends with one entry more, of which these are the values of `CHAINED`."""
        facts = (value.hex() if isinstance(value, bytes) else repr(value) for value in entry)
        return Head(self.count + 1, vault.link(self.mac, self.count + 1, *facts))

    def sealed(self, vault: Vault) -> bytes:
        """As it stands in the store."""
        return vault.seal(self.count.to_bytes(8, "big") + self.mac, _PLACE)

    @classmethod
    def opened(cls, vault: Vault, sealed: bytes) -> "Head":
        """What was sealed, or a StoreCorruptError."""
        value = vault.open(sealed, _PLACE, what="The end of the audit log")
        return cls(int.from_bytes(value[:8], "big"), value[8:])


START = Head(0, b"")
