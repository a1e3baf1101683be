"""Calibrate a pack on somebody's own recordings, and say what to expect of it there.

The embedding stays as it is; the LLR and the thresholds are fitted anew. What is reported was not
fitted on the same people: speakers are dealt to five folds, and each pair is judged by what was
fitted without the folds of its two speakers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.embed import Embedder
from voxgate.errors import AudioError, EvaluationError, TooLittleSpeechError
from voxgate.evaluate.bootstrap import Interval, SpeakerBootstrap
from voxgate.evaluate.calibration import (
    RATES,
    STEADY,
    Pairs,
    counts,
    fit_calibration,
    make_cohort,
    make_pairs,
    make_sides,
    measure_false_accepts,
)
from voxgate.evaluate.embeddings import Progress, silent
from voxgate.evaluate.metrics import Bools, Floats, cllr, eer
from voxgate.evaluate.policies import thresholds
from voxgate.packs import Pack
from voxgate.scoring import Calibration, Cohort, Costs, FalseAcceptRate, FalseAcceptTable, Policy
from voxgate.speech import read_speech

LEAST_SPEAKERS = 10  # with two recordings or more
LEAST_COHORT = 50  # voices to make a cohort from
MOST_RECORDINGS = 400  # what there are more of is left out, evenly among the speakers
LONGEST_S = 30.0  # of the speech of a recording

POLICIES: tuple[Policy, ...] = (
    FalseAcceptRate(0.05),
    FalseAcceptRate(0.01),
    FalseAcceptRate(0.001),
    Costs(0.5),
    Costs(0.01),
)

_FOLDS = 5
_MOST_PAIRS = 75_000  # of each kind, to fit a calibration on
_USUAL = Calibration((1.0, 0.2), (-1.5, -0.5), (0.4, 6.0))  # to start from without any
_LARGEST_COHORT, _NEAREST = 300, 100


@dataclass(frozen=True)
class Expected:
    """What comes of a policy, as shares in [0, 1] with their 95 % intervals by speaker."""

    policy: str
    false_accept: float
    false_accept_95: Interval
    miss: float
    miss_95: Interval


@dataclass(frozen=True)
class Outlook:
    """What to expect of a calibration on these recordings."""

    cllr: float
    policies: tuple[Expected, ...]


@dataclass(frozen=True)
class Recalibration:
    """A calibration fitted on somebody's own recordings, and what it was found to do there."""

    speakers: int
    recordings: int
    targets: int  # pairs of whole recordings of one speaker
    strangers: int  # pairs of whole recordings of two
    eer: float
    eer_95: Interval | None
    before: Outlook | None  # with the pack's own calibration, if it has one
    after: Outlook  # on speakers it was not fitted on
    calibration: Calibration
    false_accepts: FalseAcceptTable
    cohort: NDArray[np.float16] | None  # a new one, if one was made
    cohort_nearest: int
    failures: tuple[tuple[Path, str], ...]  # recordings that could not be used, and why

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        facts = asdict(self)
        for key in ("cohort", "cohort_nearest", "failures", "calibration", "false_accepts"):
            del facts[key]
        return facts


@dataclass(frozen=True, eq=False)
class _Heard:
    """The speech of the recordings that can be used."""

    speech: list[Waveform]
    speaker: NDArray[np.int64]  # numbers from 0
    failures: tuple[tuple[Path, str], ...]


