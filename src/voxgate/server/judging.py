"""Decisions of the service: those of a Verifier, and what it is asked for besides.

A speaker who is not enrolled or has opted out, and a recording too noisy to compare, are
outcomes here and no errors, as callers of a voice service expect. Every decision leaves an
entry in the audit log, under its id.
"""

from typing import Any

from voxgate.decision import Decision, Identification, Outcome, Side
from voxgate.embed import Embedding
from voxgate.errors import SpeakerNotFoundError, TooLittleSpeechError
from voxgate.scoring import FalseAcceptRate, Policy
from voxgate.server.auth import Caller
from voxgate.server.bodies import NamedBytes
from voxgate.server.trace import note_decision
from voxgate.store import Voiceprint
from voxgate.verify import Verifier

TOP = 5  # candidates of a stream
NOT_HEARD = "recording"  # the name of one that was not listened to


class Judge:
    """Decides for one caller."""

    def __init__(self, caller: Caller, least_snr_db: float) -> None:
        """Decide in the caller's domain; hear no recording with less speech over noise."""
        self._caller = caller
        self._verifier = caller.tenant.verifier
        self._watch = caller.tenant.watch
        self._least_snr_db = least_snr_db

    def compare(self, a: NamedBytes, b: NamedBytes, far: float | None) -> dict[str, Any]:
        """Whether two recordings are of one voice."""
        decision = self._verifier.compare(a, b, policy=_policy(far))
        self.note("compare", decision, None)
        return decision.to_dict()

    def verify(
        self, speaker: str, recording: NamedBytes | Embedding, far: float | None
    ) -> dict[str, Any]:
        """Whether a recording is of a speaker, and whether it is of a known fraudster."""
        try:
            enrolled = self._verifier.store.voiceprint(speaker, self._verifier.pack.id)
        except SpeakerNotFoundError:
            return self.refuse(speaker, far)
        heard = self._hear(recording)
        decision = self._verdict(enrolled, heard, _policy(far))
        risk = self._risk(heard)
        self.note("verify", decision, speaker, risk=risk)
        return {**decision.to_dict(), "risk": risk}

    def identify(
        self,
        recording: NamedBytes | Embedding,
        *,
        top: int,
        far: float | None,
        among: list[str] | None,
        group: str | None,
    ) -> dict[str, Any]:
        """Whose of the enrolled voices a recording is, if any's."""
        if group is not None:
            members = self._verifier.store.members(group)
            among = members if among is None else sorted(set(among) & set(members))
        found = self._search(self._hear(recording), top, _policy(far), among)
        self.note("identify", found, found.best)
        return found.to_dict()

    def look(
        self,
        recording: NamedBytes,
        policy: Policy,
        *,
        speaker: str | None,
        among: list[str] | None,
    ) -> Decision | Identification:
        """What to make of a voice so far: is it the speaker, or else which of the enrolled?"""
        if speaker is None:
            return self._search(self._hear(recording), TOP, policy, among)
        enrolled = self._verifier.store.voiceprint(speaker, self._verifier.pack.id)
        return self._verdict(enrolled, self._hear(recording), policy)

    def refuse(self, speaker: str, far: float | None) -> dict[str, Any]:
        """The answer about a speaker who has no voiceprint."""
        store, pack = self._verifier.store, self._verifier.pack
        opted_out = store.opted_out(speaker)
        outcome = Outcome.SPEAKER_OPTED_OUT if opted_out else Outcome.SPEAKER_NOT_ENROLLED
        enrolled = Side(speaker, 0.0, pack.min_speech_s, recordings=0)
        probe = Side(NOT_HEARD, 0.0, pack.min_speech_s)
        policy = _policy(far) or self._verifier.policy
        refused = Decision(outcome, enrolled, probe, policy, pack.label, speaker)
        self.note("verify", refused, speaker)
        return {**refused.to_dict(), "risk": None}

    def _search(
        self,
        heard: "Embedding | Side",
        top: int,
        policy: Policy | None,
        among: list[str] | None,
    ) -> Identification:
        verifier = self._verifier
        if isinstance(heard, Embedding) and not self._too_noisy(heard):
            return verifier.identify(heard, top=top, policy=policy, among=among)
        return Identification(
            outcome=_why_not(heard),
            candidates=(),
            probe=_side_of(verifier, heard),
            policy=policy or verifier.policy,
            searched=0,
            pack=verifier.pack.label,
        )

    def _verdict(
        self, voiceprint: Voiceprint, heard: "Embedding | Side", policy: Policy | None
    ) -> Decision:
        verifier = self._verifier
        if isinstance(heard, Embedding) and not self._too_noisy(heard):
            return verifier.verify(voiceprint, heard, policy=policy)
        speaker = voiceprint.speaker
        enrolled = Side(
            speaker, voiceprint.speech_s, verifier.pack.min_speech_s,
            recordings=voiceprint.recordings,
        )  # fmt: skip
        probe, policy = _side_of(verifier, heard), policy or verifier.policy
        return Decision(_why_not(heard), enrolled, probe, policy, verifier.pack.label, speaker)

    def _risk(self, heard: "Embedding | Side") -> dict[str, Any]:
        """Whether a recording is of a known fraudster, who stands on one watchlist or more."""
        none: dict[str, Any] = {"reasons": [], "fraudster": None, "watchlists": [], "llr": None}
        if isinstance(heard, Side):
            return {"level": "not_enough_speech", **none}
        found = self._watch.identify(heard, top=1)
        if not found.accepted:
            return {"level": "low", **none, "llr": _llr(found)}
        name = found.candidates[0].speaker
        return {
            "level": "high",
            "reasons": ["known_fraudster"],
            "fraudster": name,
            "watchlists": list(self._watch.store.speaker(name).groups),
            "llr": _llr(found),
        }

    def _hear(self, recording: NamedBytes | Embedding) -> "Embedding | Side":
        """The recording, once; only a side where it has too little speech."""
        try:
            return self._verifier.embed(recording)
        except TooLittleSpeechError as error:
            return Side(error.name, error.found_s, error.needed_s)

    def _too_noisy(self, heard: Embedding) -> bool:
        snr_db = heard.quality.snr_db
        return snr_db is not None and snr_db < self._least_snr_db

    def note(
        self,
        asked: str,
        found: Decision | Identification,
        speaker: str | None,
        *,
        risk: dict[str, Any] | None = None,
    ) -> None:
        """Tell the log of the request, the metrics and the audit log."""
        note_decision(asked, found.outcome.value)
        facts = {
            "decision": found.id,
            "outcome": found.outcome.value,
            "llr": found.llr if isinstance(found, Decision) else _llr(found),
            "speech_s": found.probe.speech_s,
            "policy": found.policy.to_dict(),
            "pack": found.pack,
            "key": self._caller.key_id,
        }
        if risk is not None:
            facts["risk"] = risk["level"]
        self._verifier.store.audit(asked, speaker, facts)


def _policy(far: float | None) -> Policy | None:
    return None if far is None else FalseAcceptRate(far)


def _llr(found: Identification) -> float | None:
    return found.candidates[0].llr if found.candidates else None


def _why_not(heard: "Embedding | Side") -> Outcome:
    return Outcome.NOT_ENOUGH_SPEECH if isinstance(heard, Side) else Outcome.LOW_QUALITY


def _side_of(verifier: Verifier, heard: "Embedding | Side") -> Side:
    if isinstance(heard, Side):
        return heard
    return Side(heard.name, heard.speech_s, verifier.pack.min_speech_s, quality=heard.quality)
