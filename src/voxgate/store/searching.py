"""Searching for the nearest voices of a space within the database, where it can."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from voxgate.store.entities import Nearest
from voxgate.store.rows import Rows
from voxgate.store.schema import samples
from voxgate.store.vectors import Scope, Vectors

_AT_A_TIME = 1000  # voiceprints that are opened


def nearest(
    rows: Rows, vectors: Vectors, scope: Scope, vector: NDArray[np.float32], count: int
) -> Nearest:
    """The `count` voiceprints nearest to a vector (dim,) of unit length.

    What the table of vectors says is only whom to look at: the voiceprints are the sealed ones,
    and their order is by their own cosines.
    """
    found = vectors.nearest(rows.connection, scope, vector, count)
    opened = rows.voiceprints(scope.pack, ids=found.speaker_ids)
    opened.sort(key=lambda voiceprint: float(voiceprint.vector @ vector), reverse=True)
    return Nearest(opened, found.voices)


def put_missing(rows: Rows) -> None:
    """Put in the vectors of those voiceprints of the space that have none.

    These are of a store that was made before there were vectors, or restored without them.
    """
    if rows.vectors is None:
        return
    for pack in rows.connection.execute(select(samples.c.pack).distinct()).scalars().all():
        missing = rows.vectors.missing(rows.connection, rows.space, pack)
        for number in range(0, len(missing), _AT_A_TIME):
            some = missing[number : number + _AT_A_TIME]
            ids = {name: speaker_id for speaker_id, name in some}
            for voiceprint in rows.voiceprints(pack, ids=list(ids.values())):
                speaker_id = ids[voiceprint.speaker]
                rows.vectors.put(rows.connection, rows.space, speaker_id, pack, voiceprint.vector)
