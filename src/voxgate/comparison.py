"""Comparing two voices with one pack: cosine, AS-norm score and LLR in one go."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import PackMismatchError
from voxgate.packs import Pack
from voxgate.scoring import cosine

SAME_SOUND = 0.9999  # cosine from which on two embeddings are of one and the same sound


class Voice(Protocol):
    """What can be compared: an embedding, an enrolled sample, a voiceprint."""

    @property
    def vector(self) -> NDArray[np.float32]:
        """Direction of the voice, shape (dim,)."""

    @property
    def speech_s(self) -> float:
        """Seconds of speech that it was heard from."""


class Comparison(NamedTuple):
    """How alike two voices are."""

    cosine: float
    score: float  # AS-norm: standard deviations above unrelated voices
    llr: float


def compare(pack: Pack, enrolled: Voice, probe: Voice) -> Comparison:
    """Compare two voices embedded with `pack`.

    Raises:
        PackMismatchError: one of them says that another pack embedded it.
    """
    for voice in (enrolled, probe):
        if (embedded_with := getattr(voice, "pack", pack.id)) != pack.id:
            raise PackMismatchError(pack.id, embedded_with)
    a, b = enrolled.vector[None], probe.vector[None]
    score = pack.cohort().as_norm(a, b)[0, 0]
    llr = pack.calibration.llr(score, enrolled.speech_s, probe.speech_s)
    return Comparison(float(cosine(a, b)[0, 0]), float(score), float(llr))
