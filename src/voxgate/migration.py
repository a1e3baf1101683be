"""Changing the pack of a store: who lacks the new voiceprint, and how they get it.

Embeddings of two packs are never compared. Either speakers are enrolled again from recordings
that were kept (`re_embed`), or both packs are in use for a while (`ParallelVerifier`): whoever
has a voiceprint of the new pack is judged by it, everybody else by that of the former one.
"""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from voxgate.audio import Source, load
from voxgate.decision import Candidate, Decision, Identification
from voxgate.embed import Embedding
from voxgate.enrolment import Enrolment
from voxgate.errors import EnrolmentError, PackMismatchError, SpeakerNotFoundError, UsageError
from voxgate.packs import Pack, load_pack
from voxgate.scoring import DEFAULT_POLICY, Policy
from voxgate.search import Gallery
from voxgate.store import SpeakerSummary, Store, Voiceprint
from voxgate.store.checks import clean_name
from voxgate.verify import Recording, Verifier, identified


def lacking(store: Store, pack: str) -> list[SpeakerSummary]:
    """Speakers who are enrolled, but not with the pack of this id, by name."""
    return [one for one in store.speakers() if one.packs and pack not in one.packs]


def recordings_folder(kept: Path, speaker: str) -> Path:
    """Where recordings of a speaker are kept: names may hold what folders may not."""
    name = quote(speaker, safe=" ")
    return kept / (f"%2E{name[1:]}" if name.startswith(".") else name)


def re_embed(verifier: Verifier, speaker: str, kept: Path) -> Enrolment:
    """Enrol a speaker with the verifier's pack, from the recordings of the enrolment there is.

    They are found by their names in the speaker's folder below `kept`; other voiceprints stay.

    Raises:
        EnrolmentError: none of them is there, or none can be used.
        AnotherVoiceError: what is there is not one voice.
        SpeakerNotFoundError: nobody of that name is enrolled.
        SpeakerExistsError: the voiceprint is there already.
    """
    folder = recordings_folder(kept, speaker)
    names = sorted({sample.name for sample in verifier.store.samples(speaker)})
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise EnrolmentError(
            f"None of the {len(names)} recordings that {speaker} was enrolled with is in {folder}."
        )
    return verifier.enrol(speaker, found)


class ParallelVerifier(Verifier):
    """A Verifier for the time in which a store changes from one pack to another.

    It enrols with the new pack. It verifies and identifies by the new voiceprint of a speaker
    where there is one, and else by the former; LLRs of both packs mean the same, scores do not.
    """

    def __init__(
        self,
        store: Store | str | None = None,
        *,
        pack: str | Path | Pack,
        former: str | Path | Pack,
        policy: Policy = DEFAULT_POLICY,
        threads: int = 1,
    ) -> None:
        """Choose the tools; `former` is the pack that is going to be given up.

        Raises:
            PackError: a pack is missing or unsound.
            UsageError: both are the same.
        """
        super().__init__(store, pack=pack, policy=policy, threads=threads)
        old = former if isinstance(former, Pack) else load_pack(former)
        if old.id == self.pack.id:
            raise UsageError(f"The new and the former pack are both {old.id}; give two.")
        self._former = Verifier(store, pack=old, policy=policy, threads=threads)
        self._rest: tuple[tuple[int, frozenset[str]], Gallery] | None = None

    @property
    def former(self) -> Verifier:
        """The Verifier with the former pack, over the same store."""
        self._former.__dict__.setdefault("store", self.store)
        return self._former

    def verify(
        self, speaker: str | Voiceprint, probe: Recording, *, policy: Policy | None = None
    ) -> Decision:
        if isinstance(speaker, Voiceprint):
            return super().verify(speaker, probe, policy=policy)
        try:
            speaker = self.store.voiceprint(speaker, self.pack.id)
        except SpeakerNotFoundError as error:
            try:
                return self.former.verify(speaker, probe, policy=policy)
            except SpeakerNotFoundError:
                raise error from None
        return super().verify(speaker, probe, policy=policy)

    def identify(
        self,
        probe: Recording,
        *,
        top: int = 5,
        policy: Policy | None = None,
        among: Collection[str] | None = None,
        group: str | None = None,
    ) -> Identification:
        new = self._current_gallery()
        rest = self._rest_of(new.names)
        if among is not None:
            names = [clean_name(name) for name in among]
            new, rest = new.only(names), rest.only(names)
        if group is not None:
            names = self.store.members(group)
            new, rest = new.only(names), rest.only(names)
        if not len(rest):
            return super().identify(probe, top=top, policy=policy, among=among, group=group)
        if isinstance(probe, Embedding):
            raise PackMismatchError(self.former.pack.id, probe.pack)
        if _read_once(probe):
            probe = load(probe)  # because both packs have to hear it
        policy, searched = policy or self.policy, len(new) + len(rest)
        candidates: list[Candidate] | None = None
        by: dict[str, str] = {}  # speaker -> the pack that knows the voice
        for verifier, gallery in ((self.former, rest), (self, new)):
            side, embedding = verifier._hear(probe)
            if embedding is not None:
                found = verifier._candidates(gallery, embedding, top, policy, searched)
                by |= dict.fromkeys([one.speaker for one in found], verifier.pack.label)
                candidates = [*(candidates or []), *found]
        if candidates is not None:
            candidates = sorted(candidates, key=lambda one: one.llr, reverse=True)[:top]
        pack = by[candidates[0].speaker] if candidates else self.pack.label
        return identified(candidates, side, policy, searched, pack)

    def _rest_of(self, names: Iterable[str]) -> Gallery:
        """The voices of those who have a former voiceprint only."""
        key = self.store.revision(), frozenset(names)
        if self._rest is None or self._rest[0] != key:
            pack = self.former.pack
            voices = [v for v in self.store.voiceprints(pack.id) if v.speaker not in key[1]]
            self._rest = key, Gallery(voices, pack.cohort(), threads=self._threads)
        return self._rest[1]


def _read_once(source: Source) -> bool:
    """Whether it is standard input or an open file."""
    if isinstance(source, str):
        return source == "-"
    return not isinstance(source, os.PathLike | bytes | np.ndarray)
