"""Scores between embeddings: cosine, adaptive s-norm, likelihood ratio, thresholds, policies.

Higher always means "more alike". Embeddings have shape (n, dim) and need not be unit
length; `enrolled_s` and `probe_s` are seconds of speech on the two sides. An LLR is a
natural logarithm: 0 favours neither "same speaker" nor "different speakers". Nothing here
changes the arrays it is given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxgate.errors import ScoringError, UsageError

Floats = NDArray[np.floating[Any]]

_SMALLEST_SPREAD = 1e-6  # keeps AS-norm finite when the nearest cohort scores all agree
_BLOCK_ROWS = 4096  # embeddings scored against the cohort at a time: bounds the memory


def to_unit_length(embeddings: Floats) -> Floats:
    """Scale each embedding (..., dim) to length 1.

    Raises:
        ScoringError: an embedding is all zeros or not finite, so has no direction.
    """
    norms: Floats = np.linalg.norm(embeddings, axis=-1, keepdims=True)
    if not (np.isfinite(norms).all() and norms.all()):
        raise ScoringError("An embedding is all zeros or not finite, so it has no direction.")
    return embeddings / norms


def cosine(enrolled: Floats, probes: Floats) -> Floats:
    """Compare each enrolled embedding (n, dim) with each probe (m, dim).

    Returns:
        Cosine similarities in [-1, 1], shape (n, m).

    Raises:
        ScoringError: an embedding is all zeros or not finite, so has no direction.
    """
    scores: Floats = to_unit_length(enrolled) @ to_unit_length(probes).T
    return scores.clip(-1, 1)


class Scale(NamedTuple):
    """How the nearest unrelated voices score against each of n embeddings."""

    mean: Floats  # (n,)
    std: Floats  # (n,), above 0

    def at(self, rows: Any) -> "Scale":
        """Those of some embeddings, or of all in another shape: `rows` is what indexes an array."""
        return Scale(self.mean[rows], self.std[rows])


def normalise(cosines: Floats, enrolled: Scale, probe: Scale) -> Floats:
    """Turn cosines into AS-norm scores, given both sides' scales; shapes broadcast."""
    z_norm = (cosines - enrolled.mean) / enrolled.std
    t_norm = (cosines - probe.mean) / probe.std
    return (z_norm + t_norm) / 2


