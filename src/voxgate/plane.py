"""Voices on a plane: as near to each other as their embeddings allow."""

import numpy as np
from numpy.typing import NDArray

from voxgate.scoring import Floats, to_unit_length


def to_plane(embeddings: Floats) -> NDArray[np.float64]:
    """Places (n, 2) for embeddings (n, dim): their first two principal components.

    Distances on the plane are never larger than between the embeddings, and much is lost: two
    voices that lie together may differ in what the plane does not show. The signs are
    chosen so that the largest coordinate of each component is positive.
    """
    directions = to_unit_length(np.asarray(embeddings, np.float64))
    centred = directions - directions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(centred), 2))
    found = centred @ axes[:2].T
    places[:, : found.shape[1]] = found
    largest = places[np.abs(places).argmax(axis=0), [0, 1]]
    return places * np.where(largest < 0, -1.0, 1.0)
