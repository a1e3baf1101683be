"""How well a model under training tells the held-out speakers apart."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.evaluate.metrics import eer
from voxgate.networks import bucket_lengths
from voxgate.train.cache import Corpus
from voxgate.train.model import SpeakerModel

_LONGEST_S = 6.0  # of a held-out recording


def embed_all(
    embed: Callable[[Tensor], Tensor],
    corpus: Corpus,
    recordings: NDArray[np.int64],
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Apply `embed` (batch, samples) → (batch, dim) to the speech of each recording."""
    return embed_speech(embed, [corpus.speech(int(r)) for r in recordings], device)


@torch.no_grad()
def embed_speech(
    embed: Callable[[Tensor], Tensor],
    waveforms: Sequence[Waveform],
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Apply `embed` (batch, samples) → (batch, dim) to waveforms, in a few lengths only.

    They are repeated to the next of these lengths, as in `voxgate.embed`, or cut at the longest.
    """
    lengths = np.array(bucket_lengths(_LONGEST_S, SAMPLE_RATE))
    speech = [waveform[: lengths[-1]] for waveform in waveforms]
    bucket = np.searchsorted(lengths, [len(waveform) for waveform in speech])
    by_bucket = (np.flatnonzero(bucket == b) for b in np.unique(bucket))
    batches = [part for rows in by_bucket for part in np.split(rows, range(32, len(rows), 32))]
    embeddings = []
    for part in batches:
        rows = np.stack([np.resize(speech[i], lengths[bucket[i]]) for i in part])
        embeddings.append(embed(torch.from_numpy(rows).to(device)).float().cpu())
    order = np.argsort(np.concatenate(batches))
    return torch.cat(embeddings).numpy()[order]


def raw_embeddings(
    model: SpeakerModel, corpus: Corpus, recordings: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Embeddings (recordings, dim) as the network gives them: neither scaled nor of length 1."""
    model.eval()
    return embed_all(model.raw, corpus, recordings, model.shares.device)


def some_of(
    corpus: Corpus, recordings: NDArray[np.int64], most: int, seed: int
) -> NDArray[np.int64]:
    """At most `most` of the recordings, as many of each dataset, by speakers as far as it goes.

    All pairs are scored, so a large corpus would cost more than its training.
    """
    if len(recordings) <= most:
        return recordings
    rng = np.random.default_rng(seed)
    datasets = np.unique(corpus.dataset[recordings])
    chosen = []
    for number in datasets:
        own = recordings[corpus.dataset[recordings] == number]
        speakers = rng.permutation(np.unique(corpus.speaker[own]))
        place = np.argsort(speakers)[np.searchsorted(np.sort(speakers), corpus.speaker[own])]
        chosen.append(own[np.argsort(place, kind="stable")][: most // len(datasets)])
    return np.sort(np.concatenate(chosen))


def held_out_eer(
    model: SpeakerModel, corpus: Corpus, recordings: NDArray[np.int64]
) -> dict[str, float]:
    """EER in % over all pairs of held-out recordings of each dataset."""
    if not len(recordings):
        return {}
    embeddings = embed_all(model.eval(), corpus, recordings, model.shares.device)
    return eer_by_dataset(embeddings @ embeddings.T, corpus, recordings)


def eer_by_dataset(
    scores: NDArray[np.float32],
    corpus: Corpus,
    recordings: NDArray[np.int64],
    *,
    least_speakers: int = 2,
) -> dict[str, float]:
    """EER in % from scores (recordings, recordings), for datasets with so many speakers."""
    speaker, dataset = corpus.speaker[recordings], corpus.dataset[recordings]
    result = {}
    for number, name in enumerate(corpus.datasets):
        rows = np.flatnonzero(dataset == number)
        a, b = np.triu_indices(len(rows), 1)
        if len(np.unique(speaker[rows])) >= max(2, least_speakers):
            same = speaker[rows[a]] == speaker[rows[b]]
            result[name] = round(100 * eer(scores[rows[a], rows[b]], same), 2)
    return result
