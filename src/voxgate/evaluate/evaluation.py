"""Evaluate systems on lists of trials: packs, and others that are known by their scores."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.evaluate.bootstrap import RESAMPLES, SpeakerBootstrap
from voxgate.evaluate.conditions import Conditions, Heard, conditions
from voxgate.evaluate.embeddings import Embeddings, Progress, embed_recordings, silent
from voxgate.evaluate.identification import Searches, search
from voxgate.evaluate.metrics import Bools, Floats
from voxgate.evaluate.policies import thresholds
from voxgate.evaluate.recordings import About, Library
from voxgate.evaluate.speed import real_time_factor, size_mb
from voxgate.evaluate.summary import Figures, measure, summarise
from voxgate.evaluate.trials import (
    POOLED,
    Scores,
    Trials,
    find_trials,
    pooled,
    pooled_trials,
    score_trials,
)
from voxgate.evaluate.voice_map import Point, voice_map
from voxgate.packs import Pack
from voxgate.scoring import DEFAULT_POLICY, effective_speech_s

LEAST_TRIALS = 20  # of each kind: a condition with fewer is not measured


@dataclass(frozen=True, eq=False)
class System:
    """What is evaluated: its scores of each list, and what is known of it beyond them."""

    name: str
    scores: tuple[Scores, ...]  # one for each list
    thresholds: tuple[Floats, ...] | None = None  # for each list (trials,), its default policy's
    searches: Mapping[str, Searches] = field(default_factory=dict)  # list -> searches
    size_mb: float | None = None
    real_time_factor: float | None = None
    without_speech: int | None = None  # recordings in which too little was detected
    points: tuple[Point, ...] = ()  # a map of some of the embeddings


@dataclass(frozen=True)
class Result:
    """The figures of a system."""

    name: str
    figures: Mapping[str, Figures]  # by list; "pooled" is all of them under one threshold
    conditions: Mapping[str, Mapping[str, Figures | None]]  # None: fewer than 20 of one kind
    searches: Mapping[str, Searches]
    size_mb: float | None
    real_time_factor: float | None
    without_speech: int | None
    points: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON; rates are in [0, 1]."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Systems compared on the same trials."""

    systems: tuple[System, ...]
    results: tuple[Result, ...]
    about: Mapping[str, About]  # recording -> what is known of it
    heard: Mapping[str, Heard]  # recording -> what was measured in it; empty without a pack
    data: Path | None = None  # where the recordings are

    @property
    def lists(self) -> tuple[Trials, ...]:
        """The lists of trials."""
        return tuple(scores.trials for scores in self.systems[0].scores)


def run_pack(  # noqa: PLR0913 - three say what, three how
    pack: Pack,
    lists: Sequence[Trials],
    library: Library,
    *,
    threads: int = 1,
    progress: Progress = silent,
    cache: Path | None = None,
) -> tuple[System, Embeddings]:
    """Embed the recordings of the lists with a pack, and score the trials.

    Raises:
        EvaluationError: recordings are missing.
        AudioError: one cannot be read.
    """
    names = {name for trials in lists for name in trials.recordings()}
    library.check(names)
    embeddings = embed_recordings(
        pack, names, library, threads=threads, progress=progress, cache=cache
    )
    limits = None
    if pack.decider:
        limits = tuple(own_thresholds(pack, trials, embeddings) for trials in lists)
    system = System(
        name=pack.label,
        scores=tuple(score_trials(pack, trials, embeddings) for trials in lists),
        thresholds=limits,
        searches=_search(pack, lists, embeddings, library) if pack.decider else {},
        size_mb=size_mb(pack),
        real_time_factor=real_time_factor(pack, sorted(names), library),
        without_speech=len(embeddings.without_speech),
    )
    return system, embeddings


def evaluate(  # noqa: PLR0913 - three say what, three how
    systems: Sequence[System],
    about: Mapping[str, About],
    heard: Mapping[str, Heard] | None = None,
    *,
    data: Path | None = None,
    resamples: int = RESAMPLES,
    progress: Progress = silent,
) -> Evaluation:
    """Compare systems that have scored the same lists.

    Args:
        systems: as `run_pack` gives them, or made from scores.
        about: recording -> what is known of it, its speaker above all.
        heard: recording -> what was measured in it, for the conditions.
        data: where the recordings are, for links to them.
        resamples: draws of the speakers for the 95 % intervals.
        progress: told after each list and each condition of each system.

    Raises:
        ScoringError: a list holds only one kind of trials, or a score is NaN.
    """
    lists = [scores.trials for scores in systems[0].scores]
    everything = pooled_trials(lists)
    sorted_out = conditions(lists, everything, about, heard)
    masks = [mask for kind, of in sorted_out.items() if kind != "set" for mask in of.values()]
    each = 1 + len(lists) + sum(_enough(everything.target[mask]) for mask in masks)
    steps, of_all = count(1), len(systems) * each
    sides = speaker_numbers(everything, about)

    def measured(system: System, mask: Bools, *, every_kind: bool) -> Figures:
        found = _measure(system, sides, mask, resamples, every_kind=every_kind)
        progress(next(steps), of_all)
        return found

    results = [_result(system, sorted_out, partial(measured, system)) for system in systems]
    return Evaluation(tuple(systems), tuple(results), about, heard or {}, data)


