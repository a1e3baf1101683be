"""Keys: those of callers, which look like vg_<id>_<secret>, and that of the store.

Of a caller's key only the SHA-256 of the secret is kept: enough for one of 256 random bits.
"""

import hashlib
import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from voxgate.errors import UsageError
from voxgate.store import ApiKey

Scope = Literal["verify", "enrol", "admin"]
SCOPES: tuple[Scope, ...] = ("verify", "enrol", "admin")
KEY = re.compile(r"vg_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


def new_key(
    scopes: frozenset[str], domain: str, label: str = "", valid: timedelta | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its text, which nobody can find out later.

    Raises:
        UsageError: a scope has no such name, or there is none.
    """
    if not scopes or not scopes <= set(SCOPES):
        raise UsageError(
            f"Scopes {', '.join(sorted(scopes)) or '(none)'}; a key has one or more of "
            f"{', '.join(SCOPES)}."
        )
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = datetime.now(timezone.utc)
    key = ApiKey(
        id=key_id,
        digest=digest_of(secret),
        scopes=scopes,
        domain=domain,
        label=label,
        created_at=now,
        expires_at=now + valid if valid else None,
    )
    return key, f"vg_{key_id}_{secret}"


def rotated(key: ApiKey) -> tuple[ApiKey, str]:
    """A new key that may do what an old one may, for as long; the old one stays as it is."""
    made, text = new_key(key.scopes, key.domain, key.label)
    return replace(made, expires_at=key.expires_at), text


def is_valid(key: ApiKey) -> bool:
    """Whether a key opens anything now."""
    now = datetime.now(timezone.utc)
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def store_key(file: Path | None) -> bytes | None:
    """The store's key from its file, or None: it is found as the store always finds it.

    Raises:
        UsageError: the file cannot be read, or holds no key.
    """
    if file is None:
        return None
    try:
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The key file {file} cannot be read as 64 hexadecimal digits; give one that can."
        ) from error
