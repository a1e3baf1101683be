"""The cohort and the pairs that calibrate a pack, from a training corpus.

Everything is fitted on held-out speakers: they were neither trained on nor are they in the dev
trials.
"""

import numpy as np
from numpy.typing import NDArray

from voxgate.embed import Embedder
from voxgate.evaluate import calibration
from voxgate.train.cache import Corpus


def make_cohort(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], size: int, seed: int
) -> NDArray[np.float16]:
    """Centres (size, dim) of clusters of voices, one recording a speaker."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(recordings)
    _, first = np.unique(corpus.speaker[order], return_index=True)
    vectors = [embedder.embed_waveform(corpus.speech(int(r))) for r in order[first]]
    return calibration.make_cohort(np.stack(vectors), size, seed)


def make_sides(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], seed: int
) -> calibration.Sides:
    """Each recording at several lengths, and voiceprints of half a speaker's recordings."""
    return calibration.make_sides(
        embedder,
        lambda i: corpus.speech(int(recordings[i])),
        corpus.speaker[recordings],
        corpus.population[recordings],
        seed,
    )
