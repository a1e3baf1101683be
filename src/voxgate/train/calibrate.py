"""Fit what turns a score into an LLR, and measure what a false-accept rate takes.

Everything is fitted on held-out speakers: they were neither trained on nor are they in the dev
trials. Each of their recordings is cut to several lengths, and some are put together to
voiceprints, so that the result holds for a word as for a minute. Only pairs of one dataset count:
two strangers who also differ in microphone and language are told apart too easily.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.cluster import KMeans

from voxgate.audio import SAMPLE_RATE
from voxgate.embed import Embedder
from voxgate.errors import TrainingError
from voxgate.scoring import Calibration, Cohort, FalseAcceptTable, effective_speech_s
from voxgate.train.data import Corpus

LENGTHS_S = (0.4, 0.7, 1.0, 1.5, 2.5, 4.0)  # what recordings are cut to
BUCKETS_S = (0.4, 0.7, 1.2, 2.0, 3.5, 6.0)  # centres of the effective speech in the table
RATES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)  # false-accept rates of the table
_STEADY = 20  # false accepts that a measured threshold must rest on


@dataclass(frozen=True, eq=False)
class Sides:
    """Whatever can stand on one side of a trial. Every array is (sides, …)."""

    vectors: NDArray[np.float32]  # (sides, dim), unit length
    speech_s: NDArray[np.float64]
    speaker: NDArray[np.int64]
    dataset: NDArray[np.int64]
    members: NDArray[np.bool_]  # (sides, recordings): which recordings it was made from


@dataclass(frozen=True, eq=False)
class Pairs:
    """Trials between sides. Every array is (pairs,)."""

    score: NDArray[np.float64]  # AS-norm
    target: NDArray[np.bool_]
    speech_s: NDArray[np.float64]  # effective
    bucket: NDArray[np.int64]  # index into BUCKETS_S


def make_cohort(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], size: int, seed: int
) -> NDArray[np.float16]:
    """Centres (size, dim) of clusters of voices: nobody's voice, but like many."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(recordings)
    _, first = np.unique(corpus.speaker[order], return_index=True)
    vectors = [embedder.embed_waveform(corpus.speech(int(r))) for r in order[first]]
    centres = KMeans(size, n_init=1, random_state=seed).fit(np.stack(vectors)).cluster_centers_
    unit: NDArray[np.float16] = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(
        np.float16
    )
    return unit


def make_sides(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], seed: int
) -> Sides:
    """Each recording at several lengths, and voiceprints of half a speaker's recordings."""
    rng = np.random.default_rng(seed)
    vectors, seconds, members = [], [], []
    whole = np.zeros((len(recordings), embedder.pack.dim))
    for i, recording in enumerate(recordings):
        speech = corpus.speech(int(recording))
        lengths = [round(s * SAMPLE_RATE) for s in LENGTHS_S]
        for length in [*(n for n in lengths if n < 0.9 * len(speech)), len(speech)]:
            start = int(rng.integers(len(speech) - length + 1))
            vectors.append(embedder.embed_waveform(speech[start : start + length]))
            seconds.append(length / SAMPLE_RATE)
            members.append([i])
        whole[i] = vectors[-1]
    durations = corpus.seconds()[recordings]
    for speaker in np.unique(corpus.speaker[recordings]):
        own = np.flatnonzero(corpus.speaker[recordings] == speaker)
        for half in (own[: len(own) // 2], own[len(own) // 2 :]):
            if len(half) > 1:
                mean = durations[half] @ whole[half]
                vectors.append((mean / np.linalg.norm(mean)).astype(np.float32))
                seconds.append(float(durations[half].sum()))
                members.append(half.tolist())
    made_from = np.zeros((len(members), len(recordings)), bool)
    for row, who in enumerate(members):
        made_from[row, who] = True
    first = recordings[[who[0] for who in members]]
    return Sides(
        np.stack(vectors),
        np.array(seconds),
        corpus.speaker[first],
        corpus.dataset[first],
        made_from,
    )


def make_pairs(sides: Sides, cohort: Cohort) -> Pairs:
    """Every pair of sides of one dataset that share no recording."""
    together = sides.members.astype(np.float32)
    apart = (together @ together.T == 0) & (sides.dataset[:, None] == sides.dataset)
    a, b = np.nonzero(np.triu(apart, 1))
    scores = cohort.as_norm(sides.vectors, sides.vectors)
    speech_s = effective_speech_s(sides.speech_s[a], sides.speech_s[b])
    distance = np.abs(np.log(speech_s)[:, None] - np.log(BUCKETS_S))
    return Pairs(
        scores[a, b].astype(np.float64),
        sides.speaker[a] == sides.speaker[b],
        speech_s,
        distance.argmin(axis=1),
    )


def fit_calibration(pairs: Pairs) -> Calibration:
    """Logistic regression; each bucket of speech, and in it each kind of pair, weighs the same.

    Raises:
        TrainingError: a bucket lacks pairs of one kind, or the fit makes no sense.
    """
    cell = pairs.bucket * 2 + pairs.target
    counts = np.bincount(cell, minlength=2 * len(BUCKETS_S))
    if counts.min() == 0:
        raise TrainingError(
            f"Pairs by speech and kind: {counts.tolist()}; hold out more speakers, none may be 0."
        )
    weight = 1 / counts[cell] / len(counts)
    q = np.log(pairs.speech_s.clip(BUCKETS_S[0], BUCKETS_S[-1]))
    features = np.stack([pairs.score, q * pairs.score, np.ones_like(q), q])
    sign = np.where(pairs.target, 1.0, -1.0)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (w @ features)
        slope = -sign * weight / (1 + np.exp(margin.clip(-500, 500)))
        return float(weight @ np.logaddexp(0, -margin)), features @ slope

    fit = minimize(loss, np.array([1.0, 0, 0, 0]), jac=True, method="BFGS")
    slope, slope_q, offset, offset_q = (round(float(w), 5) for w in fit.x)
    return Calibration((slope, slope_q), (offset, offset_q), (BUCKETS_S[0], BUCKETS_S[-1]))


def measure_false_accepts(pairs: Pairs, calibration: Calibration) -> FalseAcceptTable:
    """Thresholds by speech and rate, for rates that rest on 20 false accepts or more."""
    llr = calibration.llr(pairs.score, pairs.speech_s, pairs.speech_s)
    buckets = range(len(BUCKETS_S))
    strangers = [np.sort(llr[(pairs.bucket == b) & ~pairs.target])[::-1] for b in buckets]
    targets = [llr[(pairs.bucket == b) & pairs.target] for b in buckets]
    rates = [far for far in RATES if far * min(map(len, strangers)) >= _STEADY]
    if not rates:
        raise TrainingError(
            "Too few pairs to measure any false-accept rate; hold out more speakers."
        )
    thresholds = [[float(s[int(far * len(s)) - 1]) for far in rates] for s in strangers]
    misses = [
        [float((t < threshold).mean()) for threshold in row]
        for t, row in zip(targets, thresholds, strict=True)
    ]
    return FalseAcceptTable(
        speech_s=list(BUCKETS_S),
        far=rates,
        thresholds=_rounded(thresholds),
        misses=_rounded(misses),
        pairs=[[len(t), len(s)] for t, s in zip(targets, strangers, strict=True)],
    )


def _rounded(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in rows]
