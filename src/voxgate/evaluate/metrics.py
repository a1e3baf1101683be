"""Error rates of verification scores.

Everywhere: `scores` (trials,), higher means more alike; `target` (trials,) is True where both
sides are the same speaker; `weight` (trials,) counts a trial as so many, once if None. Trials with
equal scores are decided together, so the order of trials never matters. LLRs are natural
logarithms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import ScoringError
from voxgate.extras import need
from voxgate.scoring import accept_above

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ErrorRates:
    """Miss and false-accept rates for accepting the scores at or above each threshold."""

    threshold: Floats  # (points,), ascending, from accepting all; the last, +inf, rejects all
    miss: Floats  # (points,), share of targets below the threshold
    false_accept: Floats  # (points,), share of non-targets at or above it

    def eer(self) -> float:
        """Equal error rate: where the two curves cross, linear between their points."""
        gap = self.miss - self.false_accept  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        before = after - 1
        share = gap[before] / (gap[before] - gap[after])
        return float(self.miss[before] + share * (self.miss[after] - self.miss[before]))

    def dcf(self, prior: float, miss_cost: float = 1.0, false_accept_cost: float = 1.0) -> Floats:
        """Detection cost (points,) at each threshold; 1 is as bad as not listening."""
        of_misses, of_others = miss_cost * prior, false_accept_cost * (1 - prior)
        cost = of_misses * self.miss + of_others * self.false_accept
        return np.asarray(cost / min(of_misses, of_others))

    def miss_at(self, false_accept: float) -> float:
        """Smallest share of targets missed where no more than this share of others is accepted."""
        return float(self.miss[self.false_accept <= false_accept + 1e-12].min())


class Ranked:
    """Scores put in order once, for error rates under many weights."""

    def __init__(self, scores: Floats, target: Bools) -> None:
        """Put the trials in order.

        Raises:
            ScoringError: no target or no non-target trial, shapes that differ, or a NaN score.
        """
        scores, target = _checked(scores, target)
        self._threshold, which = np.unique(scores, return_inverse=True)
        self._rows = np.flatnonzero(target), np.flatnonzero(~target)
        self._which = tuple(which[rows] for rows in self._rows)

    def rates(self, weight: Floats | None = None) -> ErrorRates:
        """Both error rates at every threshold that makes a difference.

        Raises:
            ScoringError: all targets, or all non-targets, weigh nothing.
        """
        size = len(self._threshold)
        weights = (None if weight is None else weight[rows] for rows in self._rows)
        targets, others = map(np.bincount, self._which, weights, (size, size))
        missed, rejected = targets.cumsum(), others.cumsum()
        if not (missed[-1] > 0 and rejected[-1] > 0):
            raise ScoringError("All trials of one kind weigh nothing; both kinds are needed.")
        return ErrorRates(
            threshold=np.append(self._threshold, np.inf),
            miss=np.append(0, missed) / missed[-1],
            false_accept=1 - np.append(0, rejected) / rejected[-1],
        )


def error_rates(scores: Floats, target: Bools, weight: Floats | None = None) -> ErrorRates:
    """Both error rates at every threshold that makes a difference.

    Raises:
        ScoringError: no target or no non-target trial, shapes that differ, or a score that is NaN.
    """
    return Ranked(scores, target).rates(weight)


def eer(scores: Floats, target: Bools, weight: Floats | None = None) -> float:
    """Equal error rate in [0, 1]: where the two curves cross, linear between their points."""
    return error_rates(scores, target, weight).eer()


def min_dcf(
    scores: Floats,
    target: Bools,
    prior: float = 0.01,
    miss_cost: float = 1.0,
    false_accept_cost: float = 1.0,
) -> float:
    """Smallest detection cost over all thresholds (NIST SRE); 1 is as bad as not listening."""
    return float(error_rates(scores, target).dcf(prior, miss_cost, false_accept_cost).min())


def act_dcf(
    llrs: Floats,
    target: Bools,
    prior: float = 0.01,
    miss_cost: float = 1.0,
    false_accept_cost: float = 1.0,
) -> float:
    """Detection cost at the threshold that would be best if the LLRs were right (Bayes).

    It is `min_dcf` for perfect calibration; what is above that is lost by the calibration. It may
    be greater than 1: worse than not listening.
    """
    rates = error_rates(llrs, target)
    at = np.searchsorted(rates.threshold, accept_above(prior, miss_cost, false_accept_cost))
    return float(rates.dcf(prior, miss_cost, false_accept_cost)[at])


def cllr(llrs: Floats, target: Bools, weight: Floats | None = None) -> float:
    """Cost of LLRs in bits: 0 is perfect, 1 says nothing.

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", 2006.
    """
    llrs, target = _checked(llrs, target)
    surprise = np.logaddexp(0, np.where(target, -llrs, llrs))
    kinds = [
        np.average(surprise[kind], weights=None if weight is None else weight[kind])
        for kind in (target, ~target)
    ]
    return float(sum(kinds) / 2 / np.log(2))


def min_cllr(scores: Floats, target: Bools) -> float:
    """Cllr after the best monotone calibration of these very trials: isotonic regression.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    isotonic_regression = need("scipy.optimize", "evaluate").isotonic_regression
    scores, target = _checked(scores, target)
    _, which = np.unique(scores, return_inverse=True)
    count = np.bincount(which)
    share = np.bincount(which, weights=target) / count
    posterior = isotonic_regression(share, weights=count).x[which]
    with np.errstate(divide="ignore"):
        odds = np.log(posterior) - np.log1p(-posterior)
    return cllr(odds - np.log(target.sum() / (~target).sum()), target)


