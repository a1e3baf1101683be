"""Trial lists, and the scores a pack gives them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import load
from voxgate.embed import Embedder
from voxgate.errors import ScoringError, TooLittleSpeechError
from voxgate.packs import Pack
from voxgate.scoring import to_unit_length


@dataclass(frozen=True, eq=False)
class Trials:
    """A list of trials: is the probe the enrolled speaker?"""

    name: str
    target: NDArray[np.bool_]  # (trials,)
    enrolled: tuple[str, ...]  # recordings, relative to the data's folder
    probe: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a pack says of a list of trials. Every array is (trials,)."""

    trials: Trials
    cosine: NDArray[np.float64]
    as_norm: NDArray[np.float64]
    llr: NDArray[np.float64]


def read_trials(path: Path) -> Trials:
    """Read the VoxCeleb format: a line a trial, "1 enrolled probe" for a target, "0 …" otherwise.

    Raises:
        ScoringError: a line of another form, or none at all.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = line.split()
        if len(row) != 3 or row[0] not in ("0", "1"):
            raise ScoringError(
                f"{path}, line {number} is {line[:60]!r}; it must be '1 enrolled probe' for the "
                "same speaker or '0 enrolled probe' for different ones."
            )
        rows.append(row)
    if not rows:
        raise ScoringError(f"{path} holds no trial.")
    target, enrolled, probe = zip(*rows, strict=True)
    return Trials(path.stem, np.array(target) == "1", enrolled, probe)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of many recordings, by name."""

    row: dict[str, int]
    vectors: NDArray[np.float32]  # (recordings, dim)
    speech_s: NDArray[np.float64]  # (recordings,)
    without_speech: tuple[str, ...]  # embedded whole, for want of enough detected speech


def embed_recordings(
    pack: Pack,
    names: Iterable[str],
    folder: Path,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Embeddings:
    """Embed recordings as any user would, so that every trial gets a score.

    A recording with too little speech for the pack is embedded whole, and named: a list of trials
    has no room for "cannot tell".
    """
    embedder = Embedder(pack, threads=threads)
    ordered = sorted(set(names))
    vectors, seconds, without = [], [], []
    for number, name in enumerate(ordered):
        try:
            embedding = embedder.embed(folder / name)
            vectors.append(embedding.vector)
            seconds.append(embedding.speech_s)
        except TooLittleSpeechError:
            whole = load(folder / name)
            vectors.append(embedder.embed_waveform(np.resize(whole, max(len(whole), 16_000))))
            seconds.append(len(whole) / pack.sample_rate_hz)
            without.append(name)
        progress(number + 1, len(ordered))
    row = {name: i for i, name in enumerate(ordered)}
    return Embeddings(row, np.stack(vectors), np.array(seconds), tuple(without))


def score_trials(pack: Pack, trials: Trials, embeddings: Embeddings) -> Scores:
    """Cosine, AS-norm and LLR of every trial."""
    a = np.array([embeddings.row[name] for name in trials.enrolled])
    b = np.array([embeddings.row[name] for name in trials.probe])
    unit = to_unit_length(embeddings.vectors.astype(np.float64))
    mean, std = pack.cohort().scale_of(unit)
    cosine = (unit[a] * unit[b]).sum(axis=1)
    as_norm = ((cosine - mean[a]) / std[a] + (cosine - mean[b]) / std[b]) / 2
    llr = pack.calibration.llr(as_norm, embeddings.speech_s[a], embeddings.speech_s[b])
    return Scores(trials, cosine, as_norm, np.asarray(llr, np.float64))


def pooled(scores: Sequence[Scores]) -> Scores:
    """All lists as one: one threshold for everything."""
    trials = Trials(
        "pooled",
        np.concatenate([s.trials.target for s in scores]),
        tuple(name for s in scores for name in s.trials.enrolled),
        tuple(name for s in scores for name in s.trials.probe),
    )
    return Scores(
        trials,
        np.concatenate([s.cosine for s in scores]),
        np.concatenate([s.as_norm for s in scores]),
        np.concatenate([s.llr for s in scores]),
    )
