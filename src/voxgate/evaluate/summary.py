"""From scores to figures: those of a list of trials, and those that go into a pack."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from voxgate.evaluate.bootstrap import Interval, SpeakerBootstrap
from voxgate.evaluate.metrics import (
    Floats,
    accuracy,
    act_dcf,
    best_accuracy,
    cllr,
    eer,
    error_rates,
    min_cllr,
    min_dcf,
    pair_accuracy,
)
from voxgate.evaluate.trials import Scores

PRIORS = (0.05, 0.01, 0.001)  # of the detection costs, as in NIST SRE and VoxSRC


@dataclass(frozen=True)
class ByKind:
    """What one kind of score achieves: with and without AS-norm, and calibrated."""

    eer: float
    eer_95: Interval | None
    min_dcf: dict[str, float]  # prior -> cost


@dataclass(frozen=True)
class Figures:
    """How well a system does on some trials. Rates are in [0, 1].

    What needs an LLR is None for a system that has none, and what needs a threshold for one that
    brings none. EER, minimum costs and best accuracies are of what the system decides on.
    """

    trials: int
    targets: int
    speakers: int
    eer: float
    eer_95: Interval | None  # by speaker; None with too few of them
    min_dcf: dict[str, float]  # prior -> cost
    act_dcf: dict[str, float] | None
    cllr: float | None
    min_cllr: float
    false_accept: float | None  # at the system's own threshold
    miss: float | None
    accuracy: float | None
    best_accuracy: float
    balanced_accuracy: float | None  # on balanced pairs, at the system's own threshold
    pair_accuracy: float  # on balanced pairs, at the best threshold
    by_kind: dict[str, ByKind]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    scores: Scores,
    bootstrap: SpeakerBootstrap | None = None,
    thresholds: Floats | None = None,
    *,
    every_kind: bool = True,
) -> Figures:
    """The figures of some trials.

    Args:
        scores: what the system says.
        bootstrap: draws their speakers anew, for the intervals; none without it.
        thresholds: (trials,) from which LLR on the system accepts, by its own default policy.
        every_kind: give the intervals of all kinds of scores, not only of the deciding one.

    Raises:
        ScoringError: there are not both kinds of trials, or a score is NaN.
    """
    target, deciding = scores.trials.target, scores.deciding
    llr = scores.by_kind.get("llr")
    by_kind = {
        kind: _of_kind(
            values, scores, bootstrap if every_kind or values is scores.deciding else None
        )
        for kind, values in scores.by_kind.items()
    }
    own = by_kind[scores.deciding_kind]
    at_threshold: tuple[float | None, ...] = (None, None, None, None)
    if llr is not None and thresholds is not None:
        miss = float((llr < thresholds)[target].mean())
        false_accept = float((llr >= thresholds)[~target].mean())
        whole = accuracy(llr, target, thresholds)
        at_threshold = (false_accept, miss, whole, 1 - (miss + false_accept) / 2)
    return Figures(
        trials=len(target),
        targets=int(target.sum()),
        speakers=bootstrap.speakers if bootstrap else 0,
        eer=own.eer,
        eer_95=own.eer_95,
        min_dcf=own.min_dcf,
        act_dcf=None if llr is None else {f"{p:g}": act_dcf(llr, target, p) for p in PRIORS},
        cllr=None if llr is None else cllr(llr, target),
        min_cllr=min_cllr(deciding, target),
        false_accept=at_threshold[0],
        miss=at_threshold[1],
        accuracy=at_threshold[2],
        best_accuracy=best_accuracy(deciding, target),
        balanced_accuracy=at_threshold[3],
        pair_accuracy=pair_accuracy(deciding, target),
        by_kind=by_kind,
    )


def _of_kind(values: Floats, scores: Scores, bootstrap: SpeakerBootstrap | None) -> ByKind:
    rates = error_rates(values, scores.trials.target)
    return ByKind(
        rates.eer(),
        bootstrap.eer(values) if bootstrap else None,
        {f"{prior:g}": float(rates.dcf(prior).min()) for prior in PRIORS},
    )


def summarise(scores: Scores) -> dict[str, float]:
    """What pack.toml says of some trials; rates in %, of the LLR where nothing else is said."""
    target = scores.trials.target
    strangers = np.sort(scores.llr[~target])
    threshold = strangers[-max(1, len(strangers) // 100)]
    return {
        "trials": len(target),
        "eer_cosine": round(100 * eer(scores.cosine, target), 2),
        "eer_as_norm": round(100 * eer(scores.as_norm, target), 2),
        "eer": round(100 * eer(scores.llr, target), 2),
        "min_dcf_0.01": round(min_dcf(scores.llr, target), 3),
        "cllr": round(cllr(scores.llr, target), 3),
        "min_cllr": round(min_cllr(scores.llr, target), 3),
        "miss_at_far_0.01": round(100 * float((scores.llr[target] <= threshold).mean()), 1),
    }
