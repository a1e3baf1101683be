"""One speaker as a JSON-ready document: what `Store.export` gives and `import_` takes.

    {
      "format": "voxgate speaker", "version": 2,
      "speaker": "ada", "created_at": "2025-01-31T12:00:00+00:00",
      "metadata": {...}, "groups": ["staff"],
      "samples": [
        {"id": "<32 hexadecimal digits>", "pack": "ecapa-compact@7", "name": "rec1.ogg",
         "speech_s": 5.2, "added_at": "...", "quality": {...},
         "embedding": "<base64 of float32, little-endian>"}
      ]
    }

It is not encrypted: whoever has it has the voice. Voiceprints are not in it, as they are
made from the samples. Version 1 had no metadata and no groups, and at least one sample; it is
read as well.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, NoReturn

import numpy as np

from voxgate.errors import StoreError
from voxgate.store import Sample
from voxgate.store.checks import clean_metadata, clean_name, clean_pack, clean_samples

FORMAT = "voxgate speaker"
VERSION = 2

_SPEAKER = {"format": str, "version": int, "speaker": str, "created_at": str, "samples": list}
_SINCE_2 = {"metadata": dict, "groups": list}
_SAMPLE = {
    "id": str,
    "pack": str,
    "name": str,
    "speech_s": (int, float),
    "added_at": str,
    "quality": dict,
    "embedding": str,
}


class Enrolled(NamedTuple):
    """What a document tells: a speaker, or as much of one as is being enrolled."""

    speaker: str
    created_at: datetime
    samples: list[tuple[str, Sample]]  # each with the id of its pack
    metadata: dict[str, Any] = {}  # noqa: RUF012 - of a tuple, and never changed
    groups: tuple[str, ...] = ()

    @property
    def packs(self) -> list[str]:
        """The ids of the packs, each once."""
        return list(dict.fromkeys(pack for pack, _ in self.samples))

    def samples_of(self, pack: str) -> list[Sample]:
        """The samples of one pack."""
        return [sample for of, sample in self.samples if of == pack]


def to_document(enrolled: Enrolled) -> dict[str, Any]:
    """Write a speaker down."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "speaker": enrolled.speaker,
        "created_at": enrolled.created_at.isoformat(),
        "metadata": enrolled.metadata,
        "groups": list(enrolled.groups),
        "samples": [
            {
                "id": sample.id,
                "pack": pack,
                "name": sample.name,
                "speech_s": sample.speech_s,
                "added_at": sample.added_at.isoformat(),
                "quality": sample.quality,
                "embedding": base64.b64encode(sample.vector.astype("<f4").tobytes()).decode(),
            }
            for pack, sample in enrolled.samples
        ],
    }


def from_document(document: Any) -> Enrolled:
    """Read a document back, strictly.

    Raises:
        StoreError: it is of another version, or not such a document at all.
        UsageError: the speaker's or a pack's name may not be used.
    """
    version = document.get("version") if isinstance(document, dict) else None
    newer = version != 1 or isinstance(version, bool)
    _check(document, _SPEAKER | _SINCE_2 if newer else _SPEAKER, "it")
    if document["format"] != FORMAT:
        _refuse(f"its format is {document['format']!r} instead of {FORMAT!r}")
    if version not in (1, VERSION):
        raise StoreError(
            f"The document has version {version}, but this voxgate reads versions 1 to "
            f"{VERSION}; export it again with a voxgate of the same version."
        )
    entries = document["samples"]
    found = [_sample(n, entry) for n, entry in enumerate(entries, start=1)]
    samples = clean_samples(found) if found or not newer else []
    packs = [clean_pack(entry["pack"]) for entry in entries]
    return Enrolled(
        clean_name(document["speaker"]),
        _time(document["created_at"], "it"),
        list(zip(packs, samples, strict=True)),
        clean_metadata(document.get("metadata", {})),
        tuple(_group(name) for name in document.get("groups", [])),
    )


def _group(name: Any) -> str:
    if not isinstance(name, str):
        _refuse(f"one of its groups has the wrong type ({type(name).__name__})")
    return clean_name(name, "group's name")


def _sample(number: int, entry: Any) -> Sample:
    where = f"sample {number}"
    _check(entry, _SAMPLE, where)
    return Sample(
        id=entry["id"],
        vector=_vector(entry["embedding"], where),
        speech_s=entry["speech_s"],
        quality=entry["quality"],
        name=entry["name"],
        added_at=_time(entry["added_at"], where),
    )


def _check(found: Any, wanted: Mapping[str, Any], where: str) -> None:
    """Require exactly these keys, and values of these types."""
    if not isinstance(found, dict):
        _refuse(f"{where} is not a JSON object")
    for key in found:
        if key not in wanted:
            _refuse(f"{where} has an unknown field {key!r}")
    for key, kind in wanted.items():
        if key not in found:
            _refuse(f"{where} has no {key!r}")
        if not isinstance(found[key], kind) or isinstance(found[key], bool):
            _refuse(f"{key!r} of {where} has the wrong type ({type(found[key]).__name__})")


def _vector(text: str, where: str) -> Any:
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    except (binascii.Error, ValueError) as error:
        _refuse(f"the embedding of {where} is not base64 of float32 numbers", error)


def _time(text: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError("no time zone")
        return time.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        _refuse(f"{where} has {text!r} for a date in ISO 8601 with a time zone", error)


def _refuse(reason: str, cause: Exception | None = None) -> NoReturn:
    raise StoreError(f"This is not a speaker that voxgate has exported: {reason}.") from cause
