"""Divide recordings: by speaker for verification, within speakers for closed sets.

A split depends on the seed and on who is in the corpus, not on the order of its recordings.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import TrainingError
from voxgate.train.corpora.recording import Recording
from voxgate.train.data import Corpus


def by_speaker(
    recordings: Sequence[Recording], shares: Mapping[str, float], seed: int
) -> dict[str, list[Recording]]:
    """Give each part its share of the speakers of every dataset, each with all recordings.

    Args:
        recordings: of one or more datasets.
        shares: part → share of the speakers; the first part gets what rounding leaves.
        seed: of the draw.

    Raises:
        TrainingError: the shares do not add up to 1, or a part would be empty.
    """
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) <= 0:
        told = ", ".join(f"{name} {share:g}" for name, share in shares.items())
        raise TrainingError(f"The shares are {told}; they must be above 0 and add up to 1.")
    first, *others = shares
    part_of: dict[str, str] = {}
    for dataset in sorted({r.dataset for r in recordings}):
        speakers = sorted({r.speaker for r in recordings if r.dataset == dataset})
        drawn = np.random.default_rng(seed).permutation(speakers).tolist()
        for part in others:
            count = round(shares[part] * len(speakers))
            part_of.update(dict.fromkeys(drawn[:count], part))
            drawn = drawn[count:]
        part_of.update(dict.fromkeys(drawn, first))
    parts: dict[str, list[Recording]] = {part: [] for part in shares}
    for recording in recordings:
        parts[part_of[recording.speaker]].append(recording)
    for part, inside in parts.items():
        if not inside:
            raise TrainingError(
                f"No speaker falls to {part}: {shares[part]:g} of {len(part_of)} is too few; "
                "give it a larger share."
            )
    return parts


def closed_set(
    corpus: Corpus, least: int, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide the recordings of each speaker: to learn who speaks, and to test it.

    Args:
        corpus: what to divide.
        least: recordings that a speaker must have; who has fewer is left out.
        share: of each speaker's recordings that is tested on: one at least, and not all.
        seed: of the draw.

    Returns:
        Recordings to train on and to test on, sorted; every speaker is in both.

    Raises:
        TrainingError: fewer than two speakers have so many recordings, or the numbers make no
            sense.
    """
    if least < 2 or not 0 < share < 1:
        raise TrainingError(
            f"A closed set needs 2 recordings a speaker or more (not {least}), and a share of them "
            f"between 0 and 1 to test on (not {share:g})."
        )
    own: dict[int, list[int]] = defaultdict(list)
    for recording, speaker in enumerate(corpus.speaker):
        own[int(speaker)].append(recording)
    kept = {speaker: found for speaker, found in own.items() if len(found) >= least}
    if len(kept) < 2:
        raise TrainingError(
            f"Only {len(kept)} of {len(own)} speakers have {least} recordings or more; two are "
            "needed to tell apart."
        )
    rng = np.random.default_rng(seed)
    tested: list[int] = []
    for speaker in sorted(kept, key=lambda speaker: corpus.speakers[speaker]):
        found = sorted(kept[speaker], key=lambda recording: corpus.names[recording])
        count = min(len(found) - 1, max(1, round(share * len(found))))
        tested += rng.choice(found, count, replace=False).tolist()
    everything = [recording for found in kept.values() for recording in found]
    test = np.array(sorted(tested), np.int64)
    return np.setdiff1d(np.array(everything, np.int64), test), test
