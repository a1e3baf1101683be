"""Fit what turns a score into an LLR, and measure what a false-accept rate takes.

Each recording is cut to several lengths, and some are put together to voiceprints, so that the
result holds for a word as for a minute. Only pairs of one population count, such as one language
of one data set: two strangers who also differ in microphone and language are told apart too easily.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.embed import Embedder
from voxgate.errors import EvaluationError
from voxgate.extras import need
from voxgate.scoring import (
    Calibration,
    Cohort,
    FalseAcceptTable,
    effective_speech_s,
    normalise,
    speech_basis,
    to_unit_length,
)

LENGTHS_S = (0.4, 0.7, 1.0, 1.5, 2.5, 4.0)  # what recordings are cut to
BUCKETS_S = (0.4, 0.7, 1.2, 2.0, 3.5, 6.0)  # centres of the effective speech in the table
RATES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)  # false-accept rates of the table
STEADY = 20  # false accepts that a measured threshold must rest on
_TRUSTED = 2.0  # standard deviation of the numbers of a calibration from place to place

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sides:
    """Whatever can stand on one side of a trial. Every array is (sides, …)."""

    vectors: NDArray[np.float32]  # (sides, dim), unit length
    speech_s: NDArray[np.float64]
    speaker: Ints
    population: Ints  # strangers of one are hard to tell apart: one data set, one language
    members: NDArray[np.bool_]  # (sides, recordings): which recordings it was made from
    whole: NDArray[np.bool_]  # all the speech of one recording, as it would be verified


@dataclass(frozen=True, eq=False)
class Pairs:
    """Trials between sides. Every array is (pairs,)."""

    score: NDArray[np.float64]  # AS-norm
    target: NDArray[np.bool_]
    enrolled_s: NDArray[np.float64]  # of speech on one side
    probe_s: NDArray[np.float64]  # and on the other
    speaker_a: Ints
    speaker_b: Ints
    whole: NDArray[np.bool_]  # both sides are

    @cached_property
    def speech_s(self) -> NDArray[np.float64]:
        """The effective speech."""
        return effective_speech_s(self.enrolled_s, self.probe_s)

    @cached_property
    def bucket(self) -> Ints:
        """Which of BUCKETS_S is nearest, on a log scale."""
        distance = [np.abs(np.log(self.speech_s) - np.log(centre)) for centre in BUCKETS_S]
        nearest: Ints = np.argmin(distance, axis=0)
        return nearest

    def only(self, which: NDArray[np.bool_] | Ints) -> "Pairs":
        """Some of them."""
        return Pairs(*(getattr(self, field.name)[which] for field in fields(self)))

    def llr(self, calibration: Calibration) -> NDArray[np.floating[Any]]:
        """What a calibration makes of them."""
        return calibration.llr(self.score, self.enrolled_s, self.probe_s)


def make_sides(
    embedder: Embedder,
    speech: Callable[[int], Waveform],
    speaker: Ints,
    population: Ints,
    seed: int,
) -> Sides:
    """Each recording at several lengths, and voiceprints of half a speaker's recordings.

    Args:
        embedder: of the pack.
        speech: number of a recording -> its speech.
        speaker: (recordings,), who is in each.
        population: (recordings,), which each belongs to; only within one is anything compared.
        seed: chooses where recordings are cut.
    """
    rng = np.random.default_rng(seed)
    shortest = embedder.pack.min_speech_s
    vectors, samples, members = [], [], []
    whole = np.zeros((len(speaker), embedder.pack.dim))
    full = np.zeros(len(speaker))
    for i in range(len(speaker)):
        waveform = speech(i)
        lengths = [round(s * SAMPLE_RATE) for s in LENGTHS_S if s >= shortest]
        for length in [*(n for n in lengths if n < 0.9 * len(waveform)), len(waveform)]:
            start = int(rng.integers(len(waveform) - length + 1))
            vectors.append(embedder.embed_waveform(waveform[start : start + length]))
            samples.append(length)
            members.append([i])
        whole[i], full[i] = vectors[-1], len(waveform)
    last = np.append(np.diff([who[0] for who in members]) > 0, True)  # of each recording's cuts
    for own in _by_speaker(speaker):
        for half in (own[: len(own) // 2], own[len(own) // 2 :]):
            if len(half) > 1:
                mean = full[half] @ whole[half]
                vectors.append((mean / np.linalg.norm(mean)).astype(np.float32))
                samples.append(int(full[half].sum()))
                members.append(half.tolist())
    made_from = np.zeros((len(members), len(speaker)), bool)
    for row, who in enumerate(members):
        made_from[row, who] = True
    first = np.array([who[0] for who in members])
    return Sides(
        np.stack(vectors),
        np.array(samples) / SAMPLE_RATE,
        speaker[first],
        population[first],
        made_from,
        np.concatenate([last, np.zeros(len(members) - len(last), bool)]),
    )


def _by_speaker(speaker: Ints) -> Iterator[Ints]:
    """The recordings of each speaker."""
    return (np.flatnonzero(speaker == name) for name in np.unique(speaker))


def join(parts: Sequence[Sides]) -> Sides:
    """Several made from the same recordings, as one."""
    return Sides(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Sides))
    )


def make_pairs(sides: Sides, cohort: Cohort) -> Pairs:
    """Every pair of sides of one population that share no recording."""
    unit, together = to_unit_length(sides.vectors), sides.members.astype(np.float32)
    pairs, cosines = [np.empty((2, 0), np.int64)], [np.empty(0, np.float32)]
    for population in np.unique(sides.population):
        own = np.flatnonzero(sides.population == population)
        rows = np.nonzero(np.triu(together[own] @ together[own].T == 0, 1))
        pairs.append(own[np.array(rows)])
        cosines.append((unit[own] @ unit[own].T)[rows])
    a, b = np.concatenate(pairs, axis=1)
    scale = cohort.scale_of(sides.vectors)
    score = normalise(np.concatenate(cosines), scale.at(a), scale.at(b))
    return Pairs(
        score=score.astype(np.float64),
        target=sides.speaker[a] == sides.speaker[b],
        enrolled_s=sides.speech_s[a],
        probe_s=sides.speech_s[b],
        speaker_a=sides.speaker[a],
        speaker_b=sides.speaker[b],
        whole=sides.whole[a] & sides.whole[b],
    )


def counts(pairs: Pairs) -> Ints:
    """How many pairs there are, (buckets, 2): of different people, of one person."""
    cell = pairs.bucket * 2 + pairs.target
    return np.bincount(cell, minlength=2 * len(BUCKETS_S)).reshape(-1, 2)


def fit_calibration(
    pairs: Pairs, *, before: Calibration | None = None, speakers: int = 0
) -> Calibration:
    """Logistic regression; each bucket of speech, and in it each kind of pair, weighs the same.

    Args:
        pairs: what to fit on.
        before: a calibration to stay near where the pairs say little, and whose range of speech to
            keep; without it, every bucket must have both kinds of pairs.
        speakers: how many different ones the pairs rest on, to weigh them against `before`, whose
            numbers are taken to be right within about two.

    Raises:
        EvaluationError: a bucket lacks pairs of one kind.
        ScoringError: the fit makes no sense.
    """
    count = counts(pairs)
    usable = count.min(axis=1) > 0
    if not usable.any() or (before is None and not usable.all()):
        raise EvaluationError(
            f"Pairs of different people and of one, by speech: {count.tolist()}; none may be 0. "
            "More speakers, or more recordings of each, are needed."
        )
    pairs = pairs.only(usable[pairs.bucket])
    weight = 1 / count[pairs.bucket, pairs.target.astype(int)] / (2 * usable.sum())
    start, pull = np.array([1.0, 0, 0, 0, 0, 0]), 0.0
    speech_s = BUCKETS_S[0], BUCKETS_S[-1]
    if before is not None:
        speech_s = before.speech_s
        start = np.array([_three(before.slope), _three(before.offset)]).ravel()
        pull = 1 / (_TRUSTED**2 * max(1, speakers))
    basis = speech_basis(pairs.enrolled_s, pairs.probe_s, speech_s)
    fitted = [round(float(w), 5) for w in _minimum(pairs, weight, start, pull, np.stack(basis))]
    return Calibration(tuple(fitted[:3]), tuple(fitted[3:]), speech_s)


def _three(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """A slope's or an offset's numbers, with that for unevenness, which may be missing."""
    return (*numbers, 0.0)[:3]


def _minimum(
    pairs: Pairs,
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
    pull: float,
    basis: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The slope's and the offset's numbers that lose least, pulled back to the start."""
    features = np.concatenate([pairs.score * basis, basis])
    sign = np.where(pairs.target, 1.0, -1.0)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (w @ features)
        slope = -sign * weight / (1 + np.exp(margin.clip(-500, 500)))
        away = w - start
        lost = weight @ np.logaddexp(0, -margin) + pull * (away @ away) / 2
        return float(lost), features @ slope + pull * away

    minimize = need("scipy.optimize", "evaluate").minimize
    fitted: NDArray[np.float64] = minimize(loss, start, jac=True, method="BFGS").x
    return fitted


