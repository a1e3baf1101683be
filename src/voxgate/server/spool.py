"""Recordings that wait for a batch job: encrypted files in a folder, gone when they are done.

Each job has a key of its own, which is kept sealed with the job in the store: what is left of
a folder without its store, or of a job that was deleted, can be read by nobody. A file is a
random nonce of 12 bytes and the recording under AES-256-GCM, bound to its place.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voxgate.errors import StoreCorruptError, StoreWriteError

KEY_BYTES, NONCE_BYTES = 32, 12


def new_key() -> bytes:
    """The key of one job."""
    return token_bytes(KEY_BYTES)


class Spool:
    """The waiting recordings of one job, by number."""

    def __init__(self, folder: Path, job: str, key: bytes) -> None:
        """Say where they are; nothing is made before something is put in.

        Args:
            folder: of all jobs; each has a folder in it.
            job: its id, of letters and digits.
            key: what `new_key` gave for it.
        """
        self._folder = folder / job
        self._job = job
        self._cipher = AESGCM(key)

    def put(self, number: int, recording: bytes) -> None:
        """Keep a recording; it is on the disk when this returns.

        Raises:
            StoreWriteError: the folder cannot be written, or is full.
        """
        nonce = token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, recording, self._place(number))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path(number).open("wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreWriteError(
                f"The recordings of a batch job cannot be kept ({error.strerror}); see that the "
                "folder for jobs can be written and has room."
            ) from error

    def get(self, number: int) -> bytes:
        """A recording as it was put in.

        Raises:
            StoreCorruptError: it is missing, or was altered.
        """
        try:
            sealed = self._path(number).read_bytes()
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, self._place(number))
        except (OSError, InvalidTag, ValueError) as error:
            raise StoreCorruptError(
                f"Recording {number} of job {self._job} is missing or was altered; upload it again."
            ) from error

    def drop(self, number: int) -> None:
        """Forget a recording; it may be gone already."""
        self._path(number).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all of them."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sealed"

    def _place(self, number: int) -> bytes:
        return f"{self._job}/{number}".encode()


def waiting(folder: Path) -> Iterator[str]:
    """The ids of the jobs that have recordings in the folder."""
    if folder.is_dir():
        yield from sorted(path.name for path in folder.iterdir() if path.is_dir())
