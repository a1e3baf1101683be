"""The folder that an evaluation is kept in, so that a report needs no recomputation.

- results.json: all figures;
- recordings.csv: what is known of each recording;
- scores/<number>-<system>.csv: a line for each trial;
- RESULTS.md: the tables.

No embedding is among it.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from voxgate import __version__
from voxgate.atomic import cannot_write, complete_or_absent
from voxgate.errors import EvaluationError
from voxgate.evaluate.bootstrap import Interval
from voxgate.evaluate.conditions import Heard
from voxgate.evaluate.evaluation import Evaluation, Result, System
from voxgate.evaluate.identification import Searches
from voxgate.evaluate.metrics import Floats
from voxgate.evaluate.recordings import About
from voxgate.evaluate.summary import ByKind, Figures
from voxgate.evaluate.tables import as_markdown
from voxgate.evaluate.trials import Scores, Trials
from voxgate.evaluate.voice_map import Point

_ABOUT = tuple(field.name for field in fields(About))
_RECORDING = ("recording", *_ABOUT, "speech_s", "snr_db")
_TRIAL = ("list", "enrolled", "probe", "target")


def to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """All figures as plain values; rates are in [0, 1]."""
    return {
        "voxgate": __version__,
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "data": str(evaluation.data.resolve()) if evaluation.data else None,
        "lists": [trials.name for trials in evaluation.lists],
        "systems": [result.to_dict() for result in evaluation.results],
    }


def save(evaluation: Evaluation, folder: Path) -> None:
    """Write the folder; files of an earlier evaluation in it are replaced.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        (folder / "scores").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    _write_rows(folder / "recordings.csv", _RECORDING, _recordings(evaluation))
    for path, system in zip(_score_files(folder, evaluation), evaluation.systems, strict=True):
        kinds = (*system.scores[0].by_kind, *(["threshold"] if system.thresholds else []))
        _write_rows(path, (*_TRIAL, *kinds), _trials(system))
    with complete_or_absent(folder / "RESULTS.md") as part:
        part.write_text(as_markdown(evaluation.results), encoding="utf-8")
    with complete_or_absent(folder / "results.json") as part:
        part.write_text(json.dumps(to_dict(evaluation), indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> Evaluation:
    """Read what `save` wrote.

    Raises:
        EvaluationError: it is not such a folder, or not whole.
    """
    path = folder / "results.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        results = tuple(_result(system) for system in facts["systems"])
        about, heard = _read_recordings(folder / "recordings.csv")
        names = [result.name for result in results]
        systems = tuple(
            System(name, *_read_scores(_score_file(folder, i, name), facts["lists"]))
            for i, name in enumerate(names)
        )
        data = Path(facts["data"]) if facts["data"] else None
    except FileNotFoundError as error:
        raise EvaluationError(
            f"{folder} holds no results ({Path(error.filename).name} is missing); "
            "make them with 'voxgate evaluate --out'."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{folder} holds no results that can be read ({type(error).__name__}: {error}); "
            "make them again with 'voxgate evaluate --out'."
        ) from error
    return Evaluation(systems, results, about, heard, data)


def merge(evaluations: list[Evaluation]) -> Evaluation:
    """Several evaluations over the same trials as one.

    Raises:
        EvaluationError: their trials differ, or two systems have one name.
    """
    first = evaluations[0]
    for other in evaluations[1:]:
        ours, theirs = ([_key(t) for t in e.lists] for e in (first, other))
        if ours != theirs:
            raise EvaluationError(
                "The results are of different trials "
                f"({_lists(first)} and {_lists(other)}); only the same trials can be compared."
            )
    names = [result.name for e in evaluations for result in e.results]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise EvaluationError(f"The results hold two systems named {twice[0]!r}; rename one.")
    return Evaluation(
        tuple(system for e in evaluations for system in e.systems),
        tuple(result for e in evaluations for result in e.results),
        first.about,
        next((e.heard for e in evaluations if e.heard), {}),
        next((e.data for e in evaluations if e.data), None),
    )


def _key(trials: Trials) -> tuple[str, bytes, tuple[str, ...], tuple[str, ...]]:
    return trials.name, trials.target.tobytes(), trials.enrolled, trials.probe


def _lists(evaluation: Evaluation) -> str:
    return ", ".join(f"{t.name} of {len(t.target):,}" for t in evaluation.lists)


def _score_files(folder: Path, evaluation: Evaluation) -> list[Path]:
    return [_score_file(folder, i, system.name) for i, system in enumerate(evaluation.systems)]


def _score_file(folder: Path, number: int, system: str) -> Path:
    return folder / "scores" / f"{number + 1}-{re.sub('[^A-Za-z0-9._@-]+', '_', system)}.csv"


def _recordings(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    for name, about in evaluation.about.items():
        heard = evaluation.heard.get(name)
        measured = (round(heard.speech_s, 3), round(heard.snr_db, 2)) if heard else ("", "")
        yield name, *astuple(about), *measured


def _trials(system: System) -> Iterator[tuple[object, ...]]:
    for i, scores in enumerate(system.scores):
        limits = [system.thresholds[i]] if system.thresholds else []
        trials, values = scores.trials, np.stack([*scores.by_kind.values(), *limits], axis=1)
        for enrolled, probe, target, row in zip(
            trials.enrolled, trials.probe, trials.target, values, strict=True
        ):
            yield trials.name, enrolled, probe, int(target), *(f"{value:.6g}" for value in row)


def _write_rows(path: Path, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with (
        complete_or_absent(path) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _read_recordings(path: Path) -> tuple[dict[str, About], dict[str, Heard]]:
    about, heard = {}, {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row["recording"]
            about[name] = About(**{key: row.get(key, "") for key in _ABOUT})
            if row["speech_s"]:
                heard[name] = Heard(float(row["speech_s"]), float(row["snr_db"]))
    return about, heard


def _read_scores(
    path: Path, lists: list[str]
) -> tuple[tuple[Scores, ...], tuple[Floats, ...] | None]:
    """Scores of each list, and the thresholds they are held to, if there are any."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kinds = header[len(_TRIAL) :]
    found, limits = [], []
    for name in lists:
        own = [row for row in rows if row[0] == name]
        _, enrolled, probe, target, *values = zip(*own, strict=True)
        trials = Trials(name, np.array(target) == "1", enrolled, probe)
        by_kind = {k: np.array(v, np.float64) for k, v in zip(kinds, values, strict=True)}
        if "threshold" in by_kind:
            limits.append(by_kind.pop("threshold"))
        found.append(Scores(trials, by_kind))
    return tuple(found), tuple(limits) or None


def _result(facts: Mapping[str, Any]) -> Result:
    return Result(
        name=facts["name"],
        figures={name: _figures(f) for name, f in facts["figures"].items()},
        conditions={
            kind: {name: None if f is None else _figures(f) for name, f in masks.items()}
            for kind, masks in facts["conditions"].items()
        },
        searches={name: Searches(**s) for name, s in facts["searches"].items()},
        points=tuple(Point(*point) for point in facts["points"]),
        **{key: facts[key] for key in ("size_mb", "real_time_factor", "without_speech")},
    )


def _figures(facts: Mapping[str, Any]) -> Figures:
    kinds = {kind: ByKind(**_with_interval(f)) for kind, f in facts["by_kind"].items()}
    return Figures(**{**_with_interval(facts), "by_kind": kinds})


def _with_interval(facts: Mapping[str, Any]) -> dict[str, Any]:
    given = facts["eer_95"]
    return {**facts, "eer_95": None if given is None else Interval(*given)}