def measure_false_accepts(
    pairs: Pairs,
    calibration: Calibration,
    *,
    buckets: Sequence[int] = tuple(range(len(BUCKETS_S))),
    least_rate: float = 0.0,
    beyond: FalseAcceptTable | None = None,
) -> FalseAcceptTable:
    """Thresholds by speech and rate, for rates that rest on 20 false accepts or more.

    Args:
        pairs: what to measure on.
        calibration: gives them their LLRs.
        buckets: rows of the table, as indices into BUCKETS_S.
        least_rate: rarer rates are left out however many pairs there are.
        beyond: a table with rarer rates than can be measured: they are taken to lie as far from
            the rarest measured one as there.

    Raises:
        EvaluationError: there are too few pairs for any rate.
    """
    llr = pairs.llr(calibration)
    strangers = [np.sort(llr[(pairs.bucket == b) & ~pairs.target])[::-1] for b in buckets]
    targets = [llr[(pairs.bucket == b) & pairs.target] for b in buckets]
    fewest = min(map(len, strangers), default=0)
    rates = [far for far in RATES if far * fewest >= STEADY and far >= least_rate]
    if not rates or min(map(len, targets)) == 0:
        raise EvaluationError(
            f"{fewest:,} pairs of different people are too few to measure a false-accept rate "
            "by how much speech there is; more speakers, or more recordings of each, are needed."
        )
    thresholds = [[float(s[int(far * len(s)) - 1]) for far in rates] for s in strangers]
    if beyond:
        rarest = rates[-1]
        rates += [far for far in beyond.far if far < rarest and rarest >= beyond.far[-1]]
        for b, row in zip(buckets, thresholds, strict=True):
            known = {far: beyond.threshold(far, BUCKETS_S[b], BUCKETS_S[b]).llr for far in rates}
            last = row[-1]
            row += [last + known[far] - known[rarest] for far in rates[len(row) :]]
    misses = [
        [float((t < threshold).mean()) for threshold in row]
        for t, row in zip(targets, thresholds, strict=True)
    ]
    return FalseAcceptTable(
        speech_s=[BUCKETS_S[b] for b in buckets],
        far=rates,
        thresholds=_rounded(thresholds),
        misses=_rounded(misses),
        pairs=[[len(t), len(s)] for t, s in zip(targets, strangers, strict=True)],
    )


def make_cohort(vectors: NDArray[np.float32], size: int, seed: int) -> NDArray[np.float16]:
    """Centres (size, dim) of clusters of voices (voices, dim): nobody's voice, but like many."""
    kmeans = need("sklearn.cluster", "evaluate").KMeans(size, n_init=1, random_state=seed)
    centres = kmeans.fit(vectors).cluster_centers_
    unit: NDArray[np.float16] = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(
        np.float16
    )
    return unit


def _rounded(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in rows]
