"""What a batch job was given: recordings by speaker, from a zip or from the parts of a form.

The folder that a recording lies in is its speaker: `ada/first.wav`, also below others
(`export/ada/first.wav`). Names are labels here; nothing is ever written to them.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from voxgate.errors import UnreadableAudioError, UsageError

MOST_RECORDINGS = 10_000  # in one job
IGNORED = ("__MACOSX", ".")  # what operating systems put beside one's files


class Labelled(NamedTuple):
    """One recording of a batch."""

    speaker: str
    name: str
    recording: bytes


def label(path: str) -> tuple[str, str]:
    """The speaker and the file name in a path such as "ada/first.wav".

    Raises:
        UsageError: there is no folder.
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if len(parts) < 2 or parts[-2] in ("..", "/"):
        raise UsageError(
            f"{path!r} lies in no folder; put each recording into a folder that is named for its "
            "speaker, such as ada/first.wav."
        )
    return parts[-2], parts[-1]


def recordings(archive: BinaryIO, *, longest: int) -> Iterator[Labelled]:
    """The recordings in a zip, one at a time: no more than one is held in memory.

    Args:
        archive: a file that can seek.
        longest: bytes that one recording may have; unpacking stops there, whatever the
            archive says.

    Raises:
        UsageError: it is no zip, is encrypted, holds nothing or too much.
        UnreadableAudioError: a recording is too long, or damaged.
    """
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UsageError("The archive is no zip file, or a damaged one; make it again.") from error
    with opened:
        members = [member for member in opened.infolist() if _is_recording(member)]
        _check_count(len(members))
        for member in members:
            speaker, name = label(member.filename)
            yield Labelled(speaker, name, _content(opened, member, longest))


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, longest: int) -> bytes:
    if member.flag_bits & 1:
        raise UsageError(f"{member.filename} is encrypted; make the zip without a password.")
    try:
        with archive.open(member) as file:
            content = file.read(longest + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise UnreadableAudioError(
            f"{member.filename} cannot be unpacked; make the zip again."
        ) from error
    if len(content) > longest:
        raise UnreadableAudioError(
            f"{member.filename} has more than {longest:,} bytes, the most that a recording may "
            "have; shorten it."
        )
    return content


def _is_recording(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    return bool(
        parts
        and not member.is_dir()
        and not is_link
        and parts[0] != IGNORED[0]
        and not parts[-1].startswith(IGNORED[1])
    )


def _check_count(found: int) -> None:
    if not 1 <= found <= MOST_RECORDINGS:
        raise UsageError(
            f"The archive holds {found:,} recordings; from 1 to {MOST_RECORDINGS:,} are taken "
            "in one job."
        )
