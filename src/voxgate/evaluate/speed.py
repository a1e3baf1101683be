"""How fast and how large a pack is."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voxgate.embed import Embedder
from voxgate.errors import TooLittleSpeechError
from voxgate.evaluate.recordings import Library
from voxgate.packs import Pack

_SAMPLE = 40  # recordings
_ROUNDS = 3  # of each the fastest counts, as other programs only ever slow it down


def size_mb(pack: Pack) -> float:
    """Megabytes (10⁶ bytes) of the pack's files."""
    return sum(len(pack.read(name)) for name in pack.sha256) / 1e6


def real_time_factor(pack: Pack, names: Sequence[str], library: Library) -> float | None:
    """Processor seconds of one thread from recording to embedding, for a second of recording.

    Measured on some of the recordings, all the way: decoding, finding the speech, the model. None
    where nothing could be embedded.
    """
    embedder = Embedder(pack)
    chosen = np.random.default_rng(0).permutation(sorted(names))[:_SAMPLE]
    spent, heard = 0.0, 0.0
    for name in chosen:
        source = library.source(str(name))
        try:
            duration_s = embedder.embed(source).quality.duration_s
            spent += min(_seconds(embedder, source) for _ in range(_ROUNDS))
        except TooLittleSpeechError:
            continue
        heard += duration_s
    return spent / heard if heard else None


def _seconds(embedder: Embedder, source: Path | bytes) -> float:
    start = time.thread_time()  # other programs do not count
    embedder.embed(source)
    return time.thread_time() - start
