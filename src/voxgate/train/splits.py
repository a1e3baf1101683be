"""Divide recordings by speaker: nobody is on two sides."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.corpora import Recording


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


def training_and_held_out(
    corpus: Corpus, datasets: Sequence[str], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Recordings to train on, and those of held-out speakers, of some datasets or all.

    Who is held out does not depend on the datasets chosen, so that systems can be compared.

    Raises:
        TrainingError: a dataset is not in the corpus.
    """
    unknown = sorted(set(datasets) - set(corpus.datasets))
    if unknown:
        raise TrainingError(
            f"There is no dataset {unknown[0]!r} in the corpus; it has "
            f"{', '.join(corpus.datasets)}."
        )
    wanted = np.array([not datasets or name in datasets for name in corpus.datasets])
    inside = np.flatnonzero(wanted[corpus.dataset])
    kept_away = np.isin(inside, corpus.only(hold_out(corpus, share, seed)))
    return inside[~kept_away], inside[kept_away]


def hold_out(corpus: Corpus, share: float, seed: int) -> list[str]:
    """Speakers to keep from training: `share` of each dataset's with 2 recordings or more."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(corpus.speaker, minlength=len(corpus.speakers))
    chosen: list[str] = []
    for number in range(len(corpus.datasets)):
        inside = set(corpus.speaker[corpus.dataset == number].tolist())
        names = [
            name
            for speaker, name in enumerate(corpus.speakers)
            if counts[speaker] >= 2 and speaker in inside
        ]
        chosen += rng.choice(names, size=round(share * len(names)), replace=False).tolist()
    return sorted(chosen)