def recalibrate(
    pack: Pack,
    recordings: Mapping[str, Sequence[Path]],
    *,
    cohort: Sequence[Path] = (),
    progress: Progress = silent,
    seed: int = 0,
) -> Recalibration:
    """Fit the calibration of a pack on recordings of known speakers.

    Args:
        pack: the model.
        recordings: speaker -> recordings; ten speakers with two usable ones are the least.
        cohort: recordings of other people, one each, to make a new cohort of; a pack without a
            cohort needs them.
        progress: told after each recording.
        seed: chooses the folds, and where recordings are cut.

    Raises:
        EvaluationError: there are too few speakers, or too few voices for a cohort.
    """
    embedder = Embedder(pack)
    chosen = _chosen(recordings, seed)
    steps = 2 * len(chosen)
    heard = _listen(embedder, chosen, lambda done, _: progress(done, steps))
    names, of_speaker = np.unique(heard.speaker, return_counts=True)
    if (enough := int((of_speaker > 1).sum())) < LEAST_SPEAKERS:
        raise EvaluationError(
            f"Too few speakers have two usable recordings or more: {enough}; at least "
            f"{LEAST_SPEAKERS} are needed, because with fewer it is chance what rates come out."
        )
    scaling, made = _cohort(embedder, cohort, seed)

    def speech(i: int) -> Waveform:
        progress(len(chosen) + i + 1, steps)
        return heard.speech[i]

    together = np.zeros(len(heard.speaker), np.int64)
    sides = make_sides(embedder, speech, heard.speaker, together, seed)
    pairs = make_pairs(sides, scaling)
    known = None if made is not None else (pack.calibration, pack.false_accepts)
    fit = _Fit(known, len(names))
    calibration, table = fit(pairs)
    whole = pairs.only(pairs.whole)
    bootstrap = SpeakerBootstrap(whole.speaker_a, whole.speaker_b, whole.target)
    judged = [_cross_validate(pairs, whole, fit, seed), *([_judge(whole, *known)] if known else [])]
    after, *before = _outlooks(whole, bootstrap, judged)
    return Recalibration(
        speakers=len(names),
        recordings=len(heard.speech),
        targets=int(whole.target.sum()),
        strangers=int((~whole.target).sum()),
        eer=eer(whole.score, whole.target),
        eer_95=bootstrap.eer(whole.score),
        before=before[0] if before else None,
        after=after,
        calibration=calibration,
        false_accepts=table,
        cohort=made,
        cohort_nearest=scaling.nearest,
        failures=heard.failures,
    )


