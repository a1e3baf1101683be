"""Recordings of many speakers in one request: a form with a zip, or with one file for each.

What is uploaded is kept in temporary files without names until it is encrypted for the job. How
many bytes there may be is bounded before they come here, see `voxgate.server.limits`.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voxgate.errors import UnreadableAudioError
from voxgate.server.archives import MOST_RECORDINGS, Labelled, label, recordings

ARCHIVE, RECORDING = "archive", "recording"  # fields of the form
MOST_FIELDS, LONGEST_FIELD = 20, 16_384


@dataclass(frozen=True)
class Upload:
    """A form with recordings of many speakers."""

    files: tuple[tuple[str, UploadFile], ...]  # field and file
    fields: dict[str, str]

    def labelled(self, longest: int) -> Iterator[Labelled]:
        """The recordings, of at most so many bytes, one at a time.

        Raises:
            UsageError: one lies in no folder, or the archive is not fit.
            UnreadableAudioError: one is too long, or damaged.
        """
        for field, upload in self.files:
            if field == ARCHIVE:
                yield from recordings(upload.file, longest=longest)
            else:
                speaker, name = label(upload.filename or "")
                content = upload.file.read(longest + 1)
                if len(content) > longest:
                    raise UnreadableAudioError(
                        f"{name} of {speaker} has more than {longest:,} bytes, the most that a "
                        "recording may have; shorten it."
                    )
                yield Labelled(speaker, name, content)

    def close(self) -> None:
        """Let go of the temporary files."""
        for _, upload in self.files:
            upload.file.close()


async def _upload(request: Request) -> AsyncIterator[Upload]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(
            415,
            f"Send a form (multipart/form-data) with the file field {ARCHIVE!r}, a zip, or with "
            f"file fields {RECORDING!r} that are named such as ada/first.wav.",
        )
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=MOST_RECORDINGS,
        max_fields=MOST_FIELDS,
        max_part_size=LONGEST_FIELD,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, f"The form cannot be read: {error.message}") from error
    except KeyError as error:  # no boundary in the content type
        raise HTTPException(400, "The form's content type names no boundary.") from error
    files, fields = [], {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((name, value))
        else:
            fields[name] = value
    upload = Upload(tuple(files), fields)
    try:
        if not files or {name for name, _ in files} - {ARCHIVE, RECORDING}:
            raise HTTPException(
                400, f"The form must have files in the fields {ARCHIVE!r} or {RECORDING!r} only."
            )
        yield upload
    finally:
        upload.close()


Uploaded = Annotated[Upload, Depends(_upload)]
