"""Deciding while somebody speaks: sound goes in piece by piece, decisions come out.

Every look at a voice is one more chance for a stranger to be accepted. So a conversation looks
seldom, when there are 1, 2, 4, 8 ... seconds of speech and once more at its end, and each look gets
an equal part of the false-accept rate: all of them together keep it (Bonferroni's bound).
Looking at twice as much each time costs no more than listening to everything twice.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.decision import Decision, Identification
from voxgate.errors import UsageError
from voxgate.scoring import FalseAcceptRate, Policy
from voxgate.vad import FRAME_S, SpeechDetector, VadOptions
from voxgate.verify import Verifier

FIRST_LOOK_S = 1.0  # of speech
LONGEST_S = 60.0  # of sound
SHORTEST_S, MOST_S = 2.0, 600.0  # that a conversation may be set to

Decide = Callable[[Waveform, Policy], Decision | Identification]


@dataclass(frozen=True)
class Heard:
    """Where a conversation stands."""

    audio_s: float
    speech_s: float  # frames that are surely speech, without the pauses between words
    found: Decision | Identification | None = None  # by the look that was just made, if one was
    final: bool = False  # it is over: accepted, or at its end


class Conversation:
    """One voice that is listened to until it is accepted, or there is no more to hear.

    >>> talk = Conversation.verifying(verifier, "ada")
    >>> for block in microphone:
    ...     if (heard := talk.hear(block)).final:
    ...         break
    ... else:
    ...     heard = talk.end()
    """

    def __init__(
        self, decide: Decide, policy: Policy, *, first_s: float, longest_s: float = LONGEST_S
    ) -> None:
        """Begin.

        Args:
            decide: what to make of all the sound so far, (samples,), by this policy.
            policy: a false-accept rate is that of the whole conversation.
            first_s: seconds of speech at the first look, at least FIRST_LOOK_S.
            longest_s: after so many seconds of sound it is over.

        Raises:
            UsageError: it would be too short or too long.
        """
        if not SHORTEST_S <= longest_s <= MOST_S:
            raise UsageError(
                f"A conversation of {longest_s:g} s is not possible; {SHORTEST_S:g} to "
                f"{MOST_S:g} s are."
            )
        self._decide = decide
        self._next_look_s = max(first_s, FIRST_LOOK_S)
        self._longest = round(longest_s * SAMPLE_RATE)
        doublings = math.floor(math.log2(max(1.0, longest_s / self._next_look_s)))
        self.policy = _share(policy, doublings + 2)  # and that at the end
        self._detector = SpeechDetector()
        self._blocks: list[Waveform] = []
        self._samples = 0
        self._speech_s = 0.0
        self._last: Heard | None = None  # when it is over

    @classmethod
    def verifying(
        cls,
        verifier: Verifier,
        speaker: str,
        *,
        policy: Policy | None = None,
        longest_s: float = LONGEST_S,
    ) -> "Conversation":
        """Is it the enrolled speaker that it claims to be?

        Raises:
            SpeakerNotFoundError: nobody of that name is enrolled with the verifier's pack.
        """
        verifier.store.voiceprint(speaker, verifier.pack.id)

        def decide(waveform: Waveform, policy: Policy) -> Decision:
            return verifier.verify(speaker, waveform, policy=policy)

        return cls(
            decide,
            policy or verifier.policy,
            first_s=verifier.pack.min_speech_s,
            longest_s=longest_s,
        )

    @classmethod
    def identifying(
        cls,
        verifier: Verifier,
        *,
        among: Collection[str] | None = None,
        policy: Policy | None = None,
        longest_s: float = LONGEST_S,
    ) -> "Conversation":
        """Which of the enrolled is it, or of those who are named?"""

        def decide(waveform: Waveform, policy: Policy) -> Identification:
            return verifier.identify(waveform, policy=policy, among=among)

        return cls(
            decide,
            policy or verifier.policy,
            first_s=verifier.pack.min_speech_s,
            longest_s=longest_s,
        )

    def hear(self, block: Waveform) -> Heard:
        """Take the next sound, (samples,) at 16 kHz; what comes after the end is not heard.

        Raises:
            AudioError: it is not finite.
        """
        if self._last is not None:
            return self._last
        block = block[: self._longest - self._samples]
        self._blocks.append(block)
        self._samples += len(block)
        probabilities = self._detector.probabilities(block)
        self._speech_s += FRAME_S * int((probabilities >= VadOptions.threshold).sum())
        if self._samples >= self._longest:
            return self.end()
        if self._speech_s < self._next_look_s:
            return Heard(self._samples / SAMPLE_RATE, self._speech_s)
        while self._next_look_s <= self._speech_s:  # one look, however much came at once
            self._next_look_s *= 2
        return self._look(final=False)

    def end(self) -> Heard:
        """There is no more to hear: the last look.

        Raises:
            AudioError: there was no sound, or nothing but zeros.
        """
        return self._last or self._look(final=True)

    def _look(self, *, final: bool) -> Heard:
        found = self._decide(np.concatenate([np.empty(0, np.float32), *self._blocks]), self.policy)
        final = final or found.accepted
        heard = Heard(self._samples / SAMPLE_RATE, self._speech_s, found, final)
        if final:
            self._last = heard
            self._blocks.clear()
        return heard


def _share(policy: Policy, looks: int) -> Policy:
    """The policy of each of so many looks; costs weigh a decision, however often it is made."""
    return FalseAcceptRate(policy.far / looks) if isinstance(policy, FalseAcceptRate) else policy
