"""What two sides of a split must not share: speakers, and recordings under whatever name.

The content of a recording is its decoded sound, rounded to 16 bits at 16 kHz. A copy under another
name, with other tags or in another lossless format is found; one that was encoded again with loss
is not.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from voxgate.audio import Waveform
from voxgate.download import sha256_of
from voxgate.errors import LeakError
from voxgate.train.corpora import Recording

_SHOWN = 3  # leaks that the message names


@dataclass(frozen=True)
class Labelled:
    """All that the check needs of a recording."""

    speaker: str
    name: str
    content: str = ""  # see `content_of`; empty: not compared


@dataclass(frozen=True)
class Leak:
    """What is on two sides of a split."""

    kind: str  # "speaker" or "recording"
    of: str  # the speaker, or the names of the recording on both sides
    sides: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.kind} {self.of} in {' and '.join(self.sides)}"


def content_of(waveform: Waveform) -> str:
    """SHA-256 of a waveform, (samples,), as 16-bit integers."""
    rounded = np.rint(waveform.clip(-1, 1) * 32_767).astype("<i2")
    return hashlib.sha256(rounded.tobytes()).hexdigest()


def find_leaks(sides: Mapping[str, Sequence[Labelled]]) -> list[Leak]:
    """Every speaker, and every recording, that is on two of the named sides."""
    leaks = []
    for one, other in combinations(sides, 2):
        both = (one, other)
        shared = {r.speaker for r in sides[one]} & {r.speaker for r in sides[other]}
        leaks += [Leak("speaker", speaker, both) for speaker in sorted(shared)]
        known = {r.content: r.name for r in sides[one] if r.content}
        leaks += [
            Leak("recording", f"{known[r.content]} = {r.name}", both)
            for r in sides[other]
            if r.content in known
        ]
    return leaks


def refuse_leaks(sides: Mapping[str, Sequence[Labelled]]) -> None:
    """Let pass only sides that share nothing.

    Raises:
        LeakError: they share a speaker or a recording; `leaks` has all of them.
    """
    leaks = find_leaks(sides)
    if leaks:
        shown = "; ".join(map(str, leaks[:_SHOWN]))
        more = f"; and {len(leaks) - _SHOWN:,} more" if len(leaks) > _SHOWN else ""
        raise LeakError(
            f"The split leaks: {shown}{more}. Figures from it would be too good; take them out of "
            "one side.",
            [str(leak) for leak in leaks],
        )


def refuse_to_share(corpora: Mapping[str, tuple[Path, Sequence[Recording]]]) -> None:
    """Let pass only corpora that share no speaker and no file; nothing is decoded for it.

    Args:
        corpora: what each is called → where it lies, and its recordings.

    Raises:
        LeakError: somebody, or the same file under whatever name, is in two of them.
    """
    bare = any(named_after_place(path, found) for path, found in corpora.values())
    sizes = Counter(s for _, found in corpora.values() for s in {_size(r) for r in found})
    refuse_leaks({
        side: [
            Labelled(speaker_of(r, bare=bare), r.name, _bytes_of(r) if sizes[_size(r)] > 1 else "")
            for r in found
        ]
        for side, (_, found) in corpora.items()
    })  # fmt: skip


def named_after_place(path: Path, recordings: Sequence[Recording]) -> bool:
    """Is the dataset only named after the folder or file, so that train and dev have two names?"""
    whole = path.absolute()
    places = {whole.name, whole.stem, whole.parent.name}
    return all(r.row is None and r.dataset in places for r in recordings)


def speaker_of(recording: Recording, *, bare: bool) -> str:
    """The speaker to compare; bare, without the dataset."""
    if bare and recording.row is None:
        return recording.speaker.removeprefix(f"{recording.dataset}/")
    return recording.speaker


def _size(recording: Recording) -> int:
    """Of the file; 0 where there is none, or other recordings are in it too."""
    return recording.path.stat().st_size if recording.is_file and recording.path.is_file() else 0


def _bytes_of(recording: Recording) -> str:
    return sha256_of(recording.path) if _size(recording) else ""