def evaluate_packs(
    packs: Iterable[Pack],
    lists: Sequence[Trials],
    data: Path,
    *,
    threads: int = 1,
    progress: Progress = silent,
) -> Evaluation:
    """Compare packs on lists of trials over the recordings in a folder: all of it in one call."""
    library = Library(data)
    ran = [run_pack(pack, lists, library, threads=threads, progress=progress) for pack in packs]
    return evaluate(
        distinct([system for system, _ in ran]),
        about_all(lists, library),
        heard_in(ran[0][1]),
        data=data,
    )


def pack_metrics(pack: Pack, folder: Path, *, threads: int = 1) -> dict[str, dict[str, float]]:
    """The figures for pack.toml, of each list of trials in `folder` and of all of them pooled.

    Raises:
        ScoringError: a list cannot be read.
        EvaluationError: there is no list, or a recording is missing.
    """
    lists, library = find_trials([folder]), Library(folder)
    names = {name for trials in lists for name in trials.recordings()}
    library.check(names)
    embeddings = embed_recordings(pack, names, library, threads=threads)
    scores = [score_trials(pack, trials, embeddings) for trials in lists]
    return {s.trials.name: summarise(s) for s in (*scores, pooled(scores))}


def about_all(lists: Sequence[Trials], library: Library) -> dict[str, About]:
    """What is known of all recordings of the lists."""
    return {name: library.about(name) for trials in lists for name in sorted(trials.recordings())}


def heard_in(embeddings: Embeddings) -> dict[str, Heard]:
    """What was measured in the recordings when they were embedded."""
    return {
        name: Heard(float(embeddings.speech_s[i]), float(embeddings.snr_db[i]))
        for name, i in embeddings.row.items()
    }


def map_of(embeddings: Embeddings, library: Library) -> tuple[Point, ...]:
    """A map of some of the embeddings.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    speakers = [library.about(name).speaker for name in embeddings.row]
    return voice_map(embeddings, np.unique(speakers, return_inverse=True)[1])


def distinct(systems: Sequence[System]) -> list[System]:
    """The systems with a number after names that come twice."""
    seen: dict[str, int] = {}
    named = []
    for system in systems:
        seen[system.name] = seen.get(system.name, 0) + 1
        again = f" ({seen[system.name]})" if seen[system.name] > 1 else ""
        named.append(replace(system, name=system.name + again))
    return named


def speaker_numbers(
    trials: Trials, about: Mapping[str, About]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers (trials,) for the speakers on both sides."""
    names = [about[name].speaker for side in (trials.enrolled, trials.probe) for name in side]
    numbers = np.unique(names, return_inverse=True)[1]
    enrolled, probe = np.split(numbers, 2)
    return enrolled, probe


def _result(system: System, sorted_out: Conditions, measured: Callable[..., Figures]) -> Result:
    """The figures of a system: of each list, of all, and under each condition."""
    sets = sorted_out["set"]
    target = np.concatenate([scores.trials.target for scores in system.scores])
    masks = {**sets, POOLED: np.ones(len(target), bool)}
    return Result(
        name=system.name,
        figures={name: measured(mask, every_kind=True) for name, mask in masks.items()},
        conditions={
            kind: {
                name: measured(mask, every_kind=False) if _enough(target[mask]) else None
                for name, mask in masks.items()
            }
            for kind, masks in sorted_out.items()
            if kind != "set"
        },
        searches=system.searches,
        size_mb=system.size_mb,
        real_time_factor=system.real_time_factor,
        without_speech=system.without_speech,
        points=system.points,
    )


def _enough(target: Bools) -> bool:
    return min(int(target.sum()), int((~target).sum())) >= LEAST_TRIALS


def _measure(
    system: System,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    mask: Bools,
    resamples: int,
    *,
    every_kind: bool,
) -> Figures:
    """The figures of some of the pooled trials."""
    whole = pooled(system.scores)
    trials = Trials("", whole.trials.target[mask], (), ())
    chosen = Scores(trials, {kind: values[mask] for kind, values in whole.by_kind.items()})
    bootstrap = SpeakerBootstrap(sides[0][mask], sides[1][mask], trials.target, resamples=resamples)
    limits = None if system.thresholds is None else np.concatenate(system.thresholds)[mask]
    return measure(chosen, bootstrap, limits, every_kind=every_kind)


def own_thresholds(pack: Pack, trials: Trials, embeddings: Embeddings) -> Floats:
    """LLR (trials,) from which on the pack accepts by its default policy."""
    a, b = (embeddings.speech_s[embeddings.rows(s)] for s in (trials.enrolled, trials.probe))
    return thresholds(DEFAULT_POLICY, pack.false_accepts, effective_speech_s(a, b))


def _search(
    pack: Pack, lists: Sequence[Trials], embeddings: Embeddings, library: Library
) -> dict[str, Searches]:
    """Searches in each list's recordings, and in all."""
    found = {}
    for trials in (*lists, pooled_trials(lists)):
        names = sorted(trials.recordings())
        speakers = np.unique([library.about(name).speaker for name in names], return_inverse=True)
        searches = search(pack, embeddings.of(names), speakers[1])
        if searches:
            found[trials.name] = searches
    return found
