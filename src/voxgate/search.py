"""One voice among many: every enrolled voice compared with a probe at once, exactly.

The enrolled embeddings lie in one matrix, so that a search reads memory once from one end to
the other and costs little more than that.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import ScoringError
from voxgate.scoring import Cohort, Floats, Scale, to_unit_length
from voxgate.store import Voiceprint


class Gallery:
    """The enrolled voices of one pack, in the order of their names.

    Attributes:
        names: of the speakers.
        matrix: their embeddings, (n, dim) float32, unit length, one after the other.
        speech_s: seconds of speech that each was enrolled with, (n,).
    """

    def __init__(
        self, voiceprints: Sequence[Voiceprint], cohort: Cohort | None = None, *, threads: int = 1
    ) -> None:
        ordered = sorted(voiceprints, key=lambda voiceprint: voiceprint.speaker)
        self.names = [voiceprint.speaker for voiceprint in ordered]
        self.speech_s = np.array([voiceprint.speech_s for voiceprint in ordered])
        vectors = [voiceprint.vector for voiceprint in ordered]
        self.matrix = np.stack(vectors) if vectors else np.empty((0, 0), np.float32)
        self._cohort = cohort
        self._threads = threads

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def scale(self) -> Scale:
        """How unrelated voices score against each enrolled one; worked out once."""
        if self._cohort is None:
            raise ScoringError("This gallery has no cohort, so its cosines cannot be normalised.")
        return self._cohort.scale_of(self.matrix)

    def cosines(self, probe: Floats) -> NDArray[np.float32]:
        """Compare a probe (dim,) with every voice.

        Two voices with the same embedding get the same cosine, bit for bit, wherever they are.

        Returns:
            Cosine similarities in [-1, 1], shape (n,).

        Raises:
            ScoringError: the probe has no direction, or another dimension than the voices.
        """
        if not len(self):
            return np.empty(0, np.float32)
        dim = self.matrix.shape[1]
        if probe.shape != (dim,):
            raise ScoringError(f"The probe has shape {probe.shape}, but the voices have ({dim},).")
        direction = to_unit_length(probe.astype(np.float32))
        found = np.empty(len(self), np.float32)

        def compare(rows: slice) -> None:
            # einsum and not @: BLAS (sgemv) is slower than memory here, see benchmarks/search.py.
            np.einsum("ij,j->i", self.matrix[rows], direction, out=found[rows])

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(compare, _parts(len(self), self._threads)))
        return found.clip(-1, 1, out=found)

    def only(self, names: Collection[str]) -> "Gallery":
        """Those of the voices whose names are among these."""
        wanted = set(names)
        rows = [row for row, name in enumerate(self.names) if name in wanted]
        part = Gallery((), self._cohort, threads=self._threads)
        part.names = [self.names[row] for row in rows]
        part.matrix, part.speech_s = self.matrix[rows], self.speech_s[rows]
        return part

    def top(self, probe: Floats, k: int) -> list[tuple[str, float]]:
        """The k voices with the highest cosine, best first, ties by name: (name, cosine)."""
        cosines = self.cosines(probe)
        return [(self.names[i], float(cosines[i])) for i in largest(cosines, k)]


def largest(scores: Floats, k: int) -> NDArray[np.intp]:
    """Positions of the k largest of scores (n,), largest first, ties by position.

    With fewer than k scores there are all of them.
    """
    k = min(k, len(scores))
    if k < 1:
        return np.empty(0, np.intp)
    least = np.partition(scores, -k)[-k]
    candidates = np.flatnonzero(scores >= least)  # more than k where the last ones are tied
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def _parts(count: int, parts: int) -> list[slice]:
    """The range of `count` in so many slices of about one size."""
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]
