"""How far a figure may be trusted: intervals from drawing the speakers anew.

Trials that share a speaker go right or wrong together, so drawing trials anew would make an
interval far too narrow. Speakers are drawn with replacement, as many as there are. A speaker drawn
m times brings m times their own target trials; a non-target trial counts once for each pairing of
its two speakers' copies. See Bolle, Ratha and Pankanti, "Error analysis of pattern recognition
systems: the subsets bootstrap", 2004.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import ScoringError
from voxgate.evaluate.metrics import Bools, Floats, Ranked

RESAMPLES = 1000
_LEAST_SPEAKERS = 3  # with two, every draw is one of three


class Interval(NamedTuple):
    """Where the figure lies with 95 % confidence."""

    low: float
    high: float


class SpeakerBootstrap:
    """Draws the speakers of a list of trials anew, always in the same way."""

    def __init__(
        self,
        enrolled: NDArray[np.int64],
        probe: NDArray[np.int64],
        target: Bools,
        *,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> None:
        """Take the speakers, as numbers (trials,), on both sides of each trial."""
        both = np.unique(np.concatenate([enrolled, probe]), return_inverse=True)
        self.speakers = len(both[0])
        self._enrolled, self._probe = np.split(both[1], 2)
        self._target = target
        self._resamples, self._seed = resamples, seed

    def weights(self) -> Iterator[Floats]:
        """For each draw, how often every trial (trials,) counts."""
        rng = np.random.default_rng(self._seed)
        for _ in range(self._resamples):
            drawn = rng.integers(self.speakers, size=self.speakers)
            copies = np.bincount(drawn, minlength=self.speakers).astype(np.float64)
            once = copies[self._enrolled]
            yield np.where(self._target, once, once * copies[self._probe])

    def interval(self, figure: Callable[[Floats], float]) -> Interval | None:
        """95 % interval of what `figure` gives for each draw's weights; None if it has none.

        Draws in which the figure is not defined, for want of one kind of trial, are left out.
        """
        if self.speakers < _LEAST_SPEAKERS:
            return None
        values = []
        for weight in self.weights():
            try:
                values.append(figure(weight))
            except ScoringError:
                continue
        if len(values) < self._resamples / 2:
            return None
        low, high = np.percentile(values, [2.5, 97.5])
        return Interval(float(low), float(high))

    def eer(self, scores: Floats) -> Interval | None:
        """95 % interval of the equal error rate."""
        ranked = Ranked(scores, self._target)
        return self.interval(lambda weight: ranked.rates(weight).eer())
