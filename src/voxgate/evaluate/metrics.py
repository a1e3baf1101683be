"""Error rates of verification scores.

Everywhere: `scores` (trials,), higher means more alike; `target` (trials,) is True where both
sides are the same speaker. Trials with equal scores are decided together, so the order of trials
never matters. LLRs are natural logarithms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import ScoringError

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class ErrorRates:
    """Miss and false-accept rates for accepting the scores at or above each threshold."""

    threshold: Floats  # (points,), ascending, from accepting all; the last, +inf, rejects all
    miss: Floats  # (points,), share of targets below the threshold
    false_accept: Floats  # (points,), share of non-targets at or above it


def error_rates(scores: Floats, target: NDArray[np.bool_]) -> ErrorRates:
    """Both error rates at every threshold that makes a difference.

    Raises:
        ScoringError: no target or no non-target trial, shapes that differ, or a score that is NaN.
    """
    scores, target = np.asarray(scores, np.float64), np.asarray(target, bool)
    if scores.shape != target.shape or scores.ndim != 1:
        raise ScoringError(f"Scores {scores.shape} and labels {target.shape} do not match.")
    if np.isnan(scores).any():
        raise ScoringError(f"{int(np.isnan(scores).sum())} of the scores are NaN.")
    if target.all() or not target.any():
        raise ScoringError(
            f"{int(target.sum())} target and {int((~target).sum())} non-target trials: "
            "an error rate needs both kinds."
        )
    threshold, which = np.unique(scores, return_inverse=True)
    targets = np.bincount(which, weights=target, minlength=len(threshold))
    others = np.bincount(which, weights=~target, minlength=len(threshold))
    return ErrorRates(
        threshold=np.append(threshold, np.inf),
        miss=np.append(0, targets.cumsum()) / targets.sum(),
        false_accept=1 - np.append(0, others.cumsum()) / others.sum(),
    )


def eer(scores: Floats, target: NDArray[np.bool_]) -> float:
    """Equal error rate in [0, 1]: where the two curves cross, linear between their points."""
    rates = error_rates(scores, target)
    gap = rates.miss - rates.false_accept  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    before = after - 1
    share = gap[before] / (gap[before] - gap[after])
    return float(rates.miss[before] + share * (rates.miss[after] - rates.miss[before]))


def min_dcf(
    scores: Floats,
    target: NDArray[np.bool_],
    prior: float = 0.01,
    miss_cost: float = 1.0,
    false_accept_cost: float = 1.0,
) -> float:
    """Smallest detection cost over all thresholds (NIST SRE); 1 is as bad as not listening."""
    rates = error_rates(scores, target)
    cost = miss_cost * prior * rates.miss + false_accept_cost * (1 - prior) * rates.false_accept
    return float(cost.min() / min(miss_cost * prior, false_accept_cost * (1 - prior)))


def cllr(llrs: Floats, target: NDArray[np.bool_]) -> float:
    """Cost of LLRs in bits: 0 is perfect, 1 says nothing.

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", 2006.
    """
    llrs, target = np.asarray(llrs, np.float64), np.asarray(target, bool)
    error_rates(llrs, target)  # refuses what cannot be scored
    surprise = np.logaddexp(0, np.where(target, -llrs, llrs))
    return float((surprise[target].mean() + surprise[~target].mean()) / 2 / np.log(2))


def min_cllr(scores: Floats, target: NDArray[np.bool_]) -> float:
    """Cllr after the best monotone calibration of these very trials: isotonic regression."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  (slow to import)

    scores, target = np.asarray(scores, np.float64), np.asarray(target, bool)
    error_rates(scores, target)
    _, which = np.unique(scores, return_inverse=True)
    count = np.bincount(which)
    share = np.bincount(which, weights=target) / count
    posterior = isotonic_regression(share, weights=count).x[which]
    with np.errstate(divide="ignore"):
        odds = np.log(posterior) - np.log1p(-posterior)
    return cllr(odds - np.log(target.sum() / (~target).sum()), target)
