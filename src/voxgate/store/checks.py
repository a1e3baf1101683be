"""What may enter a store: the same rules for every backend."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timezone
from difflib import get_close_matches
from itertools import islice
from typing import Any, get_args

import numpy as np

from voxgate.errors import SpeakerExistsError, SpeakerNotFoundError, StoreError, UsageError
from voxgate.store import Mode, Sample

LONGEST_NAME = 256  # characters
_UNWANTED = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories: control, half a pair, line ends
_ID = re.compile(r"[0-9a-f]{32}")
_UNIT_TOLERANCE = 1e-3  # of the length of an embedding
LARGEST_METADATA = 16 * 1024  # bytes, as JSON
LARGEST_PAGE = 1000  # speakers
_MOST_SPEECH_S = 1e9  # 30 years; larger is a mistake
_HINTS_AMONG = 10_000  # names to look for near ones in: bounds the time


def clean_name(name: str, what: str = "speaker's name") -> str:
    """The name as it is kept and compared: NFC, without white space around it.

    Raises:
        UsageError: it is empty, too long, or has control characters.
    """
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= LONGEST_NAME:
        raise UsageError(
            f"A {what} has 1 to {LONGEST_NAME} characters, not {len(clean)}; give it another one."
        )
    if any(unicodedata.category(character) in _UNWANTED for character in clean):
        raise UsageError(
            f"The {what} {clean!r} has a control character or a line break in it; leave it out."
        )
    return clean


def clean_pack(pack: str) -> str:
    """The id of a pack, under the same rules as names."""
    return clean_name(pack, "pack's id")


def clean_samples(samples: Sequence[Sample]) -> list[Sample]:
    """Copies of the samples that nobody else can change.

    Raises:
        StoreError: there is none, two have the same id, or one holds what must not be kept.
    """
    if not samples:
        raise StoreError("There is no sample to enrol; give at least one.")
    if len({sample.id for sample in samples}) < len(samples):
        raise StoreError("Two of the samples have the same id; each needs its own.")
    return [_clean_sample(sample) for sample in samples]


def _clean_sample(sample: Sample) -> Sample:
    vector = np.array(sample.vector, np.float32)
    vector.flags.writeable = False
    # NaN fails every comparison, so the conditions are written as what must hold.
    if not (vector.ndim == 1 and abs(np.linalg.norm(vector) - 1) < _UNIT_TOLERANCE):
        raise StoreError(
            f"{sample.name}: its embedding is not a finite vector of length 1, so it is not kept."
        )
    if not 0 < sample.speech_s < _MOST_SPEECH_S:
        raise StoreError(f"{sample.name}: its seconds of speech are not a number above 0.")
    if not _ID.fullmatch(sample.id):
        raise StoreError(f"{sample.name}: the id {sample.id!r} is not 32 hexadecimal digits.")
    if sample.added_at.tzinfo is None:
        raise StoreError(f"{sample.name}: the time it was added, {sample.added_at}, has no zone.")
    return replace(
        sample,
        vector=vector,
        speech_s=float(sample.speech_s),
        quality=clean_facts(sample.quality, f"{sample.name}: its quality"),
        added_at=sample.added_at.astimezone(timezone.utc),
    )


def clean_facts(facts: dict[str, Any], what: str) -> dict[str, Any]:
    """A copy of a JSON-ready dict, exactly as it would come back from JSON."""
    try:
        clean: dict[str, Any] = json.loads(json.dumps(facts, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"{what} cannot be kept as JSON: {error}.") from error
    return clean


def clean_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """A copy of a speaker's metadata.

    Raises:
        StoreError: it is not JSON-ready.
        UsageError: it is too large.
    """
    clean = clean_facts(metadata, "The metadata")
    if (size := len(json.dumps(clean))) > LARGEST_METADATA:
        raise UsageError(
            f"The metadata has {size:,} bytes as JSON; at most {LARGEST_METADATA:,} are kept, so "
            "keep the rest elsewhere."
        )
    return clean


def check_limit(limit: int) -> None:
    """Refuse a page of no or of too many speakers."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise UsageError(f"A page has 1 to {LARGEST_PAGE:,} speakers, not {limit:,}.")


def check_mode(mode: Mode) -> None:
    """Refuse a mode that does not exist."""
    if mode not in get_args(Mode):
        raise UsageError(f"Mode {mode!r} is none of {', '.join(get_args(Mode))}.")


def check_presence(
    mode: Mode, speaker: str, pack: str, *, present: bool, names: Iterable[str]
) -> None:
    """Refuse what the mode does not allow for a speaker who is, or is not, enrolled with a pack.

    Raises:
        SpeakerExistsError: mode "new", and there already.
        SpeakerNotFoundError: mode "add", and not there; with the nearest of `names`.
    """
    if mode == "new" and present:
        raise SpeakerExistsError(speaker)
    if mode == "add" and not present:
        raise not_found(speaker, pack, names)


def check_ids(samples: Sequence[Sample], taken: Iterable[str]) -> None:
    """Refuse samples that the speaker has already."""
    if double := {sample.id for sample in samples}.intersection(taken):
        raise StoreError(f"A sample with the id {min(double)} is enrolled already.")


def not_found(speaker: str, pack: str | None, names: Iterable[str]) -> SpeakerNotFoundError:
    """The error for an unknown speaker, with the nearest of the known names."""
    known = {name.casefold(): name for name in islice(names, _HINTS_AMONG) if name != speaker}
    near = [known[folded] for folded in get_close_matches(speaker.casefold(), known)]
    return SpeakerNotFoundError(speaker, pack or "any pack", near)
