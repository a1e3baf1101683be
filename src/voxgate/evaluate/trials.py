"""Trial lists, and the scores a system gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import EvaluationError, ScoringError
from voxgate.evaluate.embeddings import Embeddings
from voxgate.packs import Pack
from voxgate.scoring import normalise, to_unit_length

POOLED = "pooled"  # the name of all lists as one

_VOXCELEB = {"1": True, "0": False}  # first word of a line
_KALDI = {"target": True, "nontarget": False}  # last word of a line


@dataclass(frozen=True, eq=False)
class Trials:
    """A list of trials: is the probe the enrolled speaker?"""

    name: str
    target: NDArray[np.bool_]  # (trials,)
    enrolled: tuple[str, ...]  # recordings, relative to the data's folder
    probe: tuple[str, ...]

    def recordings(self) -> set[str]:
        """All recordings of the list."""
        return {*self.enrolled, *self.probe}


@dataclass(frozen=True, eq=False)
class Scores:
    """What a system says of a list of trials.

    `by_kind` holds an array (trials,) for each of "cosine", "as_norm" and "llr"; only "cosine" for
    a pack that is not calibrated; for a system that is known by a file of scores only "llr", if
    they are that, or else only "score".
    """

    trials: Trials
    by_kind: Mapping[str, NDArray[np.float64]]

    @property
    def deciding(self) -> NDArray[np.float64]:
        """What the system decides on: the LLR, if it has one."""
        return self.by_kind[self.deciding_kind]

    @property
    def deciding_kind(self) -> str:
        """Which of the kinds that is."""
        return next(kind for kind in ("llr", "score", "cosine") if kind in self.by_kind)

    @property
    def cosine(self) -> NDArray[np.float64]:
        return self.by_kind["cosine"]

    @property
    def as_norm(self) -> NDArray[np.float64]:
        return self.by_kind["as_norm"]

    @property
    def llr(self) -> NDArray[np.float64]:
        return self.by_kind["llr"]


def find_trials(places: Iterable[Path]) -> list[Trials]:
    """The lists in these files, and in the files *.trials of these folders, in order.

    Raises:
        EvaluationError: there is none, or two have the same name.
        ScoringError: a list cannot be read.
    """
    paths: list[Path] = []
    for place in places:
        paths += sorted(place.glob("*.trials")) if place.is_dir() else [place]
    if not paths:
        raise EvaluationError(
            f"There is no file *.trials in {', '.join(map(str, places))}; name the list of trials."
        )
    names = [path.stem for path in paths]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise EvaluationError(
            f"Two lists of trials are named {twice[0]!r}; the file names must differ."
        )
    return [read_trials(path) for path in paths]


def read_trials(path: Path) -> Trials:
    """Read a list of trials, a line each, in the format of VoxCeleb or of Kaldi.

    VoxCeleb: "1 enrolled probe" for a target, "0 enrolled probe" for others.
    Kaldi: "enrolled probe target", "enrolled probe nontarget".

    Raises:
        ScoringError: a line of another form, or none at all.
    """
    rows = [line.split() for line in _lines(path)]
    if not rows:
        raise ScoringError(f"{path} holds no trial.")
    kaldi = rows[0][-1:] and rows[0][-1] in _KALDI
    trials = []
    for number, row in enumerate(rows, 1):
        word = (row[-1] if kaldi else row[0]) if len(row) == 3 else ""
        target = (_KALDI if kaldi else _VOXCELEB).get(word)
        if target is None:
            raise ScoringError(
                f"{path}, line {number} is {' '.join(row)[:60]!r}; it must be '1 enrolled probe' "
                "for the same speaker or '0 enrolled probe' for different ones (or, on every line, "
                "'enrolled probe target' or 'enrolled probe nontarget')."
            )
        trials.append((target, *(row[:2] if kaldi else row[1:])))
    targets, enrolled, probe = zip(*trials, strict=True)
    return Trials(path.stem, np.array(targets), enrolled, probe)


def read_scores(path: Path, lists: Sequence[Trials], *, kind: str = "score") -> list[Scores]:
    """Read the scores of another system, a line "enrolled probe score" each, for these lists.

    Lines for other trials are ignored.

    Raises:
        ScoringError: a line of another form, or trials without a score.
    """
    found: dict[tuple[str, str], float] = {}
    for number, line in enumerate(_lines(path), 1):
        row = line.split()
        try:
            enrolled, probe, score = row
            found[enrolled, probe] = float(score)
        except ValueError as error:
            raise ScoringError(
                f"{path}, line {number} is {line[:60]!r}; it must be 'enrolled probe score'."
            ) from error
    return [Scores(trials, {kind: _look_up(path, trials, found)}) for trials in lists]


def _look_up(
    path: Path, trials: Trials, found: Mapping[tuple[str, str], float]
) -> NDArray[np.float64]:
    pairs = list(zip(trials.enrolled, trials.probe, strict=True))
    if missing := [pair for pair in pairs if pair not in found]:
        raise ScoringError(
            f"{path} has no score for {len(missing):,} of the {len(pairs):,} trials of "
            f"{trials.name}, such as '{missing[0][0]} {missing[0][1]}'."
        )
    return np.array([found[pair] for pair in pairs])


def score_trials(pack: Pack, trials: Trials, embeddings: Embeddings) -> Scores:
    """Cosine, AS-norm and LLR of every trial; the cosine alone if the pack is not calibrated."""
    a, b = embeddings.rows(trials.enrolled), embeddings.rows(trials.probe)
    unit = to_unit_length(embeddings.vectors.astype(np.float64))
    cosine = (unit[a] * unit[b]).sum(axis=1)
    if pack.decider is None:
        return Scores(trials, {"cosine": cosine})
    scale = pack.cohort().scale_of(unit)
    as_norm = normalise(cosine, scale.at(a), scale.at(b))
    llr = pack.calibration.llr(as_norm, embeddings.speech_s[a], embeddings.speech_s[b])
    kinds = {"cosine": cosine, "as_norm": as_norm, "llr": llr}
    return Scores(trials, {kind: np.asarray(values, np.float64) for kind, values in kinds.items()})


def pooled(scores: Sequence[Scores]) -> Scores:
    """All lists as one: one threshold for everything."""
    kinds = scores[0].by_kind
    return Scores(
        pooled_trials([s.trials for s in scores]),
        {kind: np.concatenate([s.by_kind[kind] for s in scores]) for kind in kinds},
    )


def pooled_trials(lists: Sequence[Trials]) -> Trials:
    """The trials of all lists as one."""
    return Trials(
        POOLED,
        np.concatenate([trials.target for trials in lists]),
        tuple(name for trials in lists for name in trials.enrolled),
        tuple(name for trials in lists for name in trials.probe),
    )


def _lines(path: Path) -> list[str]:
    """The lines that are not empty."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise EvaluationError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read as text: {error}.") from error
    return [line for line in text.splitlines() if line.strip()]
