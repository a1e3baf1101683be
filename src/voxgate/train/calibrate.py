"""The cohort and the pairs that calibrate a pack, from a training corpus.

Everything is fitted on held-out speakers: they were neither trained on nor are they in the dev
trials.
"""

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Waveform
from voxgate.embed import Embedder
from voxgate.evaluate import calibration
from voxgate.train.augment import Augmenter
from voxgate.train.cache import Corpus

_LEAST_COHORT = 2  # centres; of fewer speakers than make so many, each is one


def make_cohort(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], size: int, seed: int
) -> NDArray[np.float16]:
    """Centres (n, dim) of clusters of voices, up to `size` of each dataset.

    One recording of each speaker counts, and a cluster has two speakers or more in the mean. Apart
    for each dataset: a kind of recording with few speakers would have no centre of its own, and
    strangers recorded so would seem alike.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(recordings)
    _, first = np.unique(corpus.speaker[order], return_index=True)
    chosen = order[first]
    vectors = np.stack([embedder.embed_waveform(corpus.speech(int(r))) for r in chosen])
    by_dataset = [vectors[corpus.dataset[chosen] == d] for d in np.unique(corpus.dataset[chosen])]
    sizes = [min(size, len(voices) // 2) for voices in by_dataset]
    if sum(sizes) < _LEAST_COHORT:
        return calibration.make_cohort(vectors, min(size, len(vectors)), seed)
    return np.concatenate(
        [
            calibration.make_cohort(voices, centres, seed)
            for voices, centres in zip(by_dataset, sizes, strict=True)
            if centres
        ]
    )


def make_sides(
    embedder: Embedder,
    corpus: Corpus,
    recordings: NDArray[np.int64],
    augment: Augmenter,
    seed: int,
) -> calibration.Sides:
    """Each recording at several lengths, and voiceprints of half a speaker's recordings.

    All of it twice: as recorded, and as if recorded elsewhere. Most speakers of a corpus were
    recorded once, so that its own pairs of one speaker are alike in more than the voice.
    """

    def as_recorded(i: int) -> Waveform:
        return corpus.speech(int(recordings[i]))

    def elsewhere(i: int) -> Waveform:
        speech = as_recorded(i)
        changed = augment(speech[None], np.random.default_rng((seed, i)))[0]
        as_loud: Waveform = changed * np.sqrt((speech**2).mean())
        return as_loud

    speaker, population = corpus.speaker[recordings], corpus.population[recordings]
    return calibration.join(
        [
            calibration.make_sides(embedder, heard, speaker, population, seed)
            for heard in (as_recorded, elsewhere)
        ]
    )