@dataclass(frozen=True, eq=False)
class Cohort:
    """Embeddings (size, dim) of unrelated voices, to judge a cosine against.

    The adaptive s-norm of Matejka et al., "Analysis of Score Normalization in Multilingual
    Speaker Recognition", Interspeech 2017.
    """

    embeddings: Floats = field(repr=False)
    nearest: int = 200  # how many of the most alike set the scale

    def __post_init__(self) -> None:
        size = len(self.embeddings)
        if not 2 <= self.nearest <= size:
            raise ScoringError(f"nearest={self.nearest} is not from 2 to {size}, the cohort size.")

    def as_norm(self, enrolled: Floats, probes: Floats) -> Floats:
        """Score (n, m) in standard deviations above the cohort, seen from both sides."""
        rows = self.scale_of(enrolled).at(np.s_[:, None])
        return normalise(cosine(enrolled, probes), rows, self.scale_of(probes))

    def scale_of(self, embeddings: Floats) -> Scale:
        """Mean and standard deviation, each (n,), of the nearest cohort scores.

        It depends on one side only, so it may be kept beside a stored voiceprint. Memory
        does not grow with the number of embeddings.
        """
        mean = np.empty(len(embeddings), embeddings.dtype)
        std = np.empty(len(embeddings), embeddings.dtype)
        for start in range(0, len(embeddings), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            scores = to_unit_length(embeddings[rows]) @ self._directions.T
            top = np.partition(scores, -self.nearest, axis=1)[:, -self.nearest :]
            mean[rows], std[rows] = top.mean(axis=1), top.std(axis=1)
        return Scale(mean, std.clip(min=_SMALLEST_SPREAD))

    @cached_property
    def _directions(self) -> Floats:
        return to_unit_length(self.embeddings)


def effective_speech_s(enrolled_s: ArrayLike, probe_s: ArrayLike) -> NDArray[np.float64]:
    """Harmonic mean of the speech on both sides, in seconds: the shorter side decides most."""
    a, b = np.asarray(enrolled_s, np.float64), np.asarray(probe_s, np.float64)
    if not (np.all(a > 0) and np.all(b > 0)):
        raise ScoringError("A side without speech cannot be scored; both need more than 0 s.")
    return np.asarray(2 / (1 / a + 1 / b))


def unevenness(
    enrolled_s: ArrayLike, probe_s: ArrayLike, held_to: tuple[float, float]
) -> NDArray[np.float64]:
    """How much less one side was heard than the other: 1/√shorter - 1/√longer, in 1/√s.

    Each side is first held to a range of seconds. What is not known of a voice shrinks with the
    root of the time it was heard for.
    """
    sides = [np.asarray(side, np.float64).clip(*held_to) ** -0.5 for side in (enrolled_s, probe_s)]
    return np.asarray(np.abs(sides[0] - sides[1]))


@dataclass(frozen=True)
class Calibration:
    """From an AS-norm score s to an LLR that knows how much speech there was on either side.

    LLR = (slope[0] + slope[1] q + slope[2] u) s + (offset[0] + offset[1] q + offset[2] u), where
    q is the natural log of the effective speech in seconds, held to the range the numbers were
    fitted on, and u the unevenness of the sides. Without a third number, u does not count.
    """

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    speech_s: tuple[float, float]  # shortest and longest speech it was fitted on

    def __post_init__(self) -> None:
        shortest, longest = self.speech_s
        if not 0 < shortest < longest < math.inf:
            raise ScoringError(f"Calibration speech_s {self.speech_s} is not a range above 0 s.")
        for name, numbers in (("slope", self.slope), ("offset", self.offset)):
            if len(numbers) not in (2, 3) or not np.isfinite(numbers).all():
                raise ScoringError(
                    f"Calibration {name} {numbers} must be two or three finite numbers."
                )
        side = np.geomspace(shortest, longest)
        if _weighed(self.slope, speech_basis(side[:, None], side, self.speech_s)).min() <= 0:
            raise ScoringError(
                f"Calibration slope {self.slope} lets the LLR fall as the score rises "
                f"somewhere between {shortest} s and {longest} s of speech."
            )

    def llr(self, scores: ArrayLike, enrolled_s: ArrayLike, probe_s: ArrayLike) -> Floats:
        """Weigh "same speaker" against "different speakers"; shapes broadcast."""
        basis = speech_basis(enrolled_s, probe_s, self.speech_s)
        slope, offset = _weighed(self.slope, basis), _weighed(self.offset, basis)
        return np.asarray(slope * np.asarray(scores) + offset)


SpeechBasis = tuple[NDArray[np.float64], ...]


def speech_basis(
    enrolled_s: ArrayLike, probe_s: ArrayLike, speech_s: tuple[float, float]
) -> SpeechBasis:
    """What a calibration fitted on this range of speech goes by: 1, q and u."""
    q = np.log(effective_speech_s(enrolled_s, probe_s).clip(*speech_s))
    return np.ones_like(q), q, unevenness(enrolled_s, probe_s, speech_s)


def _weighed(numbers: tuple[float, ...], basis: SpeechBasis) -> NDArray[np.float64]:
    """What a slope's or an offset's numbers come to; those that are missing do not count."""
    return np.asarray(sum(n * b for n, b in zip(numbers, basis, strict=False)))


class Threshold(NamedTuple):
    """The LLR from which on to accept."""

    llr: float
    extrapolated: bool = False  # it lies beyond what was measured, so it is a careful guess


class StrangerRate(NamedTuple):
    """How often somebody else's voice scores at least so high."""

    value: float
    bound: Literal["about", "below", "above"]  # below the smallest, above the largest measured


@dataclass(frozen=True)
class FalseAcceptTable:
    """What LLR a false-accept rate takes, measured on pairs of different people.

    Rows go with `speech_s` (effective seconds, rising), columns with `far` (falling). At
    `thresholds[i][j]`, a share `far[j]` of the pairs of different people scored as high or
    higher, and a share `misses[i][j]` of the pairs of one person scored lower. `pairs[i]`
    counts what was measured: (of one person, of different people).
    """

    speech_s: Sequence[float]
    far: Sequence[float]
    thresholds: Sequence[Sequence[float]]
    misses: Sequence[Sequence[float]]
    pairs: Sequence[Sequence[int]]

    def __post_init__(self) -> None:
        speech, far = np.asarray(self.speech_s, float), np.asarray(self.far, float)
        if not (speech.size and speech.min() > 0 and (np.diff(speech) > 0).all()):
            raise ScoringError("False-accept table: speech_s must rise and be above 0 s.")
        if not (far.size and far.min() > 0 and far.max() < 1 and (np.diff(far) < 0).all()):
            raise ScoringError("False-accept table: far must fall and lie between 0 and 1.")
        thresholds = _matrix("thresholds", self.thresholds, (speech.size, far.size))
        misses = _matrix("misses", self.misses, (speech.size, far.size))
        pairs = _matrix("pairs", self.pairs, (speech.size, 2))
        if (np.diff(thresholds, axis=1) < 0).any():
            raise ScoringError("False-accept table: a smaller far has a lower threshold.")
        if misses.min() < 0 or misses.max() > 1 or (np.diff(misses, axis=1) < 0).any():
            raise ScoringError("False-accept table: misses must rise with the threshold, 0 to 1.")
        if pairs.min() < 1:
            raise ScoringError("False-accept table: a speech_s was measured on no pairs.")

    def threshold(self, far: float, enrolled_s: float, probe_s: float) -> Threshold:
        """LLR from which on to accept, for false accepts to be as rare as `far`.

        Measured, with straight lines in log(far) and log(seconds). Speech outside the
        measured range counts as its nearest end. Beyond the measured rates the LLR changes
        one for one with log(far); for rarer ones it is also at least -log(far), because a
        calibrated LLR exceeds t between different people with probability e^-t at most.
        """
        if not 0 < far < 1:
            raise ScoringError(f"far={far} is not strictly between 0 and 1.")
        row, rates = self._row(self.thresholds, enrolled_s, probe_s), np.asarray(self.far)
        if far > rates[0]:
            return Threshold(float(row[0] + math.log(rates[0] / far)), extrapolated=True)
        if far < rates[-1]:
            onward = float(row[-1] + math.log(rates[-1] / far))
            return Threshold(max(onward, -math.log(far)), extrapolated=True)
        return Threshold(float(np.interp(-math.log(far), -np.log(rates), row)))

    def stranger_rate(self, llr: float, enrolled_s: float, probe_s: float) -> StrangerRate:
        """How often a pair of different people scores this LLR or higher."""
        row, rates = self._row(self.thresholds, enrolled_s, probe_s), np.asarray(self.far)
        if llr < row[0]:
            return StrangerRate(float(rates[0]), "above")
        if llr > row[-1]:
            return StrangerRate(float(rates[-1]), "below")
        rate = np.exp(np.interp(llr, row, np.log(rates))).clip(rates[-1], rates[0])
        return StrangerRate(float(rate), "about")

    def miss_rate(self, llr: float, enrolled_s: float, probe_s: float) -> float:
        """Share of true matches refused at this threshold; its nearest end beyond the table."""
        row = self._row(self.thresholds, enrolled_s, probe_s)
        return float(np.interp(llr, row, self._row(self.misses, enrolled_s, probe_s)))

    def _row(self, table: Sequence[Sequence[float]], enrolled_s: float, probe_s: float) -> Floats:
        """The row (rates,) for this much speech, between the measured ones."""
        q, known = np.log(effective_speech_s(enrolled_s, probe_s)), np.log(self.speech_s)
        return np.array([np.interp(q, known, column) for column in np.asarray(table).T])


def accept_above(prior: float, miss_cost: float = 1.0, false_accept_cost: float = 1.0) -> float:
    """LLR above which accepting costs less than refusing, for a target prior in (0, 1)."""
    if not 0 < prior < 1:
        raise ScoringError(f"prior={prior} is not strictly between 0 and 1.")
    if not (0 < miss_cost < math.inf and 0 < false_accept_cost < math.inf):
        raise ScoringError(f"Costs {miss_cost} and {false_accept_cost} must be above 0.")
    return math.log(false_accept_cost * (1 - prior)) - math.log(miss_cost * prior)


class Policy(Protocol):
    """What a user asks of a decision; the threshold follows from it."""

    def threshold(
        self, table: FalseAcceptTable, enrolled_s: float, probe_s: float, candidates: int = 1
    ) -> Threshold:
        """LLR from which on to accept the best of `candidates` enrolled voices."""

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON-ready facts; `kind` names it."""

    def __str__(self) -> str:
        """A few words that finish the phrase "the threshold for ..."."""


@dataclass(frozen=True)
class FalseAcceptRate:
    """Accept a stranger at most this often: per claim, or per whole search in 1:N."""

    far: float = 1e-2

    def __post_init__(self) -> None:
        if not 0 < self.far < 1:
            raise UsageError(f"A false-accept rate of {self.far} is not strictly between 0 and 1.")

    def threshold(
        self, table: FalseAcceptTable, enrolled_s: float, probe_s: float, candidates: int = 1
    ) -> Threshold:
        """LLR from which on to accept, taking the comparisons of a search as independent."""
        each = -math.expm1(math.log1p(-self.far) / candidates)  # 1 - (1 - far)^(1 / candidates)
        return table.threshold(each, enrolled_s, probe_s)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "false_accept_rate", "far": self.far}

    def __str__(self) -> str:
        return f"a false-accept rate of {100 * self.far:.4g} %"


@dataclass(frozen=True)
class Costs:
    """Accept where that is the cheaper mistake on average.

    `prior` is the probability that the claim is true; in 1:N, that the voice is one of the
    enrolled, whichever.
    """

    prior: float = 0.5
    miss_cost: float = 1.0
    false_accept_cost: float = 1.0

    def __post_init__(self) -> None:
        try:
            accept_above(self.prior, self.miss_cost, self.false_accept_cost)
        except ScoringError as error:
            raise UsageError(str(error)) from error

    def threshold(
        self, table: FalseAcceptTable, enrolled_s: float, probe_s: float, candidates: int = 1
    ) -> Threshold:
        """LLR from which on accepting is cheaper (Bayes); needs no table."""
        del table, enrolled_s, probe_s  # a calibrated LLR already accounts for them
        alone = accept_above(self.prior, self.miss_cost, self.false_accept_cost)
        return Threshold(alone + math.log(candidates))  # each candidate has prior / candidates

    def to_dict(self) -> dict[str, Any]:
        costs = {"miss_cost": self.miss_cost, "false_accept_cost": self.false_accept_cost}
        return {"kind": "costs", "prior": self.prior, **costs}

    def __str__(self) -> str:
        return (
            f"a prior of {self.prior:g}, a miss costing {self.miss_cost:g} "
            f"and a false accept {self.false_accept_cost:g}"
        )


DEFAULT_POLICY = FalseAcceptRate(1e-2)


def _matrix(name: str, rows: Sequence[Sequence[float]], shape: tuple[int, int]) -> Floats:
    """The rows as an array of that shape, or a ScoringError that says what is wrong."""
    lengths = [len(row) for row in rows]
    if lengths != [shape[1]] * shape[0]:
        raise ScoringError(
            f"False-accept table: {name} has rows of {lengths} numbers; "
            f"{shape[0]} rows of {shape[1]} are needed."
        )
    values = np.asarray(rows, dtype=float)
    if not np.isfinite(values).all():
        raise ScoringError(f"False-accept table: {name} holds a number that is not finite.")
    return values
