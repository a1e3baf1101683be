"""Where enrolled voices are kept. `open_store` picks the backend from a URL.

A speaker has samples, one for each enrolled recording, and per model pack one voiceprint,
which is always `Voiceprint.of` all the samples of that pack. Names are compared after
Unicode normalisation (NFC) and without surrounding white space. Times are in UTC.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import StoreError
from voxgate.scoring import to_unit_length

Mode = Literal["new", "add", "replace"]


@dataclass(frozen=True, eq=False)
class Sample:
    """What is kept of one enrolled recording; never the sound."""

    id: str  # 32 hexadecimal digits, such as uuid4().hex
    vector: NDArray[np.float32] = field(repr=False)  # embedding, (dim,), unit length
    speech_s: float
    quality: dict[str, Any]  # JSON-ready
    name: str  # the recording's file name
    added_at: datetime  # with a time zone


@dataclass(frozen=True, eq=False)
class Voiceprint:
    """One enrolled speaker, as heard by one model pack."""

    speaker: str
    pack: str  # id of the pack, such as "ecapa-compact@1"; others are not comparable
    vector: NDArray[np.float32] = field(repr=False)  # (dim,), unit length
    speech_s: float  # in all samples together
    recordings: int
    updated_at: datetime  # when the newest sample was added

    @classmethod
    def of(cls, speaker: str, pack: str, samples: Sequence[Sample]) -> "Voiceprint":
        """Average the samples, weighted by their seconds of speech.

        Raises:
            StoreError: there is none, or they differ in dimension.
            ScoringError: they cancel each other out, so the mean has no direction.
        """
        dims = sorted({sample.vector.size for sample in samples})
        if len(dims) != 1:
            raise StoreError(
                f"A voiceprint of {speaker!r} needs one sample or more, all of one dimension; "
                f"found {len(samples)} of dimensions {dims}."
            )
        speech_s = np.array([sample.speech_s for sample in samples])
        vectors = np.stack([sample.vector for sample in samples]).astype(np.float64)
        mean = (vectors * speech_s[:, None]).sum(axis=0)
        vector = to_unit_length(mean).astype(np.float32)
        vector.flags.writeable = False
        return cls(
            speaker=speaker,
            pack=pack,
            vector=vector,
            speech_s=float(speech_s.sum()),
            recordings=len(samples),
            updated_at=max(sample.added_at for sample in samples),
        )


@dataclass(frozen=True)
class SpeakerSummary:
    """An enrolled speaker, over all packs."""

    name: str
    created_at: datetime
    updated_at: datetime
    packs: tuple[str, ...]  # ids, sorted
    recordings: int
    speech_s: float


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was done, as the append-only audit log has it."""

    at: datetime
    action: str
    speaker: str | None  # keyed hash of the name: who it was is known only by asking with a name
    detail: dict[str, Any]


class Store(Protocol):
    """What every backend does, and all that the rest of voxgate may rely on.

    A change is made as a whole or not at all, and is there for good when the method returns.
    Several threads and processes may use one store at a time. Enrolling, deleting, exporting
    and importing write their own audit entries.

    Raises:
        UsageError: a name has control characters, or is not of 1 to 256 characters.
        StoreError: and the errors below it, from any method, as errors.py describes them.
    """

    def enrol(
        self, speaker: str, pack: str, samples: Sequence[Sample], *, mode: Mode = "new"
    ) -> Voiceprint:
        """Keep the samples and bring the voiceprint up to date.

        Args:
            speaker: whose voice it is.
            pack: id of the pack that made the embeddings.
            samples: one or more.
            mode: "new" refuses a speaker who is enrolled with this pack already, "add" one
                who is not; "replace" enrols in either case, and leaves nothing of the
                samples that were there before.

        Raises:
            SpeakerExistsError: mode "new", and there already.
            SpeakerNotFoundError: mode "add", and not there.
        """

    def voiceprint(self, speaker: str, pack: str) -> Voiceprint:
        """The voiceprint of one speaker, or a SpeakerNotFoundError with the nearest names."""

    def voiceprints(self, pack: str) -> list[Voiceprint]:
        """All voiceprints of one pack, by name."""

    def samples(self, speaker: str, pack: str | None = None) -> list[Sample]:
        """The samples of one speaker in the order they came; of all packs without `pack`."""

    def speakers(self) -> list[SpeakerSummary]:
        """All speakers, by name."""

    def delete(self, speaker: str) -> None:
        """Forget a speaker for good: nothing is left in the bytes of the store's files.

        The audit log keeps that something was deleted, under a keyed hash of the name.

        Raises:
            StoreWriteError: nothing was deleted; or it was, but its traces cannot be
                removed yet. The message says which.
        """

    def export(self, speaker: str) -> dict[str, Any]:
        """All that is kept about a speaker, JSON-ready; see voxgate.store.document."""

    def import_(self, document: dict[str, Any], *, mode: Mode = "new") -> SpeakerSummary:
        """Take in what `export` gave, pack by pack as `enrol` does, all of it or nothing."""

    def revision(self) -> int:
        """A number that changes with the speakers, also by another process; cheap to ask."""

    def audit(self, action: str, speaker: str | None, detail: dict[str, Any]) -> None:
        """Write an entry that nobody can change or remove, so name no person in `detail`."""

    def audit_log(self, limit: int = 100, *, speaker: str | None = None) -> list[AuditEntry]:
        """The newest entries first; with `speaker`, only those about them."""

    def close(self) -> None:
        """Let go of files and connections."""


BACKENDS = {  # URL scheme -> "module:name" of what opens it, imported only when asked for
    "memory": "voxgate.store.memory:MemoryStore",
    "postgresql": "voxgate.store.postgres:open_postgres",
    "sqlite": "voxgate.store.sqlite:open_sqlite",
}


def open_store(url: str | None = None, *, key: bytes | None = None) -> Store:
    """Open the store at `url`, such as "sqlite:///voices.db" or "memory:".

    Args:
        url: where it is; without it, `default_url`.
        key: the 32 bytes that everything is encrypted with. Without it they come from the
            environment variable VOXGATE_KEY, or from a key file next to the database.

    Raises:
        StoreError: and the errors below it: there is no such backend, the key is wrong, the
            database is damaged or of a newer version, or cannot be written.
    """
    url = url or default_url()
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in BACKENDS:
        raise StoreError(
            f"No store backend for {scheme!r}; a store is written as sqlite:///voices.db "
            f"(known: {', '.join(sorted(BACKENDS))})."
        )
    module, _, name = BACKENDS[scheme].partition(":")
    store: Store = getattr(import_module(module), name)(url, key=key)
    return store


def default_url() -> str:
    """The environment variable VOXGATE_STORE, or a SQLite file in the user's data folder."""
    if url := os.environ.get("VOXGATE_STORE"):
        return url
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed otherwise

    return f"sqlite:///{user_data_path('voxgate', appauthor=False) / 'voxgate.db'}"
