"""Where a page of a list goes on: the last name of the page before, as opaque text."""

import base64
import binascii

from fastapi import HTTPException


def to_cursor(name: str) -> str:
    """The cursor after a name."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The name that a cursor stands for."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        name = ""
    if not name or any(character < " " for character in name):
        raise HTTPException(422, "This is no cursor; send the 'next' of the page before.")
    return name
