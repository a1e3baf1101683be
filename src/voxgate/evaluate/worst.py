"""The trials on which a system is most wrong, to be listened to."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from voxgate.evaluate.evaluation import Evaluation, System
from voxgate.evaluate.metrics import Bools
from voxgate.evaluate.recordings import About
from voxgate.evaluate.trials import pooled

MOST = 12  # of each kind
MOST_OF_TWO = 2  # of any two speakers, so that one mistaken label does not fill the list


@dataclass(frozen=True)
class Voice:
    """One side of a trial."""

    name: str
    link: str | None  # to the file, from where the report is; None if there is none to hear
    facts: str  # how much speech, how noisy


@dataclass(frozen=True)
class Mistake:
    """A trial on the wrong side."""

    set: str
    score: float
    enrolled: Voice
    probe: Voice


@dataclass(frozen=True)
class Worst:
    """The worst trials of a system."""

    system: str
    strangers: tuple[Mistake, ...]  # with the highest scores
    targets: tuple[Mistake, ...]  # with the lowest


def worst(evaluation: Evaluation, page: Path, *, anonymous: bool = False) -> list[Worst]:
    """The worst trials of each system.

    Args:
        evaluation: what was measured.
        page: where the links are to be followed from.
        anonymous: number speakers and recordings instead of naming and linking them.
    """
    show = _Voices(evaluation, page.resolve().parent, anonymous=anonymous)
    return [_of(system, evaluation.about, show) for system in evaluation.systems]


class _Voices:
    """How the recordings are shown."""

    def __init__(self, evaluation: Evaluation, folder: Path, *, anonymous: bool) -> None:
        self._evaluation, self._folder, self._anonymous = evaluation, folder, anonymous
        self._numbers: dict[str, int] = {}  # speaker -> number, in the order of appearance
        self._recordings: dict[str, dict[str, int]] = {}

    def __call__(self, name: str) -> Voice:
        heard = self._evaluation.heard.get(name)
        facts = f"{heard.speech_s:.1f} s of speech" if heard else ""
        if heard and np.isfinite(heard.snr_db):
            facts += f", SNR {heard.snr_db:.0f} dB"
        if self._anonymous:
            return Voice(self._numbered(name), None, facts)
        return Voice(name, self._link(name), facts)

    def _numbered(self, name: str) -> str:
        speaker = self._evaluation.about[name].speaker
        number = self._numbers.setdefault(speaker, len(self._numbers) + 1)
        known = self._recordings.setdefault(speaker, {})
        return f"speaker {number}, recording {known.setdefault(name, len(known) + 1)}"

    def _link(self, name: str) -> str | None:
        data = self._evaluation.data
        if data is None or not (data / name).is_file():
            return None
        try:
            return quote(Path(os.path.relpath(data / name, self._folder)).as_posix())
        except ValueError:  # another drive
            return (data / name).as_uri()


def _of(system: System, about: Mapping[str, About], show: _Voices) -> Worst:
    whole = pooled(system.scores)
    sets = np.repeat(
        [s.trials.name for s in system.scores], [len(s.trials.target) for s in system.scores]
    )
    trials, scores = whole.trials, whole.deciding
    both = list(zip(trials.enrolled, trials.probe, strict=True))

    def mistakes(kind: Bools, order: NDArray[np.int64]) -> Iterator[Mistake]:
        seen: dict[frozenset[str], int] = {}
        for i in order[kind[order]]:
            people = frozenset(about[name].speaker for name in both[i])
            seen[people] = seen.get(people, 0) + 1
            if seen[people] <= MOST_OF_TWO:
                yield Mistake(str(sets[i]), float(scores[i]), *map(show, both[i]))

    rising = np.argsort(scores, kind="stable")
    return Worst(
        system.name,
        _first(mistakes(~trials.target, rising[::-1])),
        _first(mistakes(trials.target, rising)),
    )


def _first(mistakes: Iterator[Mistake]) -> tuple[Mistake, ...]:
    return tuple(mistake for mistake, _ in zip(mistakes, range(MOST), strict=False))
