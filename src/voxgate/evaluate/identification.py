"""Open-set identification: how often a search among the enrolled goes wrong.

Half of the speakers are enrolled, each with up to three of their recordings; their other
recordings, and all those of the other half, are searched for. FPIR is the share of searches for a
stranger that return somebody; FNIR the share of searches for an enrolled speaker that do not
return that speaker first (ISO/IEC 19795-1). Drawing the halves is repeated, and all searches
count together.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.evaluate.embeddings import Embeddings
from voxgate.packs import Pack
from voxgate.scoring import normalise, to_unit_length

FPIRS = (0.1, 0.05, 0.01)
DRAWS = 10
MOST_ENROLLED = 3  # recordings of a speaker
_LEAST_SPEAKERS = 4  # with two or more recordings


@dataclass(frozen=True)
class Searches:
    """What the searches came to. Rates are in [0, 1]."""

    enrolled: int  # speakers in a search
    mated: int  # searches for one of them, over all draws
    strangers: int  # searches for somebody else
    rank_1: float  # share of the mated in which the right one comes first
    fnir: dict[str, float]  # FPIR -> FNIR, deciding by the LLR
    fnir_cosine: dict[str, float]  # the same by cosine, without AS-norm and calibration

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best of each search by one kind of score."""

    score: NDArray[np.float64]  # (searches,)
    right: NDArray[np.bool_]  # (searches,), whether it is the speaker searched for
    mated: NDArray[np.bool_]  # (searches,), whether that speaker was enrolled

    def fnir(self, fpir: float) -> float:
        """Share of mated searches lost where no more than this share of strangers is named."""
        strangers = np.sort(self.score[~self.mated])[::-1]
        limit = strangers[int(fpir * len(strangers))]  # returned are scores above it
        return float(1 - (self.right & (self.score > limit))[self.mated].mean())


def search(
    pack: Pack, embeddings: Embeddings, speaker: NDArray[np.int64], *, seed: int = 0
) -> Searches | None:
    """Search for each of the recordings; `speaker` (recordings,) numbers who is in it.

    None with fewer than four speakers of two recordings or more.
    """
    candidates = [s for s in np.unique(speaker) if (speaker == s).sum() > 1]
    if len(candidates) < _LEAST_SPEAKERS:
        return None
    rng = np.random.default_rng(seed)
    draws = [
        _draw(pack, embeddings, speaker, rng.permutation(candidates), rng) for _ in range(DRAWS)
    ]
    llr, cosine = (
        _Best(*(np.concatenate([getattr(draw[kind], key) for draw in draws]) for key in _KEYS))
        for kind in (0, 1)
    )
    return Searches(
        enrolled=len(candidates) // 2,
        mated=int(llr.mated.sum()),
        strangers=int((~llr.mated).sum()),
        rank_1=float(llr.right[llr.mated].mean()),
        fnir={f"{fpir:g}": llr.fnir(fpir) for fpir in FPIRS},
        fnir_cosine={f"{fpir:g}": cosine.fnir(fpir) for fpir in FPIRS},
    )


_KEYS = ("score", "right", "mated")


def _draw(
    pack: Pack,
    embeddings: Embeddings,
    speaker: NDArray[np.int64],
    candidates: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[_Best, _Best]:
    """Enrol the first half of the candidates and search for the rest: by LLR, and by cosine."""
    names = candidates[: len(candidates) // 2]
    enrolled = [_some_of(np.flatnonzero(speaker == name), rng) for name in names]
    probes = np.setdiff1d(np.arange(len(speaker)), np.concatenate(enrolled))
    vectors, seconds = embeddings.vectors.astype(np.float64), embeddings.speech_s
    voices = to_unit_length(np.stack([seconds[rows] @ vectors[rows] for rows in enrolled]))
    speech_s = np.array([seconds[rows].sum() for rows in enrolled])
    cohort, cosines = pack.cohort(), vectors[probes] @ voices.T
    scale = cohort.scale_of(vectors[probes]).at(np.s_[:, None])
    scores = normalise(cosines, scale, cohort.scale_of(voices))
    llr = pack.calibration.llr(scores, seconds[probes][:, None], speech_s)
    mated = np.isin(speaker[probes], names)
    by_llr, by_cosine = (
        _Best(kind.max(axis=1), names[kind.argmax(axis=1)] == speaker[probes], mated)
        for kind in (llr, cosines)
    )
    return by_llr, by_cosine


def _some_of(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Half of a speaker's recordings, or as many as are enrolled at most."""
    return rng.permutation(rows)[: min(len(rows) // 2, MOST_ENROLLED)]
