"""A store in an SQL database: what is common to all of them."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.store import (
    GroupSummary,
    Mode,
    Nearest,
    Sample,
    SpeakerSummary,
    Voiceprint,
    audit,
    enrolling,
    groups,
    opt_outs,
    responses,
    searching,
)
from voxgate.store.checks import (
    check_limit,
    check_mode,
    clean_metadata,
    clean_name,
    clean_pack,
    clean_samples,
    not_found,
)
from voxgate.store.document import Enrolled, from_document, to_document
from voxgate.store.enrolling import known
from voxgate.store.rows import Rows
from voxgate.store.times import now
from voxgate.store.vectors import Scope
from voxgate.store.view import View

_GROUP = "group's name"


class SqlStore(View):
    """Keeps voices in an SQL database, what they are like encrypted.

    Names, packs, dates and amounts are open, so that the database can search and count them.
    """

    # speakers

    def add_speaker(self, speaker: str, metadata: dict[str, Any] | None = None) -> SpeakerSummary:
        given = Enrolled(clean_name(speaker), now(), [], clean_metadata(metadata or {}))
        with self._writing() as rows:
            enrolling.make(rows, given)
            audit.append(rows, "add", given.speaker, {})
            return rows.summaries(given.speaker)[0]

    def speaker(self, speaker: str) -> SpeakerSummary:
        speaker = clean_name(speaker)
        with self._reading() as rows:
            known(rows, speaker)
            return rows.summaries(speaker)[0]

    def describe(self, speaker: str, metadata: dict[str, Any]) -> SpeakerSummary:
        speaker, metadata = clean_name(speaker), clean_metadata(metadata)
        with self._writing() as rows:
            there = known(rows, speaker)
            rows.describe(there, metadata)
            rows.touch_speaker(there, now())
            rows.raise_revision(erasure=there.sealed_metadata is not None)
            responses.blank(rows, speaker)
            audit.append(rows, "describe", speaker, {})
            (summary,) = rows.summaries(speaker)
        self._erase()
        return summary

    def speakers(self) -> list[SpeakerSummary]:
        with self._reading() as rows:
            return rows.summaries()

    def page(
        self, *, after: str | None = None, limit: int = 100, group: str | None = None
    ) -> list[SpeakerSummary]:
        check_limit(limit)
        with self._reading() as rows:
            within = self._group(rows, group) if group is not None else None
            return rows.page(after, limit, within)

    def delete(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            rows.remove_speaker(known(rows, speaker))
            rows.raise_revision(erasure=True)
            responses.blank(rows, speaker)
            audit.append(rows, "delete", speaker, {})
        self._erase()

    def opt_out(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            there = rows.speaker(speaker)
            if there is not None:
                rows.remove_speaker(there)
                rows.raise_revision(erasure=True)
            responses.blank(rows, speaker)
            if opt_outs.put(rows, speaker):
                audit.append(rows, "opt_out", speaker, {})
        self._erase()

    def opt_in(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            if opt_outs.remove(rows, speaker):
                audit.append(rows, "opt_in", speaker, {})

    def opted_out(self, speaker: str) -> bool:
        speaker = clean_name(speaker)
        with self._reading() as rows:
            return opt_outs.holds(rows, speaker)

    # voices

    def enrol(
        self, speaker: str, pack: str, samples: Sequence[Sample], *, mode: Mode = "new"
    ) -> Voiceprint:
        speaker, pack, samples = clean_name(speaker), clean_pack(pack), clean_samples(samples)
        check_mode(mode)
        given = Enrolled(speaker, now(), [(pack, sample) for sample in samples])
        with self._writing() as rows:
            voiceprint = enrolling.enrol(rows, given, pack, mode)
            detail = {"pack": pack, "mode": mode, "recordings": len(samples)}
            audit.append(rows, "enrol", speaker, detail)
        if mode == "replace":
            self._erase()
        return voiceprint

    def voiceprint(self, speaker: str, pack: str) -> Voiceprint:
        speaker, pack = clean_name(speaker), clean_pack(pack)
        with self._reading() as rows:
            found = rows.voiceprints(pack, speaker)
            if not found:
                raise not_found(speaker, pack, rows.names())
        return found[0]

    def voiceprints(self, pack: str) -> list[Voiceprint]:
        with self._reading() as rows:
            return rows.voiceprints(clean_pack(pack))

    def search(
        self,
        pack: str,
        vector: NDArray[np.float32],
        count: int,
        *,
        among: Collection[str] | None = None,
        group: str | None = None,
    ) -> Nearest | None:
        pack = clean_pack(pack)
        with self._reading() as rows:
            within = self._group(rows, group) if group is not None else None
            if rows.vectors is None:
                return None
            names = None if among is None else [clean_name(name) for name in among]
            scope = Scope(rows.space, pack, names, within)
            return searching.nearest(rows, rows.vectors, scope, vector, count)

    def samples(self, speaker: str, pack: str | None = None) -> list[Sample]:
        speaker = clean_name(speaker)
        with self._reading() as rows:
            found = rows.samples(known(rows, speaker, pack), pack)
            if not found and pack is not None:
                raise not_found(speaker, pack, rows.names())
        return [sample for _, sample in found]

    def remove_sample(self, speaker: str, sample_id: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            pack = enrolling.remove_sample(rows, known(rows, speaker), sample_id)
            audit.append(rows, "remove_sample", speaker, {"pack": pack})
        self._erase()

    def reset(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            removed = rows.remove_voices(known(rows, speaker))
            rows.touch_speaker(known(rows, speaker), now())
            rows.raise_revision(erasure=True)
            responses.blank(rows, speaker)
            audit.append(rows, "reset", speaker, {"recordings": removed})
        self._erase()

    def export(self, speaker: str) -> dict[str, Any]:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            there = known(rows, speaker)
            audit.append(rows, "export", speaker, {})
            (summary,) = rows.summaries(speaker)
            kept = rows.samples(there)
        facts = (summary.metadata, summary.groups)
        return to_document(Enrolled(speaker, summary.created_at, kept, *facts))

    def import_(self, document: dict[str, Any], *, mode: Mode = "new") -> SpeakerSummary:
        given = from_document(document)
        check_mode(mode)
        with self._writing() as rows:
            enrolling.take_in(rows, given, mode)
            audit.append(rows, "import", given.speaker, {"packs": given.packs, "mode": mode})
            (summary,) = rows.summaries(given.speaker)
        if mode == "replace":
            self._erase()
        return summary

    # groups

    def put_group(self, name: str) -> GroupSummary:
        name = clean_name(name, _GROUP)
        with self._writing() as rows:
            if groups.put(rows, name):
                rows.raise_revision()
            return groups.summaries(rows, name)[0]

    def groups(self) -> list[GroupSummary]:
        with self._reading() as rows:
            return groups.summaries(rows)

    def delete_group(self, name: str) -> None:
        with self._writing() as rows:
            groups.remove(rows, self._group(rows, name))
            rows.raise_revision(erasure=True)
            responses.blank(rows)
        self._erase()

    def members(self, group: str) -> list[str]:
        with self._reading() as rows:
            return groups.names_in(rows, self._group(rows, group))

    def add_members(self, group: str, speakers: Sequence[str]) -> None:
        names = [clean_name(speaker) for speaker in speakers]
        with self._writing() as rows:
            within = self._group(rows, group)
            added = [known(rows, name).id for name in names]
            groups.add_members(rows, within, added)
            rows.raise_revision()

    def remove_members(self, group: str, speakers: Sequence[str]) -> None:
        names = [clean_name(speaker) for speaker in speakers]
        with self._writing() as rows:
            within = self._group(rows, group)
            removed = [known(rows, name).id for name in names]
            groups.remove_members(rows, within, removed)
            rows.raise_revision()

    def _group(self, rows: Rows, name: str) -> str:
        return groups.required(rows, clean_name(name, _GROUP))
