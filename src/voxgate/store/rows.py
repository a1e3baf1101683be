"""Reading and writing the rows of a store, within one transaction.

What is sealed is bound to its table and column, to the speaker's id and name, and to the open
values of its row: if one of them is altered, the sealed value does not open any more.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from voxgate.errors import StoreCorruptError
from voxgate.store import AuditEntry, Sample, SpeakerSummary, Voiceprint
from voxgate.store.crypto import Vault
from voxgate.store.schema import audit_log, samples, speakers, store, voiceprints

_DAMAGED = "The list of speakers in the store is damaged; restore it from a backup."
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Speaker(NamedTuple):
    """A row of the table of speakers."""

    id: str
    name: str
    created_us: int
    updated_us: int

    @property
    def created_at(self) -> datetime:
        return to_datetime(self.created_us)


class Rows:
    """A transaction on a store's database, and the vault that opens what is in it."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def revision(self) -> int:
        return int(self._connection.execute(select(store.c.revision)).scalar_one())

    def raise_revision(self, *, erasure: bool = False) -> None:
        """Note that speakers changed; with `erasure`, that traces of some have to be removed."""
        risen = {"revision": store.c.revision + 1}
        due = {"erasure_due": store.c.revision + 1} if erasure else {}
        self._connection.execute(update(store).values(risen | due))

    def speaker(self, name: str) -> Speaker | None:
        row = self._connection.execute(select(speakers).where(speakers.c.name == name)).first()
        return Speaker(*row) if row else None

    def names(self) -> Iterator[str]:
        """All names, in no order."""
        found = self._connection.execute(select(speakers.c.name)).scalars()
        yield from (name for name in found if isinstance(name, str))  # damaged, it can be anything

    def summaries(self, name: str | None = None) -> list[SpeakerSummary]:
        """All speakers by name, or only the one."""
        pack = samples.c.pack
        amounts = [func.count().label("recordings"), func.sum(samples.c.speech_s).label("speech_s")]
        query = select(*speakers.c, pack, *amounts).join(samples).group_by(speakers.c.id, pack)
        if name is not None:
            query = query.where(speakers.c.name == name)
        try:
            rows = sorted(self._connection.execute(query), key=attrgetter("name", "pack"))
            return [_summary(list(packs)) for _, packs in groupby(rows, key=attrgetter("name"))]
        except TypeError as error:  # these values are not sealed: damaged, they can be anything
            raise StoreCorruptError(_DAMAGED) from error

    def add_speaker(self, name: str, created_at: datetime) -> Speaker:
        created_us = to_us(created_at)
        speaker = Speaker(uuid.uuid4().hex, name, created_us, created_us)
        self._connection.execute(insert(speakers).values(speaker._asdict()))
        return speaker

    def touch_speaker(self, speaker: Speaker, at: datetime) -> None:
        query = update(speakers).where(speakers.c.id == speaker.id)
        self._connection.execute(query.values(updated_us=to_us(at)))

    def remove_speaker(self, speaker: Speaker) -> None:
        """Remove a speaker with all samples and voiceprints (the foreign keys cascade)."""
        self._connection.execute(delete(speakers).where(speakers.c.id == speaker.id))

    def sample_ids(self, speaker: Speaker) -> list[str]:
        query = select(samples.c.id).where(samples.c.speaker_id == speaker.id)
        return list(self._connection.execute(query).scalars())

    def samples(self, speaker: Speaker, pack: str | None = None) -> list[tuple[str, Sample]]:
        """Pack id and sample, in the order they came."""
        query = select(samples).where(samples.c.speaker_id == speaker.id).order_by("number")
        if pack is not None:
            query = query.where(samples.c.pack == pack)
        rows = self._connection.execute(query)
        return [(row.pack, self._open_sample(speaker, row)) for row in rows]

    def add_samples(self, speaker: Speaker, pack: str, added: Sequence[Sample]) -> None:
        rows = [self._seal_sample(speaker, pack, sample) for sample in added]
        self._connection.execute(insert(samples), rows)

    def remove_samples(self, speaker: Speaker, pack: str) -> int:
        """Remove the samples of one pack, and say how many there were."""
        of_pack = (samples.c.speaker_id == speaker.id) & (samples.c.pack == pack)
        return self._connection.execute(delete(samples).where(of_pack)).rowcount

    def has_voiceprint(self, speaker: Speaker, pack: str) -> bool:
        query = select(voiceprints.c.pack).where(_voiceprint_of(speaker, pack))
        return self._connection.execute(query).first() is not None

    def voiceprints(self, pack: str, name: str | None = None) -> list[Voiceprint]:
        """All voiceprints of a pack by name, or only that of one speaker."""
        columns = (speakers.c.id, speakers.c.name, *voiceprints.c)
        query = select(*columns).join(speakers).where(voiceprints.c.pack == pack)
        if name is not None:
            query = query.where(speakers.c.name == name)
        opened = [self._open_voiceprint(row) for row in self._connection.execute(query)]
        return sorted(opened, key=attrgetter("speaker"))

    def put_voiceprint(self, speaker: Speaker, voiceprint: Voiceprint) -> None:
        pack, updated_us = voiceprint.pack, to_us(voiceprint.updated_at)
        amount = (voiceprint.speech_s, voiceprint.recordings)
        place = ("voiceprints.embedding", speaker.id, speaker.name, pack, *amount, updated_us)
        sealed = self._vault.seal(_to_bytes(voiceprint.vector), *place)
        self._connection.execute(delete(voiceprints).where(_voiceprint_of(speaker, pack)))
        self._connection.execute(
            insert(voiceprints).values(
                pack=pack,
                speaker_id=speaker.id,
                speech_s=voiceprint.speech_s,
                recordings=voiceprint.recordings,
                updated_us=updated_us,
                sealed_embedding=sealed,
            )
        )

    def audit(self, action: str, name: str | None, detail: dict[str, Any]) -> None:
        at_us = to_us(datetime.now(timezone.utc))
        who = self._vault.pseudonym(name) if name is not None else None
        sealed = self._vault.seal(
            json.dumps(detail).encode(), "audit_log.detail", at_us, action, who or ""
        )
        values = {"at_us": at_us, "action": action, "speaker": who, "sealed_detail": sealed}
        self._connection.execute(insert(audit_log).values(values))

    def audit_log(self, limit: int, name: str | None = None) -> list[AuditEntry]:
        """The newest entries first; with a name, only those about that speaker."""
        query = select(audit_log).order_by(audit_log.c.number.desc()).limit(limit)
        if name is not None:
            query = query.where(audit_log.c.speaker == self._vault.pseudonym(name))
        return [self._open_entry(row) for row in self._connection.execute(query)]

    def _seal_sample(self, speaker: Speaker, pack: str, sample: Sample) -> dict[str, Any]:
        added_us = to_us(sample.added_at)
        place = (speaker.id, speaker.name, sample.id, pack, sample.speech_s, added_us)
        facts = json.dumps({"name": sample.name, "quality": sample.quality}).encode()
        vector = _to_bytes(sample.vector)
        return {
            "speaker_id": speaker.id,
            "id": sample.id,
            "pack": pack,
            "speech_s": sample.speech_s,
            "added_us": added_us,
            "sealed_embedding": self._vault.seal(vector, "samples.embedding", *place),
            "sealed_facts": self._vault.seal(facts, "samples.facts", *place),
        }

    def _open_sample(self, speaker: Speaker, row: Row[Any]) -> Sample:
        what = f"A sample of {speaker.name!r}"
        place = (speaker.id, speaker.name, row.id, row.pack, row.speech_s, row.added_us)
        vector = self._vault.open(row.sealed_embedding, "samples.embedding", *place, what=what)
        facts = json.loads(self._vault.open(row.sealed_facts, "samples.facts", *place, what=what))
        return Sample(
            id=row.id,
            vector=_to_vector(vector),
            speech_s=row.speech_s,
            quality=facts["quality"],
            name=facts["name"],
            added_at=to_datetime(row.added_us),
        )

    def _open_voiceprint(self, row: Row[Any]) -> Voiceprint:
        amount = (row.speech_s, row.recordings)
        place = ("voiceprints.embedding", row.id, row.name, row.pack, *amount, row.updated_us)
        what = f"The voiceprint of {row.name!r}"
        vector = _to_vector(self._vault.open(row.sealed_embedding, *place, what=what))
        return Voiceprint(row.name, row.pack, vector, *amount, to_datetime(row.updated_us))

    def _open_entry(self, row: Row[Any]) -> AuditEntry:
        place = ("audit_log.detail", row.at_us, row.action, row.speaker or "")
        detail = self._vault.open(row.sealed_detail, *place, what="An entry of the audit log")
        return AuditEntry(to_datetime(row.at_us), row.action, row.speaker, json.loads(detail))


def to_us(time: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def to_datetime(us: int) -> datetime:
    """The time that `to_us` gave this number for."""
    try:
        return _EPOCH + timedelta(microseconds=us)
    except (TypeError, OverflowError) as error:
        raise StoreCorruptError(_DAMAGED) from error


def _voiceprint_of(speaker: Speaker, pack: str) -> Any:
    return (voiceprints.c.speaker_id == speaker.id) & (voiceprints.c.pack == pack)


def _summary(packs: Sequence[Any]) -> SpeakerSummary:
    """One speaker, from a row for each pack."""
    return SpeakerSummary(
        name=packs[0].name,
        created_at=to_datetime(packs[0].created_us),
        updated_at=to_datetime(packs[0].updated_us),
        packs=tuple(row.pack for row in packs),
        recordings=sum(row.recordings for row in packs),
        speech_s=sum(row.speech_s for row in packs),
    )


def _to_bytes(vector: NDArray[np.float32]) -> bytes:
    return vector.astype("<f4").tobytes()


def _to_vector(data: bytes) -> NDArray[np.float32]:
    """The bytes as a vector that cannot be written to; not copied where they fit as they are."""
    return np.frombuffer(data, "<f4").astype(np.float32, copy=False)
