"""Learning rate over a run, as a share of its peak. `progress` is how much of it lies behind."""

import math
from collections.abc import Callable

_LEAST = 1e-3


def one_cycle(progress: float, warm_up: float) -> float:
    """Up in a straight line for the share `warm_up` of the run, then down along a cosine.

    Smith and Topin, "Super-convergence" (arXiv:1708.07120), with the momentum left alone.
    """
    if progress < warm_up:
        return progress / warm_up + _LEAST
    return cosine((progress - warm_up) / (1 - warm_up), 0)


def cosine(progress: float, warm_up: float) -> float:
    """Down along half a cosine from the start (Loshchilov and Hutter, arXiv:1608.03983)."""
    del warm_up
    return 0.5 * (1 + math.cos(math.pi * progress)) + _LEAST


def constant(progress: float, warm_up: float) -> float:
    """Up in a straight line for the share `warm_up` of the run, then as high to its end.

    With a last phase that falls to 0 (`fine_tune`) this is warm-up, stable, decay (Hu et al.,
    arXiv:2404.06395): a run can be given more steps after all.
    """
    return min(1.0, progress / warm_up + _LEAST) if warm_up else 1.0


SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
    "constant": constant,
}
