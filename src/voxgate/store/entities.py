"""What a store holds: speakers and their voices, groups, the audit log.

Times are in UTC wherever they come out of a store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

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
    pack: str  # id of the pack, such as "ecapa-compact@7"; others are not comparable
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


class Nearest(NamedTuple):
    """What a database's own search found."""

    voiceprints: list[Voiceprint]  # nearest first
    searched: int  # voices that there are to be found; of many, as many as there lately were


@dataclass(frozen=True)
class SpeakerSummary:
    """A speaker, over all packs; perhaps without a sample yet."""

    name: str
    created_at: datetime
    updated_at: datetime
    packs: tuple[str, ...]  # ids, sorted
    recordings: int
    speech_s: float
    metadata: dict[str, Any] = field(default_factory=dict)  # JSON-ready, the caller's own
    groups: tuple[str, ...] = ()  # sorted


@dataclass(frozen=True)
class GroupSummary:
    """A group of speakers, or a watchlist of known fraudsters."""

    name: str
    size: int
    created_at: datetime


@dataclass(frozen=True)
class ApiKey:
    """What may be asked of a service by whoever has the secret, which is not kept."""

    id: str  # public
    digest: bytes = field(repr=False)  # SHA-256 of the secret
    scopes: frozenset[str]  # such as "verify"
    domain: str
    label: str  # a person's words for it
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None  # noted once a minute at most


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was done, as the append-only audit log has it."""

    at: datetime
    action: str
    speaker: str | None  # keyed hash of the name: who it was is known only by asking with a name
    detail: dict[str, Any]


JobStatus = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class JobFailure:
    """A speaker whom a job could not do, and why."""

    speaker: str
    error: str  # the name of its class
    message: str


@dataclass(frozen=True)
class Job:
    """A batch job: many speakers, done one after the other in the background."""

    id: str  # 32 hexadecimal digits
    domain: str
    kind: str
    status: JobStatus
    total: int  # speakers
    done: int  # with success
    skipped: int
    failed: int
    failures: tuple[JobFailure, ...] = field(repr=False)
    created_at: datetime
    updated_at: datetime

    @property
    def finished(self) -> int:
        """Speakers that are done, skipped or failed."""
        return self.done + self.skipped + self.failed


@dataclass(frozen=True)
class Claim:
    """The right to work on the request that has an idempotency key."""

    key: str  # keyed hash
    token: str = field(repr=False)  # random: another claim of the same key has another


@dataclass(frozen=True)
class Answer:
    """What a request with an idempotency key was answered."""

    status: int
    body_digest: bytes  # of the request's body
    content: bytes | None = field(repr=False)  # None: forgotten, or not to be kept


@dataclass(frozen=True)
class AuditReport:
    """What came of checking the chain of the whole audit log, over all domains."""

    count: int  # entries that there are
    head: str  # what the chain comes to, in hexadecimal; note it elsewhere to check against later
    broken_at: int | None  # the first entry, from 1, that is altered, put in or missing

    @property
    def intact(self) -> bool:
        """Whether nothing was altered, put in or taken out."""
        return self.broken_at is None
