"""Samples to enrol, made up."""

from datetime import datetime, timedelta, timezone

import numpy as np

from voxgate.store import Sample

PACK = "tiny@1"
START = datetime(2025, 1, 31, 12, 0, 0, 123456, tzinfo=timezone.utc)


def sample(number: int, *, dim: int = 8, speech_s: float = 5.0) -> Sample:
    """The sample of that number: another one for each."""
    vector = np.random.default_rng(number).normal(size=dim).astype(np.float32)
    return Sample(
        id=np.random.default_rng((number, 0)).bytes(16).hex(),
        vector=vector / np.linalg.norm(vector),
        speech_s=speech_s + number / 7,
        quality={"snr_db": 20.5, "warnings": [{"code": f"made up {number}"}]},
        name=f"recording-{number}.wav",
        added_at=START + timedelta(seconds=number),
    )
