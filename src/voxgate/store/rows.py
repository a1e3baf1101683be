"""Reading and writing the rows of one space of a store, within one transaction.

What is sealed is bound to its table and column, to the speaker's id and name, to the space, and
to the open values of its row: if one of them is altered, the sealed value does not open any more.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from voxgate.errors import StoreCorruptError
from voxgate.store import Sample, SpeakerSummary, Voiceprint
from voxgate.store.crypto import Vault
from voxgate.store.schema import (
    groups,
    members,
    samples,
    scope_of,
    spaces,
    speakers,
    store,
    voiceprints,
)
from voxgate.store.times import DAMAGED, to_datetime, to_us
from voxgate.store.vectors import Vectors


class Speaker(NamedTuple):
    """A row of the table of speakers."""

    id: str
    space_id: str
    name: str
    created_us: int
    updated_us: int
    sealed_metadata: bytes | None

    @property
    def created_at(self) -> datetime:
        return to_datetime(self.created_us)


class Rows:
    """A transaction on a space of a store's database, and the vault that opens what is in it."""

    def __init__(
        self, connection: Connection, vault: Vault, space: str, vectors: Vectors | None = None
    ) -> None:
        self.connection = connection
        self.space = space
        self.vault = vault
        self.vectors = vectors

    def revision(self) -> int:
        query = select(spaces.c.revision).where(spaces.c.id == self.space)
        return int(self.connection.execute(query).scalar_one())

    def raise_revision(self, *, erasure: bool = False) -> None:
        """Note that speakers changed; with `erasure`, that traces of some have to be removed."""
        risen = {"revision": store.c.revision + 1}
        due = {"erasure_due": store.c.revision + 1} if erasure else {}
        self.connection.execute(update(store).values(risen | due))
        newest = select(store.c.revision).scalar_subquery()
        here = update(spaces).where(spaces.c.id == self.space)
        self.connection.execute(here.values(revision=newest))

    def speaker(self, name: str) -> Speaker | None:
        query = select(speakers).where(speakers.c.space_id == self.space, speakers.c.name == name)
        row = self.connection.execute(query).first()
        return Speaker(*row) if row else None

    def names(self) -> Iterator[str]:
        """All names, in no order."""
        query = select(speakers.c.name).where(speakers.c.space_id == self.space)
        found = self.connection.execute(query).scalars()
        yield from (name for name in found if isinstance(name, str))  # damaged, it can be anything

    def summaries(self, name: str | None = None) -> list[SpeakerSummary]:
        """All speakers by name, or only the one."""
        query = select(speakers).where(speakers.c.space_id == self.space)
        return self._summed(query if name is None else query.where(speakers.c.name == name))

    def page(self, after: str | None, limit: int, group: str | None) -> list[SpeakerSummary]:
        """The first speakers by name; after a name, and of the group of an id."""
        query = select(speakers).where(speakers.c.space_id == self.space)
        if after is not None:
            query = query.where(speakers.c.name > after)
        if group is not None:
            query = query.join(members).where(members.c.group_id == group)
        return self._summed(query.order_by(speakers.c.name).limit(limit))

    def add_speaker(self, name: str, created_at: datetime) -> Speaker:
        created_us = to_us(created_at)
        speaker = Speaker(uuid.uuid4().hex, self.space, name, created_us, created_us, None)
        self.connection.execute(insert(speakers).values(speaker._asdict()))
        return speaker

    def describe(self, speaker: Speaker, metadata: dict[str, Any]) -> None:
        place = ("speakers.metadata", *self._place_of(speaker))
        sealed = self.vault.seal(json.dumps(metadata).encode(), *place) if metadata else None
        query = update(speakers).where(speakers.c.id == speaker.id)
        self.connection.execute(query.values(sealed_metadata=sealed))

    def metadata(self, speaker: Speaker) -> dict[str, Any]:
        if speaker.sealed_metadata is None:
            return {}
        place = ("speakers.metadata", *self._place_of(speaker))
        what = f"The metadata of {speaker.name!r}"
        opened: dict[str, Any] = json.loads(
            self.vault.open(speaker.sealed_metadata, *place, what=what)
        )
        return opened

    def touch_speaker(self, speaker: Speaker, at: datetime) -> None:
        query = update(speakers).where(speakers.c.id == speaker.id)
        self.connection.execute(query.values(updated_us=to_us(at)))

    def remove_speaker(self, speaker: Speaker) -> None:
        """Remove a speaker with all samples and voiceprints (the foreign keys cascade)."""
        self.connection.execute(delete(speakers).where(speakers.c.id == speaker.id))

    def sample_ids(self, speaker: Speaker) -> list[str]:
        query = select(samples.c.id).where(samples.c.speaker_id == speaker.id)
        return list(self.connection.execute(query).scalars())

    def count_samples(self, speaker: Speaker, pack: str) -> int:
        of_pack = (samples.c.speaker_id == speaker.id) & (samples.c.pack == pack)
        query = select(func.count()).select_from(samples).where(of_pack)
        return self.connection.execute(query).scalar_one()

    def samples(self, speaker: Speaker, pack: str | None = None) -> list[tuple[str, Sample]]:
        """Pack id and sample, in the order they came."""
        query = select(samples).where(samples.c.speaker_id == speaker.id).order_by("number")
        if pack is not None:
            query = query.where(samples.c.pack == pack)
        rows = self.connection.execute(query)
        return [(row.pack, self._open_sample(speaker, row)) for row in rows]

    def add_samples(self, speaker: Speaker, pack: str, added: Sequence[Sample]) -> None:
        rows = [self._seal_sample(speaker, pack, sample) for sample in added]
        self.connection.execute(insert(samples), rows)

    def remove_samples(self, speaker: Speaker, pack: str) -> int:
        """Remove the samples of one pack, and say how many there were."""
        of_pack = (samples.c.speaker_id == speaker.id) & (samples.c.pack == pack)
        return self.connection.execute(delete(samples).where(of_pack)).rowcount

    def remove_sample(self, speaker: Speaker, sample_id: str) -> str | None:
        """Remove one sample, and say of which pack it was; None where there is none."""
        one = (samples.c.speaker_id == speaker.id) & (samples.c.id == sample_id)
        pack = self.connection.execute(select(samples.c.pack).where(one)).scalar_one_or_none()
        self.connection.execute(delete(samples).where(one))
        return pack

    def remove_voices(self, speaker: Speaker) -> int:
        """Remove all samples and voiceprints, and say how many samples there were."""
        self.connection.execute(delete(voiceprints).where(voiceprints.c.speaker_id == speaker.id))
        of_speaker = delete(samples).where(samples.c.speaker_id == speaker.id)
        return self.connection.execute(of_speaker).rowcount

    def remove_voiceprint(self, speaker: Speaker, pack: str) -> None:
        self.connection.execute(delete(voiceprints).where(_voiceprint_of(speaker, pack)))

    def has_voiceprint(self, speaker: Speaker, pack: str) -> bool:
        query = select(voiceprints.c.pack).where(_voiceprint_of(speaker, pack))
        return self.connection.execute(query).first() is not None

    def voiceprints(
        self, pack: str, name: str | None = None, *, ids: Sequence[str] | None = None
    ) -> list[Voiceprint]:
        """All voiceprints of a pack by name, or only that of one speaker, or those of some ids."""
        columns = (speakers.c.id, speakers.c.name, *voiceprints.c)
        query = select(*columns).join(speakers)
        query = query.where(voiceprints.c.pack == pack, speakers.c.space_id == self.space)
        if name is not None:
            query = query.where(speakers.c.name == name)
        if ids is not None:
            query = query.where(speakers.c.id.in_(ids))
        opened = [self._open_voiceprint(row) for row in self.connection.execute(query)]
        return sorted(opened, key=attrgetter("speaker"))

    def put_voiceprint(self, speaker: Speaker, voiceprint: Voiceprint) -> None:
        pack, updated_us = voiceprint.pack, to_us(voiceprint.updated_at)
        amount = (voiceprint.speech_s, voiceprint.recordings)
        place = self._place_of(speaker, pack, *amount, updated_us)
        opened = _to_bytes(voiceprint.vector)
        sealed = self.vault.seal(opened, "voiceprints.embedding", *place)
        self.remove_voiceprint(speaker, pack)
        self.connection.execute(
            insert(voiceprints).values(
                pack=pack,
                speaker_id=speaker.id,
                speech_s=voiceprint.speech_s,
                recordings=voiceprint.recordings,
                updated_us=updated_us,
                sealed_embedding=sealed,
            )
        )
        if self.vectors is not None:
            vector = voiceprint.vector
            self.vectors.put(self.connection, self.space, speaker.id, pack, vector)

    def pseudonym(self, name: str) -> str:
        """The keyed hash of a speaker's name in this space."""
        return self.vault.pseudonym(name, *scope_of(self.space))

    def _summed(self, query: Select[Any]) -> list[SpeakerSummary]:
        """The chosen speakers, with what there is of each, by name."""
        found = [Speaker(*row) for row in self.connection.execute(query)]
        chosen = query.with_only_columns(speakers.c.id)
        pack, of = samples.c.pack, samples.c.speaker_id
        amounts = select(of, pack, func.count(), func.sum(samples.c.speech_s)).group_by(of, pack)
        packs: dict[str, list[Any]] = defaultdict(list)
        for speaker_id, *amount in self.connection.execute(amounts.where(of.in_(chosen))):
            packs[speaker_id].append(amount)
        of = members.c.speaker_id
        named = select(of, groups.c.name).join(groups).where(of.in_(chosen))
        of_groups: dict[str, list[str]] = defaultdict(list)
        for speaker_id, name in self.connection.execute(named):
            of_groups[speaker_id].append(name)
        try:
            summed = [self._summary(one, packs[one.id], of_groups[one.id]) for one in found]
            return sorted(summed, key=attrgetter("name"))
        except TypeError as error:  # these values are not sealed: damaged, they can be anything
            raise StoreCorruptError(DAMAGED) from error

    def _summary(
        self, speaker: Speaker, packs: Sequence[Any], of_groups: Sequence[str]
    ) -> SpeakerSummary:
        if not isinstance(speaker.name, str):  # damaged, it can be anything
            raise StoreCorruptError(DAMAGED)
        return SpeakerSummary(
            name=speaker.name,
            created_at=to_datetime(speaker.created_us),
            updated_at=to_datetime(speaker.updated_us),
            packs=tuple(sorted(pack for pack, _, _ in packs)),
            recordings=sum(count for _, count, _ in packs),
            speech_s=float(sum(speech_s for _, _, speech_s in packs)),
            metadata=self.metadata(speaker),
            groups=tuple(sorted(of_groups)),
        )

    def _place_of(self, speaker: Speaker, *facts: str | float) -> tuple[str | float, ...]:
        """What the sealed values of a row of a speaker are bound to, but for the column."""
        return (speaker.id, speaker.name, *facts, *scope_of(self.space))

    def _seal_sample(self, speaker: Speaker, pack: str, sample: Sample) -> dict[str, Any]:
        added_us = to_us(sample.added_at)
        place = self._place_of(speaker, sample.id, pack, sample.speech_s, added_us)
        facts = json.dumps({"name": sample.name, "quality": sample.quality}).encode()
        vector = _to_bytes(sample.vector)
        return {
            "speaker_id": speaker.id,
            "id": sample.id,
            "pack": pack,
            "speech_s": sample.speech_s,
            "added_us": added_us,
            "sealed_embedding": self.vault.seal(vector, "samples.embedding", *place),
            "sealed_facts": self.vault.seal(facts, "samples.facts", *place),
        }

    def _open_sample(self, speaker: Speaker, row: Row[Any]) -> Sample:
        what = f"A sample of {speaker.name!r}"
        place = self._place_of(speaker, row.id, row.pack, row.speech_s, row.added_us)
        vector = self.vault.open(row.sealed_embedding, "samples.embedding", *place, what=what)
        facts = json.loads(self.vault.open(row.sealed_facts, "samples.facts", *place, what=what))
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
        place = (row.id, row.name, row.pack, *amount, row.updated_us, *scope_of(self.space))
        what = f"The voiceprint of {row.name!r}"
        opened = self.vault.open(row.sealed_embedding, "voiceprints.embedding", *place, what=what)
        return Voiceprint(
            row.name, row.pack, _to_vector(opened), *amount, to_datetime(row.updated_us)
        )


def _voiceprint_of(speaker: Speaker, pack: str) -> Any:
    return (voiceprints.c.speaker_id == speaker.id) & (voiceprints.c.pack == pack)


def _to_bytes(vector: NDArray[np.float32]) -> bytes:
    return vector.astype("<f4").tobytes()


def _to_vector(data: bytes) -> NDArray[np.float32]:
    """The bytes as a vector that cannot be written to; not copied where they fit as they are."""
    return np.frombuffer(data, "<f4").astype(np.float32, copy=False)
