"""Output files and folders that are either complete or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxgate.errors import OutputError, VoxgateError


@contextmanager
def complete_or_absent(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a path to write to, `path` with ".part", and rename it when the block ends well.

    When it does not, whatever the reason, the part is removed and `path` is as it was before.
    Two writers of one `path` at a time would disturb each other.

    Args:
        path: what shall be there in the end; replaced if it is there already.
        private: let only the owner read it (mode 0600), from the first byte on.

    Raises:
        OutputError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
        yield part
        part.replace(path)
    except VoxgateError:  # some of them are an OSError too
        raise
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # a read-only disk refuses even what is not there
            part.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for a file that the system would not let be written."""
    reason = (error.strerror or str(error) or "no reason given").lower()
    return OutputError(f"{path}: cannot be written: {reason}.")


def replace_folder(part: Path, place: Path) -> None:
    """Put a finished folder in the place of another, which is there until the last moment.

    Raises:
        OSError: the system would not let it.
    """
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    part.rename(place)
    shutil.rmtree(old, ignore_errors=True)
