"""Keys, and the sealing of what is kept about a voice.

Values are sealed with AES-256-GCM under a key derived (HKDF-SHA256) from the user's key and
the store's own random salt, each with a random nonce of 96 bits; NIST SP 800-38D, 8.3, allows
2^32 values under one key that way. The place a value belongs to is authenticated with it, so
that a sealed value which was altered, or moved to another row, does not open.

Who has the files but not the key learns speakers' names, packs, dates, seconds of speech and
how many recordings there are; not what a voice is like. Who can write the files can delete
rows or put back old ones unnoticed.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voxgate.atomic import complete_or_absent
from voxgate.errors import OutputError, StoreCorruptError, StoreKeyError, StoreWriteError

KEY_BYTES = 32
SALT_BYTES = 16
KEY_VARIABLE = "VOXGATE_KEY"

_HOW_TO_MAKE = 'python -c "import secrets; print(secrets.token_hex(32))"'
_FORMAT = b"\x01"  # first byte of a sealed value: the layout below, to be told from later ones
_NONCE_BYTES = 12
_SEPARATOR = "\x1f"  # in no name: those have no control characters


@dataclass(frozen=True)
class Key:
    """The user's key, and where it was found."""

    value: bytes = field(repr=False)
    origin: str

    def __post_init__(self) -> None:
        if len(self.value) != KEY_BYTES:
            raise StoreKeyError(
                f"{self.origin} has {len(self.value)} bytes; a key is {KEY_BYTES} random bytes."
            )


def find_key(given: bytes | None, file: Path | None, *, may_make: bool) -> Key:
    """The key given, else that of VOXGATE_KEY, else that of the key file.

    Args:
        given: the key itself, if the caller has one.
        file: the key file next to the database; None where there is no place for one.
        may_make: make the key file if there is no key; only right for a new store, and
            while no other process can be making it.

    Raises:
        StoreKeyError: there is no key, it is malformed, or others can read the file.
        StoreWriteError: the key file cannot be made.
    """
    if given is not None:
        return Key(given, "the key given")
    if (text := os.environ.get(KEY_VARIABLE)) is not None:
        return Key(_parse(text, KEY_VARIABLE), KEY_VARIABLE)
    if file is None:
        raise StoreKeyError(
            f"Several machines may use this store, so its key lies in no file next to it; set "
            f"{KEY_VARIABLE} to the same key on all of them. Make one with: {_HOW_TO_MAKE}"
        )
    if not file.exists():
        if not may_make:
            raise StoreKeyError(
                f"The key file {file} is missing, without which the store cannot be read; "
                f"put it back from a backup, or set {KEY_VARIABLE}."
            )
        _make(file)
    return Key(_parse(_read(file), f"the key file {file}"), f"the key file {file}")


class Vault:
    """Seals and opens values with one store's keys; its repr does not show them."""

    def __init__(self, key: Key, salt: bytes) -> None:
        self._cipher = AESGCM(_derive(key, salt, "encryption"))
        self._name_key = _derive(key, salt, "names")
        self._chain_key = _derive(key, salt, "audit log")
        self._origin = key.origin
        self.check_value = _derive(key, salt, "check")  # public: shows the key fits

    def require(self, check_value: bytes) -> None:
        """Raise a StoreKeyError unless this is the check value of the same key."""
        if self.check_value != check_value:
            raise StoreKeyError(
                f"{self._origin[0].upper()}{self._origin[1:]} is not the key that this store was "
                "made with; use the right one, as nothing can be read without it."
            )

    def seal(self, value: bytes, *place: str | float) -> bytes:
        """Encrypt a value for a place: table and column, ids, and the row's open values."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, value, _bound_to(place))

    def open(self, sealed: bytes, *place: str | float, what: str) -> bytes:
        """Decrypt what was sealed for that very place.

        Raises:
            StoreCorruptError: it was altered or moved, or the place's open values were.
        """
        try:
            if not (isinstance(sealed, bytes) and sealed.startswith(_FORMAT)):  # damaged, it is any
                raise InvalidTag
            nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
            return self._cipher.decrypt(nonce, text, _bound_to(place))
        except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
            raise StoreCorruptError(
                f"{what} in the store was altered or is damaged; "
                "restore a backup, or delete the speaker and enrol again."
            ) from error

    def pseudonym(self, name: str, *scope: str) -> str:
        """HMAC-SHA256 of a name: the same for the same name, and means nothing without the key.

        In another scope the same name has another.
        """
        named = _SEPARATOR.join((name, *scope)).encode()
        return hmac.new(self._name_key, named, hashlib.sha256).hexdigest()

    def link(self, previous: bytes, *facts: str | float) -> bytes:
        """HMAC-SHA256 of facts and of the link before: who lacks the key can make none."""
        return hmac.new(self._chain_key, previous + _bound_to(facts), hashlib.sha256).digest()


def _derive(key: Key, salt: bytes, purpose: str) -> bytes:
    info = f"voxgate store 1: {purpose}".encode()
    return HKDF(SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key.value)


def _bound_to(place: tuple[str | float, ...]) -> bytes:
    """The place as bytes that no other place gives; numbers exactly."""
    parts = [part if isinstance(part, str) else repr(part) for part in place]
    return _FORMAT + _SEPARATOR.join(parts).encode()


def _parse(text: str, origin: str) -> bytes:
    """Read 32 bytes in hexadecimal or base64 (the usual or the URL-safe alphabet)."""
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        padded = text.translate(str.maketrans("-_", "+/")).rstrip("=") + "="
        if len(padded) != 44:  # 32 bytes in base64
            raise binascii.Error
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StoreKeyError(
            f"{origin} does not hold {KEY_BYTES} bytes written in base64 or hex; "
            f"make a key with: {_HOW_TO_MAKE}"
        ) from error


def _read(file: Path) -> str:
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            others = os.fstat(opened.fileno()).st_mode & 0o077
            if others and os.name == "posix":
                raise StoreKeyError(
                    f"Others than you can read or change the key file {file} "
                    f"(mode {others:03o} for them); run: chmod 600 '{file}'"
                )
            return opened.read(1024)  # a key is far shorter
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreKeyError(f"The key file {file} cannot be read: {reason}.") from error


def _make(file: Path) -> None:
    """Write a new random key, complete or not at all, on the disk before this returns."""
    try:
        with complete_or_absent(file, private=True) as part, part.open("w") as opened:
            opened.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        if os.name == "posix":  # the file's name as well: without the key all would be lost
            folder = os.open(file.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except (OutputError, OSError) as error:
        raise StoreWriteError(f"No key file can be made: {error}") from error