def accuracy(scores: Floats, target: Bools, threshold: Floats | float) -> float:
    """Share of trials decided rightly by accepting the scores at or above the threshold."""
    scores, target = _checked(scores, target)
    return float(((scores >= threshold) == target).mean())


def best_accuracy(scores: Floats, target: Bools) -> float:
    """Greatest accuracy over all thresholds, chosen on these very trials."""
    rates, share = error_rates(scores, target), float(np.mean(target))
    return float((1 - share * rates.miss - (1 - share) * rates.false_accept).max())


def balanced_accuracy(scores: Floats, target: Bools, threshold: Floats | float) -> float:
    """Accuracy at the threshold where targets as a whole count as much as non-targets."""
    scores, target = _checked(scores, target)
    right = (scores >= threshold) == target
    return float((right[target].mean() + right[~target].mean()) / 2)


def pair_accuracy(scores: Floats, target: Bools) -> float:
    """Greatest accuracy over all thresholds on balanced pairs, as the pair literature reports it.

    Instead of drawing as many pairs of one kind as there are of the other, which depends on the
    draw, each kind as a whole counts one half: what all such draws give on average.
    """
    rates = error_rates(scores, target)
    return float(1 - ((rates.miss + rates.false_accept) / 2).min())


@dataclass(frozen=True, eq=False)
class BayesError:
    """Normalised Bayes error rates over priors; 1 is as bad as not listening."""

    prior_log_odds: Floats  # (points,), natural logarithm
    actual: Floats  # (points,), at the Bayes threshold
    minimum: Floats  # (points,), at the best threshold for each


def bayes_error(llrs: Floats, target: Bools, prior_log_odds: Floats) -> BayesError:
    """The normalised Bayes error-rate plot (Brümmer and de Villiers, "The BOSARIS Toolkit", 2013).

    At each prior, both error rates weighed by it, divided by the error of not listening.
    """
    rates = error_rates(llrs, target)
    odds = np.asarray(prior_log_odds, np.float64)
    prior = 1 / (1 + np.exp(-odds))
    at = np.searchsorted(rates.threshold, -odds)
    idle = np.minimum(prior, 1 - prior)
    actual = prior * rates.miss[at] + (1 - prior) * rates.false_accept[at]
    minimum = [rates.dcf(float(p)).min() for p in prior]
    return BayesError(odds, actual / idle, np.array(minimum))


def _checked(scores: Floats, target: Bools) -> tuple[NDArray[np.float64], Bools]:
    """Scores and labels as arrays that can be scored."""
    scores, target = np.asarray(scores, dtype=np.float64), np.asarray(target, dtype=bool)
    if scores.shape != target.shape or scores.ndim != 1:
        raise ScoringError(f"Scores {scores.shape} and labels {target.shape} do not match.")
    if np.isnan(scores).any():
        raise ScoringError(f"{int(np.isnan(scores).sum())} of the scores are NaN.")
    if target.all() or not target.any():
        raise ScoringError(
            f"{int(target.sum())} target and {int((~target).sum())} non-target trials: "
            "an error rate needs both kinds."
        )
    return np.asarray(scores, np.float64), target
