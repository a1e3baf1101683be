"""Download a file: it goes on where it was broken off, and is never half there.

Bytes go to "NAME.part"; only a complete file whose SHA-256 is right gets its name. Proxies are
those of the usual variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). This is urllib with ranges and
retries: pooch and its like do not resume, and huggingface_hub speaks to one site only.
"""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from voxgate.atomic import cannot_write
from voxgate.errors import DownloadError

Progress = Callable[[int, int | None], None]  # bytes there, and in all if that is known

TIMEOUT_S = 30.0  # without a byte
TRIES = 4  # of one address, each from where the one before ended
PAUSE_S = 1.0  # before the second try; twice as long before each further one

_CHUNK = 1 << 16  # bytes
_BROKEN = (OSError, http.client.HTTPException)  # a URLError is an OSError


def fetch(
    addresses: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress = lambda there, total: None,
) -> str:
    """Download `target` from the first address that has it, and return its SHA-256.

    Args:
        addresses: where it may be, the best first.
        target: what it shall be; its folder is made.
        sha256: what it must have; None where nobody knows.
        progress: told how far it is.

    Raises:
        DownloadError: it cannot be had, or is not the right file. What was loaded of it is
            kept for the next time, unless it is wrong.
        OutputError: it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(target, error) from error
    problems = []
    for address in addresses:
        problem = _fetch_from(address, target, progress)
        if problem is None:
            return _finish(target, address, sha256)
        problems.append(f"{address} ({problem})")
    raise DownloadError(
        f"{target.name} cannot be downloaded from {', nor from '.join(problems)}. Get it by other "
        f"means and put it at {target}, then try again."
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch_from(address: str, target: Path, progress: Progress) -> str | None:
    """Load from one address, trying again where it breaks off; what is wrong, if it fails."""
    if urlsplit(address).scheme not in ("http", "https"):
        return "not an address of http or https"
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            _load(address, _Part(target), progress)
            return None
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # the part is not one of what is there now
                _Part(target).remove()
            elif error.code < 500:
                return f"{error.code} {error.reason}"
            problem = f"{error.code} {error.reason}"
        except _WriteError as error:
            raise cannot_write(target, error.cause) from error
        except _BROKEN as error:
            reason = getattr(error, "reason", None) or error
            problem = str(reason) or type(error).__name__
    return problem


class _WriteError(Exception):
    """The disk, not the network, is what failed."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Part:
    """What is there of a file, and the tag of the version it is a part of."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self.tag_path = target.with_name(f"{target.name}.part.tag")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def tag(self) -> str:
        return self.tag_path.read_text("utf-8") if self.tag_path.is_file() else ""

    def remove(self) -> None:
        for path in (self.path, self.tag_path):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _load(address: str, part: _Part, progress: Progress) -> None:
    """Load what is missing of the part."""
    headers = {"User-Agent": "voxgate"}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http(s), checked
    there = part.size
    if there and part.tag:
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", part.tag)
    opener = urllib.request.build_opener()  # with the proxies that there are now
    with opener.open(request, timeout=TIMEOUT_S) as response:
        if response.status != 206:  # from the start: it changed, or ranges are not known there
            there = 0
        length = response.headers.get("Content-Length")
        total = there + int(length) if length and length.isdigit() else None
        try:
            part.tag_path.write_text(_tag(response.headers), "utf-8")
            file = part.path.open("ab" if there else "wb")
        except OSError as error:
            raise _WriteError(error) from error
        with file:
            progress(there, total)
            while chunk := response.read(_CHUNK):
                try:
                    file.write(chunk)
                except OSError as error:
                    raise _WriteError(error) from error
                there += len(chunk)
                progress(there, total)
    if total is not None and there != total:
        raise ConnectionError(f"broken off after {there:,} of {total:,} bytes")


def _tag(headers: http.client.HTTPMessage) -> str:
    """What tells one version of a file from another; weak ETags do not."""
    tag: str = headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag or headers.get("Last-Modified", "")


def _finish(target: Path, address: str, sha256: str | None) -> str:
    """Give the complete file its name, if it is the right one."""
    part = _Part(target)
    found = sha256_of(part.path)
    if sha256 is not None and found != sha256:
        part.remove()
        raise DownloadError(
            f"{address} gave a file with the SHA-256 {found[:12]}…, but it must be "
            f"{sha256[:12]}…; it was damaged on the way or exchanged, and is not used."
        )
    try:
        part.path.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    part.remove()
    return found
