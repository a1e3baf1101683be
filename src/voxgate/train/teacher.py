"""An installed pack as teacher: a part of the embedding follows its embeddings of the speakers.

Knowledge distillation (Hinton, Vinyals, Dean, arXiv:1503.02531) of embeddings. The target of every
recording of a speaker is one: what the teacher makes of several seconds of that speaker, joined
from short recordings if need be. A teacher that knows sentences only so teaches words, too.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.embed import Embedder
from voxgate.errors import TrainingError
from voxgate.packs import Pack, load_pack
from voxgate.train.cache import Corpus
from voxgate.train.config import TeacherConfig
from voxgate.train.sampling import faster

_ENOUGH_S = 3.0  # of speech for one embedding
_MOST_S = 6.0  # of a speaker

Targets = NDArray[np.float32]  # (speeds, recordings, dim), of unit length


def teacher_targets(
    teacher: TeacherConfig,
    corpus: Corpus,
    chosen: NDArray[np.int64],
    speeds: tuple[float, ...],
    cache: Path,
) -> Targets:
    """What each recording's embedding should be at each speed; of no width without a teacher.

    The teacher's embeddings of the speakers, cut to the principal directions of those of the
    `chosen` recordings at the middle (unchanged) speed. They are computed once and kept in the
    folder `cache`.

    Raises:
        PackError: no such pack is installed.
        TrainingError: it has fewer numbers than it is to teach, or what is kept is of others.
    """
    if not teacher.dim:
        return np.zeros((len(speeds), len(corpus), 0), np.float32)
    pack = load_pack(teacher.pack)
    if pack.dim < teacher.dim:
        raise TrainingError(
            f"{pack.id} has {pack.dim} numbers; a part of {teacher.dim} cannot follow it."
        )
    voices = np.stack([_voices_kept(pack, corpus, speed, cache) for speed in speeds])
    principal = _principal(voices, np.unique(corpus.speaker[chosen]), teacher.dim)
    targets: Targets = principal.astype(np.float32)[:, corpus.speaker]
    return targets


def _principal(
    voices: NDArray[np.float32], chosen: NDArray[np.int64], dim: int
) -> NDArray[np.float64]:
    """Voices (speeds, speakers, n) → (speeds, speakers, dim), centred and of unit length."""
    reference = voices[len(voices) // 2, chosen].astype(np.float64)
    centre = reference.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((reference - centre).T))
    projected = (voices - centre) @ directions[:, -dim:]
    unit: NDArray[np.float64] = projected / np.linalg.norm(projected, axis=-1, keepdims=True)
    return unit


def _voices_kept(pack: Pack, corpus: Corpus, speed: float, cache: Path) -> NDArray[np.float32]:
    """The voices of all speakers at one speed, (speakers, n), from `cache` if they are there."""
    file = cache / f"teacher-{pack.id}-{speed}.npy"
    if file.is_file():
        kept: NDArray[np.float32] = np.load(file)
        if len(kept) != len(corpus.speakers):
            raise TrainingError(
                f"{file} is of {len(kept)} speakers, not of {len(corpus.speakers)}; delete it."
            )
        return kept
    embedder = Embedder(pack)
    rows = np.split(np.argsort(corpus.speaker, kind="stable"), _ends(corpus.speaker))
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        voices = np.stack(list(pool.map(lambda own: _voice(embedder, corpus, own, speed), rows)))
    np.save(file, voices)
    return voices


def _ends(speaker: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in the recordings, sorted by speaker, all speakers but the last end."""
    return np.bincount(speaker).cumsum()[:-1]


def _voice(
    embedder: Embedder, corpus: Corpus, recordings: NDArray[np.int64], speed: float
) -> NDArray[np.float32]:
    """The mean direction (n,) of pieces of a speaker's speech, each weighed by its length."""
    least = round(embedder.pack.min_speech_s * SAMPLE_RATE)
    total = np.zeros(embedder.pack.dim)
    for piece in speech_in_pieces([corpus.speech(int(r)) for r in recordings]):
        played = faster(piece, speed)
        heard = np.resize(played, max(least, len(played)))  # what is too short is repeated
        total += len(heard) * embedder.embed_waveform(heard)
    voice: NDArray[np.float32] = (total / np.linalg.norm(total)).astype(np.float32)
    return voice


def speech_in_pieces(recordings: list[Waveform]) -> Iterator[Waveform]:
    """Join the recordings of a speaker to pieces of 3 s or more, and take 6 s of them in all.

    Where there is less than 3 s in all, that is the only piece.
    """
    enough, most = (round(seconds * SAMPLE_RATE) for seconds in (_ENOUGH_S, _MOST_S))
    ends = np.minimum(np.cumsum([len(recording) for recording in recordings]), most)
    speech = np.concatenate(recordings)[:most]
    first = 0
    for end in ends:
        if end - first >= enough and (end == ends[-1] or ends[-1] - end >= enough):
            yield speech[first:end]
            first = end
    if first < len(speech):
        yield speech[first:]
