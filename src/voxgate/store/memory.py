"""A store that forgets: for tests, and for trying things out."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timezone
from secrets import token_bytes
from threading import RLock
from typing import Any, NamedTuple

from voxgate.store import AuditEntry, Mode, Sample, SpeakerSummary, Voiceprint
from voxgate.store.checks import (
    check_ids,
    check_mode,
    check_presence,
    clean_facts,
    clean_name,
    clean_pack,
    clean_samples,
    not_found,
)
from voxgate.store.document import Enrolled, from_document, to_document


class _Kept(NamedTuple):
    """A speaker. Never changed, only put in the place of an earlier one."""

    created_at: datetime
    updated_at: datetime
    samples: list[tuple[str, Sample]]  # each with the id of its pack
    voiceprints: dict[str, Voiceprint]  # by pack id


class MemoryStore:
    """Keeps voices in a dictionary, until it is closed or the program ends."""

    def __init__(self, url: str = "memory:", *, key: bytes | None = None) -> None:
        del url, key  # nothing is written, so nothing is encrypted
        self._lock = RLock()
        self._name_key = token_bytes(32)
        self._kept: dict[str, _Kept] = {}
        self._log: list[AuditEntry] = []
        self._revision = 0

    def enrol(
        self, speaker: str, pack: str, samples: Sequence[Sample], *, mode: Mode = "new"
    ) -> Voiceprint:
        speaker, pack, samples = clean_name(speaker), clean_pack(pack), clean_samples(samples)
        check_mode(mode)
        with self._lock:
            kept = self._take(Enrolled(speaker, _now(), [(pack, s) for s in samples]), mode)
            self.audit("enrol", speaker, {"pack": pack, "mode": mode, "recordings": len(samples)})
        return kept.voiceprints[pack]

    def voiceprint(self, speaker: str, pack: str) -> Voiceprint:
        speaker, pack = clean_name(speaker), clean_pack(pack)
        with self._lock:
            kept = self._kept.get(speaker)
            if kept is None or pack not in kept.voiceprints:
                raise not_found(speaker, pack, self._kept)
        return kept.voiceprints[pack]

    def voiceprints(self, pack: str) -> list[Voiceprint]:
        pack = clean_pack(pack)
        with self._lock:
            ordered = [self._kept[name].voiceprints for name in sorted(self._kept)]
        return [voiceprints[pack] for voiceprints in ordered if pack in voiceprints]

    def samples(self, speaker: str, pack: str | None = None) -> list[Sample]:
        speaker = clean_name(speaker)
        with self._lock:
            kept = self._known(speaker, pack)
            found = [sample for of, sample in kept.samples if pack in (None, of)]
            if not found:
                raise not_found(speaker, pack, self._kept)
        return found

    def speakers(self) -> list[SpeakerSummary]:
        with self._lock:
            return [_summary(name, self._kept[name]) for name in sorted(self._kept)]

    def delete(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._lock:
            self._known(speaker)
            del self._kept[speaker]
            self._revision += 1
            self.audit("delete", speaker, {})

    def export(self, speaker: str) -> dict[str, Any]:
        speaker = clean_name(speaker)
        with self._lock:
            kept = self._known(speaker)
            self.audit("export", speaker, {})
        return to_document(Enrolled(speaker, kept.created_at, kept.samples))

    def import_(self, document: dict[str, Any], *, mode: Mode = "new") -> SpeakerSummary:
        given = from_document(document)
        check_mode(mode)
        with self._lock:
            kept = self._take(given, mode)
            self.audit("import", given.speaker, {"packs": given.packs, "mode": mode})
        return _summary(given.speaker, kept)

    def revision(self) -> int:
        return self._revision

    def audit(self, action: str, speaker: str | None, detail: dict[str, Any]) -> None:
        facts = clean_facts(detail, f"The audit detail of {action}")
        with self._lock:
            self._log.append(AuditEntry(_now(), action, self._pseudonym(speaker), facts))

    def audit_log(self, limit: int = 100, *, speaker: str | None = None) -> list[AuditEntry]:
        who = self._pseudonym(speaker)
        with self._lock:
            entries = [entry for entry in reversed(self._log) if who in (None, entry.speaker)]
        return entries[:limit]

    def close(self) -> None:
        """Forget everything."""
        self._kept, self._log = {}, []

    def _take(self, given: Enrolled, mode: Mode) -> _Kept:
        """Keep the samples, all or none of them; a speaker who is not known yet is made."""
        kept = self._kept.get(given.speaker) or _Kept(given.created_at, _now(), [], {})
        for pack in given.packs:
            kept = self._with(kept, given, pack, mode)
        self._kept[given.speaker] = kept
        self._revision += 1
        return kept

    def _with(self, kept: _Kept, given: Enrolled, pack: str, mode: Mode) -> _Kept:
        """A speaker and the given samples of one pack."""
        present = pack in kept.voiceprints
        check_presence(mode, given.speaker, pack, present=present, names=self._kept)
        staying = [(of, sample) for of, sample in kept.samples if mode != "replace" or of != pack]
        added = given.samples_of(pack)
        check_ids(added, [sample.id for _, sample in staying])
        samples = [*staying, *((pack, sample) for sample in added)]
        of_pack = [sample for of, sample in samples if of == pack]
        voiceprint = Voiceprint.of(given.speaker, pack, of_pack)
        return _Kept(kept.created_at, _now(), samples, {**kept.voiceprints, pack: voiceprint})

    def _known(self, name: str, pack: str | None = None) -> _Kept:
        if name not in self._kept:
            raise not_found(name, pack, self._kept)
        return self._kept[name]

    def _pseudonym(self, name: str | None) -> str | None:
        if name is None:
            return None
        return hmac.new(self._name_key, clean_name(name).encode(), hashlib.sha256).hexdigest()


def _summary(name: str, kept: _Kept) -> SpeakerSummary:
    return SpeakerSummary(
        name=name,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        packs=tuple(sorted(kept.voiceprints)),
        recordings=len(kept.samples),
        speech_s=sum(sample.speech_s for _, sample in kept.samples),
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
