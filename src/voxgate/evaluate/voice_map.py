"""A map of voices: embeddings of some speakers in two dimensions, speakers as mere numbers.

Principal components to at most 50 dimensions, then t-SNE (van der Maaten and Hinton, "Visualizing
data using t-SNE", 2008) on unit vectors: near points are alike, but how far apart two groups lie
says nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxgate.evaluate.embeddings import Embeddings
from voxgate.extras import need

MOST_SPEAKERS, MOST_RECORDINGS = 16, 12
_LEAST_POINTS = 12
_DIMENSIONS, _PERPLEXITY = 50, 15.0


class Point(NamedTuple):
    """A recording on the map."""

    x: float  # from 0 to 1
    y: float
    speaker: int  # from 1; says nothing of who it is


def voice_map(
    embeddings: Embeddings, speaker: NDArray[np.int64], *, seed: int = 0
) -> tuple[Point, ...]:
    """Draw a map of the speakers, numbered in `speaker` (recordings,), with the most recordings.

    Nothing with fewer than 12 recordings.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    rng = np.random.default_rng(seed)
    rows, numbers = _some(speaker, rng)
    if len(rows) < _LEAST_POINTS:
        return ()
    vectors = embeddings.vectors[rows].astype(np.float64)
    dimensions = min(_DIMENSIONS, len(rows) - 1, vectors.shape[1])
    reduced = need("sklearn.decomposition", "evaluate").PCA(dimensions, random_state=seed)
    tsne = need("sklearn.manifold", "evaluate").TSNE(
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3), init="pca", random_state=seed
    )
    places = tsne.fit_transform(reduced.fit_transform(vectors))
    low, high = places.min(axis=0), places.max(axis=0)
    unit = (places - low) / np.maximum(high - low, 1e-9)
    return tuple(
        Point(round(float(x), 4), round(float(y), 4), int(number))
        for (x, y), number in zip(unit, numbers, strict=True)
    )


def _some(
    speaker: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of some recordings, and their speakers' numbers from 1, dealt out by chance."""
    names, counts = np.unique(speaker, return_counts=True)
    shuffled = rng.permutation(len(names))
    most = shuffled[np.argsort(-counts[shuffled].clip(max=MOST_RECORDINGS), kind="stable")]
    rows = [
        rng.permutation(np.flatnonzero(speaker == names[i]))[:MOST_RECORDINGS]
        for i in most[:MOST_SPEAKERS]
    ]
    numbers = rng.permutation(len(rows)) + 1
    return np.concatenate(rows), np.repeat(numbers, [len(own) for own in rows])