def _chosen(recordings: Mapping[str, Sequence[Path]], seed: int) -> list[tuple[str, Path]]:
    """Speakers and recordings in order, no more than are listened to, pairs of all before more."""
    rng = np.random.default_rng(seed)
    ranked = []
    for speaker, paths in recordings.items():
        order = [paths[i] for i in rng.permutation(len(paths))]
        ranked += [(rank // 2, speaker, path) for rank, path in enumerate(order)]
    first = sorted(ranked, key=lambda row: row[0])[:MOST_RECORDINGS]
    return sorted((speaker, path) for _, speaker, path in first)


def _listen(embedder: Embedder, chosen: Sequence[tuple[str, Path]], progress: Progress) -> _Heard:
    speech, names, failures = [], [], []
    for number, (name, path) in enumerate(chosen, 1):
        try:
            speech.append(_speech(path, embedder.pack.min_speech_s))
            names.append(name)
        except AudioError as error:
            failures.append((path, str(error)))
        progress(number, len(chosen))
    speaker = np.unique(np.array(names, np.str_), return_inverse=True)[1]
    return _Heard(speech, speaker, tuple(failures))


def _speech(path: Path, needed_s: float) -> Waveform:
    reader = read_speech(path)
    waveform = np.concatenate([np.empty(0, np.float32), *reader])
    if len(waveform) < needed_s * SAMPLE_RATE:
        raise TooLittleSpeechError(reader.name, len(waveform) / SAMPLE_RATE, needed_s)
    return waveform[: round(LONGEST_S * SAMPLE_RATE)]


def _cohort(
    embedder: Embedder, paths: Sequence[Path], seed: int
) -> tuple[Cohort, NDArray[np.float16] | None]:
    """The cohort, and its voices if it is a new one."""
    if not paths:
        if embedder.pack.decider is None:
            raise EvaluationError(
                f"The pack {embedder.pack.id} has no cohort to judge a cosine against; give "
                f"recordings of {LEAST_COHORT} other people or more with --cohort."
            )
        return embedder.pack.cohort(), None
    vectors = []
    for path in paths:
        try:
            vectors.append(embedder.embed(path).vector)
        except AudioError:
            continue  # whose voice it would have been does not matter
    if len(vectors) < LEAST_COHORT:
        raise EvaluationError(
            f"{len(vectors)} usable recordings are too few to make a cohort of; at least "
            f"{LEAST_COHORT}, each of another person, are needed."
        )
    made = make_cohort(np.stack(vectors), min(_LARGEST_COHORT, len(vectors) // 2), seed)
    return Cohort(made.astype(np.float32), min(_NEAREST, len(made))), made


@dataclass(frozen=True)
class _Fit:
    """Fits pairs of so many speakers, near what was known before."""

    known: tuple[Calibration, FalseAcceptTable] | None
    speakers: int

    def __call__(self, pairs: Pairs) -> tuple[Calibration, FalseAcceptTable]:
        some = pairs.only(_some_of_each_kind(pairs.target))
        start, beyond = self.known or (_USUAL, None)
        calibration = fit_calibration(some, before=start, speakers=self.speakers)
        least_rate = 2 / (self.speakers * (self.speakers - 1))  # one in as many as there are pairs
        table = measure_false_accepts(
            pairs,
            calibration,
            buckets=_measurable(pairs),
            least_rate=least_rate,
            beyond=beyond,
        )
        return calibration, table


def _some_of_each_kind(target: Bools) -> NDArray[np.int64]:
    rng = np.random.default_rng(0)
    kinds = [rng.permutation(np.flatnonzero(kind))[:_MOST_PAIRS] for kind in (target, ~target)]
    return np.sort(np.concatenate(kinds))


def _measurable(pairs: Pairs) -> list[int]:
    """Buckets of speech with enough strangers for a rate of 1 %, or else for any rate."""
    strangers, targets = counts(pairs).T
    for rate in (0.01, RATES[0]):
        found = np.flatnonzero((strangers * rate >= STEADY) & (targets >= STEADY))
        if len(found):
            return [int(b) for b in found]
    return []


def _judge(
    pairs: Pairs, calibration: Calibration, table: FalseAcceptTable
) -> tuple[Floats, list[Bools]]:
    """LLRs of the pairs, and which of them each policy accepts."""
    llr = pairs.llr(calibration)
    return llr, [llr >= thresholds(policy, table, pairs.speech_s) for policy in POLICIES]


def _cross_validate(pairs: Pairs, whole: Pairs, fit: _Fit, seed: int) -> tuple[Floats, list[Bools]]:
    """LLRs and acceptances of the whole pairs, each by a fit without the folds of its speakers."""
    rng = np.random.default_rng(seed)
    fold = rng.permutation(fit.speakers) % _FOLDS
    llr = np.empty(len(whole.target))
    accepted = [np.empty(len(whole.target), bool) for _ in POLICIES]
    sides = np.sort([fold[whole.speaker_a], fold[whole.speaker_b]], axis=0)
    for left_out in combinations_with_replacement(range(_FOLDS), 2):
        test = (sides[0] == left_out[0]) & (sides[1] == left_out[1])
        if not test.any():
            continue
        fitted_on = [~np.isin(fold[side], left_out) for side in (pairs.speaker_a, pairs.speaker_b)]
        found = _judge(whole.only(test), *fit(pairs.only(fitted_on[0] & fitted_on[1])))
        llr[test] = found[0]
        for all_of_policy, some in zip(accepted, found[1], strict=True):
            all_of_policy[test] = some
    return llr, accepted


def _outlooks(
    pairs: Pairs, bootstrap: SpeakerBootstrap, judged: Sequence[tuple[Floats, list[Bools]]]
) -> list[Outlook]:
    """What the policies came to, for each way in which the pairs were judged."""
    target = pairs.target
    accepted = np.array([yes for _, policies in judged for yes in policies])
    people = bootstrap.speakers
    far, far_95 = _rates(accepted & ~target, ~target, people * (people - 1) // 2, bootstrap)
    miss, miss_95 = _rates(~accepted & target, target, people, bootstrap)
    names = [str(policy) for policy in POLICIES] * len(judged)
    rows = list(map(Expected, names, far, far_95, miss, miss_95))
    size = len(POLICIES)
    return [
        Outlook(cllr(llr, target), tuple(rows[i * size : (i + 1) * size]))
        for i, (llr, _) in enumerate(judged)
    ]


def _rates(
    wrong: Bools, kind: Bools, chances: int, bootstrap: SpeakerBootstrap
) -> tuple[list[float], list[Interval]]:
    """How often each row (rows, pairs) is wrong on the pairs of a kind, with its interval.

    Where it never was, the interval ends at what would show in none of so many chances, with a
    probability of 5 %: those of the speakers, or of pairs of speakers, and not of all trials.
    """
    found = wrong.sum(axis=1) / kind.sum()
    errors = wrong.astype(np.float32)
    drawn = [
        errors @ weight.astype(np.float32) / (weight @ kind)
        for weight in bootstrap.weights()
        if (weight @ kind) > 0
    ]
    never = 1 - 0.05 ** (1 / chances)
    bounds = [
        Interval(float(low), float(max(high, never if rate == 0 else 0.0)))
        for rate, low, high in zip(found, *np.percentile(drawn, [2.5, 97.5], axis=0), strict=True)
    ]
    return [float(rate) for rate in found], bounds
