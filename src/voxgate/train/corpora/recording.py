"""What every reader of a corpus gives: one labelled `Recording` after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from voxgate.audio import SAMPLE_RATE, Waveform, load
from voxgate.errors import UnreadableAudioError
from voxgate.train.corpora.arrays import read_rows


@dataclass(frozen=True)
class Recording:
    """One recording and whose it is: a whole file, a stretch of one, or a row of an array."""

    dataset: str
    speaker: str  # unique over all datasets: "<dataset>/<speaker>"
    name: str  # unique in its corpus: its path in the folder, or its id
    path: Path
    start_s: float = 0.0
    end_s: float | None = None  # None: to the end of the file
    row: int | None = None  # of the array in a .pkl file
    rate_hz: int = SAMPLE_RATE  # of that array; sound files say theirs
    session: str = ""
    language: str = ""
    sex: str = ""
    age: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it is all of its file: neither a stretch of one nor a row."""
        return self.row is None and self.start_s == 0 and self.end_s is None

    def waveform(self) -> Waveform:
        """Decode it, (samples,) at 16 kHz.

        Raises:
            AudioError: it cannot be decoded, or the file ends before the stretch begins.
        """
        if self.row is not None:
            return load(_resampled(_rows(self.path)[self.row], self.rate_hz))
        if self.is_file:
            return load(self.path)
        whole = _whole(self.path)
        end = len(whole) if self.end_s is None else round(self.end_s * SAMPLE_RATE)
        stretch = whole[round(self.start_s * SAMPLE_RATE) : end]
        if not len(stretch):
            raise UnreadableAudioError(
                f"{self.name} would begin at {self.start_s:.2f} s, but {self.path.name} has only "
                f"{len(whole) / SAMPLE_RATE:.2f} s."
            )
        return stretch


@dataclass(frozen=True)
class ReadOptions:
    """What only the user can know of a corpus."""

    rate_hz: int = SAMPLE_RATE  # of the arrays in .pkl files, which do not state it
    rows_per_speaker: int = 10  # of the arrays in .pkl files


@dataclass(frozen=True)
class Reader:
    """A way in which corpora are stored."""

    what: str  # for help
    found_in: Callable[[Path], bool]  # does this file or folder look like one?
    read: Callable[[Path, ReadOptions], list[Recording]]


# The stretches of one long file are read one after the other: it is decoded once for all of them.
_whole = lru_cache(maxsize=1)(load)
_rows = lru_cache(maxsize=1)(read_rows)


def _resampled(row: Waveform, rate_hz: int) -> Waveform:
    if rate_hz == SAMPLE_RATE:
        return row
    import soxr  # noqa: PLC0415 - not needed at 16 kHz

    return np.asarray(soxr.resample(row, rate_hz, SAMPLE_RATE), np.float32)
