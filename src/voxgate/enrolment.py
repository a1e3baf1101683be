"""Which recordings make a voiceprint: of one voice, each once, with enough speech.

People enrol recordings of themselves nearly always, so one is only taken for another voice
where its LLR against the rest says so clearly (`OTHER_VOICE_LLR`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Literal
from uuid import uuid4

import numpy as np

from voxgate.comparison import SAME_SOUND, Comparison, compare
from voxgate.embed import Embedding
from voxgate.errors import (
    AnotherVoiceError,
    AudioError,
    EnrolmentError,
    TooLittleSpeechError,
)
from voxgate.packs import Pack
from voxgate.quality import Quality, QualityWarning
from voxgate.scoring import accept_above, cosine
from voxgate.store import Sample, Voiceprint

# Below it (-1.6) a recording is another voice. The prior: of 20 recordings given together, 19 are
# of one person. The costs: a stranger let into a voiceprint is as bad as four recordings lost.
OTHER_VOICE_LLR = accept_above(prior=0.95, miss_cost=1.0, false_accept_cost=4.0)

GOOD_ENROLMENT_S = 20.0  # of speech; with less there is a warning

ContributionOutcome = Literal["used", "too_little_speech", "other_voice", "duplicate", "unreadable"]


@dataclass(frozen=True)
class Contribution:
    """What one recording brought to an enrolment."""

    name: str
    outcome: ContributionOutcome
    message: str  # a sentence for a person
    speech_s: float = 0.0
    weight: float = 0.0  # its share of the voiceprint, 0 to 1
    agreement: float | None = None  # cosine with the rest; None where there is no rest
    llr: float | None = None  # for its being the same voice as the rest
    quality: Quality | None = None

    @property
    def used(self) -> bool:
        return self.outcome == "used"

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "outcome": self.outcome,
            "message": self.message,
            "speech_s": self.speech_s,
            "weight": self.weight,
            "agreement": self.agreement,
            "llr": self.llr,
            "quality": self.quality.to_dict() if self.quality else None,
        }


@dataclass(frozen=True)
class Enrolment:
    """What became of the recordings, and of the voiceprint."""

    speaker: str
    pack: str
    contributions: tuple[Contribution, ...]  # in the order the recordings were given
    recordings: int  # in the voiceprint, with those of before
    speech_s: float  # in the voiceprint, with that of before

    @property
    def warnings(self) -> tuple[QualityWarning, ...]:
        """Doubts about what was used."""
        found: list[QualityWarning] = []
        for given in self.contributions:
            if given.used and given.quality:
                named = ((w.code, f"{given.name}: {w.message}") for w in given.quality.warnings)
                found += [QualityWarning(code, message) for code, message in named]
        if self.speech_s < GOOD_ENROLMENT_S:
            message = (
                f"{self.speaker} is enrolled with {self.speech_s:.1f} s of speech; "
                f"{GOOD_ENROLMENT_S:.0f} s or more makes decisions surer."
            )
            found.append(QualityWarning("short_enrolment", message))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        return {
            "speaker": self.speaker,
            "pack": self.pack,
            "contributions": [contribution.to_dict() for contribution in self.contributions],
            "recordings": self.recordings,
            "speech_s": self.speech_s,
            "warnings": [asdict(warning) for warning in self.warnings],
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """The outcome, for a person."""
        used = sum(contribution.used for contribution in self.contributions)
        given = len(self.contributions)
        return (
            f"Enrolled {self.speaker} with {used} of {given} recording{'s'[: given > 1]}: "
            f"{self.speech_s:.1f} s of speech from {self.recordings} "
            f"recording{'s'[: self.recordings > 1]} in all."
        )


def assess(
    pack: Pack,
    heard: Sequence[tuple[str, Embedding | AudioError]],
    existing: Sequence[Sample] = (),
) -> tuple[list[Contribution], list[Sample]]:
    """Decide which recordings go into a voiceprint.

    Args:
        pack: what the embeddings were made with.
        heard: of each recording its name, and its embedding or why there is none.
        existing: the samples that it will be added to, if any.

    Returns:
        What became of each recording, in the order given, and the samples to enrol.

    Raises:
        AnotherVoiceError: the recordings are not of one voice, or none is of the existing one.
        EnrolmentError: there is none that can be used.
    """
    contributions, fit = _sort_out(heard, existing)
    if not fit:
        reasons = " ".join(contribution.message for contribution in contributions.values())
        raise EnrolmentError(f"No recording can be enrolled. {reasons}")
    samples = [_to_sample(embedding) for embedding in fit.values()]
    comparisons = _compare_with_the_rest(pack, samples, existing)
    used = [sample for sample, found in zip(samples, comparisons, strict=True) if _agrees(found)]
    _require_one_voice(samples, comparisons, len(used), existing)
    total_s = sum(sample.speech_s for sample in (*existing, *used))
    for (position, embedding), found in zip(fit.items(), comparisons, strict=True):
        contributions[position] = _judged(embedding, found, total_s)
    return [contributions[position] for position in range(len(heard))], used


def _sort_out(
    heard: Sequence[tuple[str, Embedding | AudioError]], existing: Sequence[Sample]
) -> tuple[dict[int, Contribution], dict[int, Embedding]]:
    """Tell what needs no comparing from what is fit to be compared, by position in `heard`."""
    contributions: dict[int, Contribution] = {}
    fit: dict[int, Embedding] = {}
    for position, (name, result) in enumerate(heard):
        if isinstance(result, AudioError):
            contributions[position] = _unheard(name, result)
        elif double := _double_of(result, [*existing, *fit.values()]):
            message = f"{name} is the same sound as {double}, so it is not counted twice."
            contributions[position] = Contribution(
                name, "duplicate", message, speech_s=result.speech_s, quality=result.quality
            )
        else:
            fit[position] = result
    return contributions, fit


def _compare_with_the_rest(
    pack: Pack, samples: Sequence[Sample], existing: Sequence[Sample]
) -> list[Comparison | None]:
    """Compare each sample with the voice that the others make; None for one alone.

    The voice is that of the existing samples. Without any, it is that of the largest group
    of samples that agree with one of them, so that an outlier does not blur it.
    """
    if not existing and len(samples) == 1:
        return [None]
    group = existing or _largest_group(pack, samples)
    comparisons: list[Comparison | None] = []
    for sample in samples:
        rest = [other for other in group if other is not sample]
        rest = rest or [other for other in samples if other is not sample]
        comparisons.append(compare(pack, Voiceprint.of("the rest", pack.id, rest), sample))
    return comparisons


def _largest_group(pack: Pack, samples: Sequence[Sample]) -> list[Sample]:
    """The sample that most others agree with, and those."""
    vectors = np.stack([sample.vector for sample in samples])
    speech_s = np.array([sample.speech_s for sample in samples])
    scores = pack.cohort().as_norm(vectors, vectors)
    llr = pack.calibration.llr(scores, speech_s[:, None], speech_s)
    agree = llr >= OTHER_VOICE_LLR
    np.fill_diagonal(agree, val=True)  # whatever its LLR, a sample is its own voice
    most = max(range(len(samples)), key=lambda i: (agree[i].sum(), llr[i].sum()))
    return [sample for sample, agrees in zip(samples, agree[most], strict=True) if agrees]


def _agrees(with_the_rest: Comparison | None) -> bool:
    return with_the_rest is None or with_the_rest.llr >= OTHER_VOICE_LLR


def _require_one_voice(
    samples: Sequence[Sample],
    comparisons: Sequence[Comparison | None],
    used: int,
    existing: Sequence[Sample],
) -> None:
    """Refuse them all where none is of the existing voice, or none has most of the samples.

    Raises:
        AnotherVoiceError: naming the recordings.
    """
    if used if existing else 2 * used > len(samples):
        return
    llrs = [comparison.llr for comparison in comparisons if comparison]
    found = ", ".join(f"{s.name} (LLR {llr:.1f})" for s, llr in zip(samples, llrs, strict=True))
    if existing:
        raise AnotherVoiceError(
            f"Not the voice that is enrolled already: {found}; an LLR of {OTHER_VOICE_LLR:.1f} or "
            "more is needed. Give recordings of that person."
        )
    raise AnotherVoiceError(
        f"These do not sound like one voice: {found}; more than half must agree, with an LLR of "
        f"{OTHER_VOICE_LLR:.1f} or more. Give recordings of one person."
    )


def _double_of(embedding: Embedding, others: Iterable[Sample | Embedding]) -> str | None:
    """The name of the recording that this is a copy of."""
    for other in others:
        if cosine(embedding.vector[None], other.vector[None])[0, 0] > SAME_SOUND:
            return other.name
    return None


def _unheard(name: str, error: AudioError) -> Contribution:
    if isinstance(error, TooLittleSpeechError):
        return Contribution(name, "too_little_speech", str(error), speech_s=error.found_s)
    return Contribution(name, "unreadable", str(error))


def _judged(embedding: Embedding, found: Comparison | None, total_s: float) -> Contribution:
    """What became of a recording that was compared with the rest."""
    name, speech_s, quality = embedding.name, embedding.speech_s, embedding.quality
    agreement, llr = (found.cosine, found.llr) if found else (None, None)
    if llr is not None and llr < OTHER_VOICE_LLR:
        message = f"{name} sounds like another voice (LLR {llr:.1f}), so it is left out."
        return Contribution(name, "other_voice", message, speech_s, 0.0, agreement, llr, quality)
    weight = speech_s / total_s
    message = f"{name}: {speech_s:.1f} s of speech, {100 * weight:.0f} % of the voiceprint."
    return Contribution(name, "used", message, speech_s, weight, agreement, llr, quality)


def _to_sample(embedding: Embedding) -> Sample:
    """The embedding as a store keeps it."""
    return Sample(
        id=uuid4().hex,
        vector=embedding.vector,
        speech_s=embedding.speech_s,
        quality=embedding.quality.to_dict(),
        name=embedding.name,
        added_at=datetime.now(timezone.utc),
    )
