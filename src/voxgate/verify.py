"""The Verifier: the one way from recordings to decisions, for every front door."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np

from voxgate.audio import Source, name_of
from voxgate.comparison import SAME_SOUND, Voice, compare
from voxgate.consent import record_consent
from voxgate.decision import (
    Candidate,
    Decision,
    Failure,
    Identification,
    Match,
    Outcome,
    Ranking,
    Side,
)
from voxgate.embed import Embedder, Embedding, Listener
from voxgate.enrolment import Contribution, Enrolment, assess
from voxgate.errors import (
    AudioError,
    PackMismatchError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    TooLittleSpeechError,
    UsageError,
)
from voxgate.packs import DEFAULT_PACK, Pack, load_pack
from voxgate.quality import QualityWarning
from voxgate.scoring import DEFAULT_POLICY, Policy, normalise
from voxgate.search import Gallery, largest
from voxgate.store import Mode, Sample, Store, Voiceprint, open_store
from voxgate.store.checks import check_mode, clean_name

Recording: TypeAlias = "Source | Embedding"  # heard already: nothing is heard twice

_NEAREST, _NEAREST_PER_CANDIDATE = 50, 10  # by cosine: to be scored where a database searches


class Verifier:
    """Compares, enrols, verifies and identifies voices, with one pack and one store.

    Making one costs little: the model and the store are opened when first needed. Threads
    may share one.
    """

    def __init__(
        self,
        store: Store | str | None = None,
        *,
        pack: str | Path | Pack = DEFAULT_PACK,
        policy: Policy = DEFAULT_POLICY,
        threads: int = 1,
        embedder: Listener | None = None,
    ) -> None:
        """Choose the tools.

        Args:
            store: a store, or its URL; None for the one in the user's data folder.
            pack: a pack, or its name or path.
            policy: how to decide where a call does not say.
            threads: how many the model may use.
            embedder: what embeds recordings with this pack; without it, one is made here.

        Raises:
            PackError: the pack is missing or unsound.
        """
        self.pack = pack if isinstance(pack, Pack) else load_pack(pack)
        self.policy = policy
        self._threads = threads
        self._store = store
        self._given = embedder
        self._kept: tuple[int, Gallery] | None = None  # the store's revision, and its voices then

    @cached_property
    def store(self) -> Store:
        """Where the voiceprints are."""
        store = self._store
        return open_store(store) if store is None or isinstance(store, str) else store

    @cached_property
    def _embedder(self) -> Listener:
        return self._given or Embedder(self.pack, threads=self._threads)

    def embed(self, recording: Recording) -> Embedding:
        """Embed a recording; an embedding of this pack is given back as it is.

        Raises:
            TooLittleSpeechError: it holds less speech than the pack needs.
            AudioError: it cannot be read.
            PackMismatchError: it is an embedding of another pack.
        """
        if not isinstance(recording, Embedding):
            return self._embedder.embed(recording)
        if recording.pack != self.pack.id:
            raise PackMismatchError(self.pack.id, recording.pack)
        return recording

    def compare(self, a: Recording, b: Recording, *, policy: Policy | None = None) -> Decision:
        """Decide whether two recordings are of one voice.

        Raises:
            AudioError: one of them cannot be read. (Too little speech is a decision.)
        """
        return self._decide(self._hear(a), self._hear(b), policy)

    def compare_all(
        self, recordings: Sequence[Recording], *, policy: Policy | None = None
    ) -> list[Decision]:
        """Compare each recording with each that follows; every one is heard once.

        Raises:
            AudioError: one of them cannot be read. (Too little speech is a decision.)
            UsageError: there are fewer than two.
        """
        if len(recordings) < 2:
            raise UsageError("Give two or more recordings to compare with each other.")
        heard = [self._hear(recording) for recording in recordings]
        return [self._decide(a, b, policy) for a, b in combinations(heard, 2)]

    def verify(
        self, speaker: str | Voiceprint, probe: Recording, *, policy: Policy | None = None
    ) -> Decision:
        """Decide whether a recording is of the enrolled speaker that it claims to be.

        The speaker is named, or given as a voiceprint of this store and pack.

        Raises:
            SpeakerNotFoundError: nobody of that name is enrolled with this pack.
            AudioError: the recording cannot be read. (Too little speech is a decision.)
        """
        if isinstance(speaker, Voiceprint):
            voiceprint = speaker
        else:
            voiceprint = self.store.voiceprint(speaker, self.pack.id)
        enrolled = Side(
            name=voiceprint.speaker,
            speech_s=voiceprint.speech_s,
            needed_s=self.pack.min_speech_s,
            recordings=voiceprint.recordings,
        )
        return self._decide((enrolled, voiceprint), self._hear(probe), policy, voiceprint.speaker)

    def closest(self, probe: Recording, references: Iterable[Recording]) -> Ranking:
        """Rank recordings by how much they sound like the probe.

        One that cannot be compared is listed under `failures`, and the others are ranked.

        Raises:
            AudioError: the probe cannot be read, or holds too little speech.
        """
        sought = self.embed(probe)
        matches: list[Match] = []
        failures: list[Failure] = []
        for reference in references:
            try:
                found = self.embed(reference)
            except AudioError as error:
                failures.append(Failure(_label(reference), error))
                continue
            alike = compare(self.pack, found, sought)
            matches.append(
                Match(
                    name=_label(reference),
                    score=alike.score,
                    cosine=alike.cosine,
                    llr=alike.llr,
                    speech_s=found.speech_s,
                    warnings=found.quality.warnings,
                )
            )
        matches.sort(key=lambda match: match.llr, reverse=True)
        return Ranking(self._side_of(sought), tuple(matches), tuple(failures), self.pack.label)

    def enrol(
        self,
        speaker: str,
        recordings: Sequence[Recording],
        *,
        mode: Mode = "new",
        consent: str | None = None,
    ) -> Enrolment:
        """Enrol a speaker with those of the recordings that are fit for it.

        Args:
            speaker: a name, unique in the store.
            recordings: of one person.
            mode: "new" wants a speaker who is not enrolled yet, "add" adds to an enrolment,
                "replace" starts it afresh.
            consent: the words that the speaker has agreed to, for the audit log.

        Raises:
            SpeakerExistsError: with "new", the speaker is enrolled already.
            AnotherVoiceError: the recordings are not of one voice, or not of the enrolled one.
            EnrolmentError: none of the recordings can be used.
        """
        if isinstance(recordings, str | bytes | os.PathLike | np.ndarray) or not recordings:
            raise UsageError(f"Give a list of one or more recordings of {speaker} to enrol.")
        existing = self._enrolled_before(speaker, mode)
        heard = [(_name_of(recording), self._try_to_embed(recording)) for recording in recordings]
        contributions, used = assess(self.pack, heard, existing)
        voiceprint = self.store.enrol(speaker, self.pack.id, used, mode=mode)
        if consent is not None:
            record_consent(self.store, speaker, consent)
        return Enrolment(
            speaker=voiceprint.speaker,
            pack=self.pack.id,
            contributions=tuple(contributions),
            recordings=voiceprint.recordings,
            speech_s=voiceprint.speech_s,
        )

    def assess(self, recordings: Sequence[Recording]) -> tuple[Contribution, ...]:
        """What each recording would bring to an enrolment; nothing is stored.

        Raises:
            AnotherVoiceError: the recordings are not of one voice.
            EnrolmentError: none of them can be used.
        """
        heard = [(_name_of(recording), self._try_to_embed(recording)) for recording in recordings]
        return tuple(assess(self.pack, heard)[0])

    def identify(
        self,
        probe: Recording,
        *,
        top: int = 5,
        policy: Policy | None = None,
        among: Collection[str] | None = None,
        group: str | None = None,
    ) -> Identification:
        """Find the enrolled speaker that a recording is of, or none.

        The policy holds for the whole search: a false-accept rate is how often a stranger is
        given anybody's name.

        Args:
            probe: the recording.
            top: how many candidates to list.
            policy: how to decide; None for that of the Verifier.
            among: search only those of the enrolled who have these names.
            group: search only the members of this group.

        Raises:
            AudioError: the recording cannot be read. (Too little speech is an outcome.)
            GroupNotFoundError: there is no such group.
        """
        if top < 1:
            raise UsageError(f"top={top} lists nobody; at least 1 is allowed.")
        policy = policy or self.policy
        names = None if among is None else [clean_name(name) for name in among]
        side, embedding = self._hear(probe)
        if embedding is None:
            return identified(None, side, policy, 0, self.pack.label)
        gallery, searched = self._searched(embedding, top, names, group)
        found = self._candidates(gallery, embedding, top, policy, searched)
        return identified(found, side, policy, searched, self.pack.label)

    def _searched(
        self, probe: Embedding, top: int, among: Collection[str] | None, group: str | None
    ) -> tuple[Gallery, int]:
        """The voices to be scored, and how many they are the nearest of."""
        pack, count = self.pack, max(_NEAREST, _NEAREST_PER_CANDIDATE * top)
        near = self.store.search(pack.id, probe.vector, count, among=among, group=group)
        if near is not None:
            return Gallery(near.voiceprints, pack.cohort()), near.searched
        gallery = self._current_gallery()
        if group is not None:
            gallery = gallery.only(self.store.members(group))
        if among is not None:
            gallery = gallery.only(among)
        return gallery, len(gallery)

    def _candidates(
        self, gallery: Gallery, probe: Embedding, top: int, policy: Policy, searched: int
    ) -> list[Candidate]:
        """The most likely of the enrolled, with their thresholds for a search among so many."""
        if not len(gallery):
            return []
        pack = self.pack
        cosines = gallery.cosines(probe.vector)
        scores = normalise(cosines, gallery.scale, pack.cohort().scale_of(probe.vector[None]))
        llrs = pack.calibration.llr(scores, gallery.speech_s, probe.speech_s)
        found = []
        for i in largest(llrs, top):
            speech_s = float(gallery.speech_s[i])
            threshold = policy.threshold(
                pack.false_accepts, speech_s, probe.speech_s, candidates=searched
            )
            found.append(
                Candidate(
                    speaker=gallery.names[i],
                    score=float(scores[i]),
                    cosine=float(cosines[i]),
                    llr=float(llrs[i]),
                    threshold=threshold.llr,
                    extrapolated=threshold.extrapolated,
                    speech_s=speech_s,
                )
            )
        return found

    def _current_gallery(self) -> Gallery:
        """The enrolled voices, read again when the store has changed."""
        revision = self.store.revision()  # before the voices: what changes meanwhile is seen next
        kept = self._kept
        if kept is None or kept[0] != revision:
            voiceprints = self.store.voiceprints(self.pack.id)
            kept = revision, Gallery(voiceprints, self.pack.cohort(), threads=self._threads)
            self._kept = kept
        return kept[1]

    def _enrolled_before(self, speaker: str, mode: Mode) -> Sequence[Sample]:
        """The samples that new ones are added to; the mode is checked before any work is done."""
        check_mode(mode)
        if mode == "add":
            return self.store.samples(speaker, self.pack.id)
        if mode == "new":
            try:
                self.store.voiceprint(speaker, self.pack.id)
            except SpeakerNotFoundError:
                return ()
            raise SpeakerExistsError(speaker)
        return ()

    def _try_to_embed(self, recording: Recording) -> Embedding | AudioError:
        """The embedding of one of several recordings, or why there is none."""
        try:
            return self.embed(recording)
        except AudioError as error:
            return error

    def _hear(self, recording: Recording) -> tuple[Side, Embedding | None]:
        """A side of a comparison; without an embedding where it has too little speech."""
        try:
            embedding = self.embed(recording)
        except TooLittleSpeechError as error:
            return Side(error.name, error.found_s, error.needed_s), None
        return self._side_of(embedding), embedding

    def _side_of(self, embedding: Embedding) -> Side:
        return Side(
            name=embedding.name,
            speech_s=embedding.speech_s,
            needed_s=self.pack.min_speech_s,
            quality=embedding.quality,
        )

    def _decide(
        self,
        enrolled: tuple[Side, Voice | None],
        probe: tuple[Side, Voice | None],
        policy: Policy | None,
        speaker: str | None = None,
    ) -> Decision:
        """Compare the two sides, where both have enough speech, and hold it to the policy."""
        (side_a, a), (side_b, b) = enrolled, probe
        policy, pack = policy or self.policy, self.pack
        if a is None or b is None:
            return Decision(Outcome.NOT_ENOUGH_SPEECH, side_a, side_b, policy, pack.label, speaker)
        found = compare(pack, a, b)
        speech_s = a.speech_s, b.speech_s
        threshold = policy.threshold(pack.false_accepts, *speech_s)
        return Decision(
            outcome=Outcome.ACCEPT if found.llr >= threshold.llr else Outcome.REJECT,
            enrolled=side_a,
            probe=side_b,
            policy=policy,
            pack=pack.label,
            speaker=speaker,
            score=found.score,
            cosine=found.cosine,
            llr=found.llr,
            threshold=threshold.llr,
            stranger_rate=pack.false_accepts.stranger_rate(found.llr, *speech_s),
            notes=tuple(_notes(found.cosine, threshold.extrapolated, policy)),
        )


def identified(
    candidates: Sequence[Candidate] | None, probe: Side, policy: Policy, searched: int, pack: str
) -> Identification:
    """The end of a search; no candidates but None where the probe has too little speech."""
    best = candidates[0] if candidates else None
    if candidates is None:
        outcome = Outcome.NOT_ENOUGH_SPEECH
    else:
        outcome = Outcome.ACCEPT if best and best.accepted else Outcome.REJECT
    return Identification(
        outcome=outcome,
        candidates=tuple(candidates or ()),
        probe=probe,
        policy=policy,
        searched=searched,
        pack=pack,
        notes=tuple(_notes(best.cosine, best.extrapolated, policy)) if best else (),
    )


def _notes(cosine: float, extrapolated: bool, policy: Policy) -> Iterator[QualityWarning]:
    """Doubts about a comparison itself."""
    if cosine > SAME_SOUND:
        yield QualityWarning(
            "same_sound", "Both sides are the same sound: a copy says nothing about who spoke."
        )
    if extrapolated:
        yield QualityWarning(
            "extrapolated",
            f"The threshold for {policy} is a careful guess: it lies beyond what was measured.",
        )


def _name_of(recording: Recording) -> str:
    return recording.name if isinstance(recording, Embedding) else name_of(recording)


def _label(reference: Recording) -> str:
    """What to call one reference of many: the whole path, for two folders may hold one name."""
    is_path = isinstance(reference, str | os.PathLike)
    return os.fspath(reference) if is_path else _name_of(reference)  # type: ignore[arg-type]
