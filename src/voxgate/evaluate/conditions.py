"""Which trials were made under which conditions: speech, noise, language, sex, age, session."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voxgate.evaluate.metrics import Bools
from voxgate.evaluate.recordings import About
from voxgate.evaluate.trials import Trials

SPEECH_S = (1.0, 2.0, 4.0)  # between the bins of the shorter side's speech
SNR_DB = (10.0, 20.0, 30.0)  # between the bins of the noisier side
MOST_LANGUAGES = 8  # those with the most trials

Texts = NDArray[np.str_]
Conditions = dict[str, dict[str, Bools]]  # kind -> condition -> (trials,), which trials are of it


@dataclass(frozen=True)
class Heard:
    """What was measured in a recording."""

    speech_s: float
    snr_db: float  # NaN where it cannot be known


@dataclass(frozen=True, eq=False)
class _Sides:
    """A property of both sides of the trials, (trials,) each; "" is unknown."""

    a: Texts
    b: Texts

    @property
    def known(self) -> Bools:
        return np.asarray((self.a != "") & (self.b != ""))

    @property
    def same(self) -> Bools:
        return np.asarray(self.known & (self.a == self.b))

    @property
    def different(self) -> Bools:
        return np.asarray(self.known & (self.a != self.b))


def conditions(
    lists: Sequence[Trials],
    trials: Trials,
    about: Mapping[str, About],
    heard: Mapping[str, Heard] | None = None,
) -> Conditions:
    """Sort the pooled trials by all that is known of their recordings.

    Where a condition concerns one kind of trial alone, it says so, and has all of the other kind
    from the same lists: two recordings of one speaker are hardly ever of two languages.
    """
    sizes = [len(part.target) for part in lists]
    of_list = np.repeat(np.arange(len(lists)), sizes)
    found: Conditions = {"set": {t.name: of_list == i for i, t in enumerate(lists)}}
    if heard:
        found |= _by_sound(trials, heard)
    found["language"] = dict(_by_language(trials.target, _sides(trials, about, "language")))
    found["sex"] = dict(_by_sex(trials.target, _sides(trials, about, "sex")))
    found["age"] = dict(_by_age(_sides(trials, about, "age")))
    sessions = _sides(trials, about, "session")
    found["session"] = dict(_by_session(trials.target, of_list, sessions))
    return {
        kind: {name: mask for name, mask in masks.items() if mask.any()}
        for kind, masks in found.items()
        if any(mask.any() for mask in masks.values())
    }


def _sides(trials: Trials, about: Mapping[str, About], key: str) -> _Sides:
    a, b = (
        np.array([getattr(about[name], key) for name in names], np.str_)
        for names in (trials.enrolled, trials.probe)
    )
    return _Sides(a, b)


def _by_sound(trials: Trials, heard: Mapping[str, Heard]) -> Conditions:
    sides = [[heard[name] for name in names] for names in (trials.enrolled, trials.probe)]
    speech = np.min([[h.speech_s for h in side] for side in sides], axis=0)
    snr = np.min([[h.snr_db for h in side] for side in sides], axis=0)  # NaN if either is
    return {
        "speech of the shorter side": _bins(speech, SPEECH_S, "s"),
        "SNR of the noisier side": _bins(snr, SNR_DB, "dB"),
    }


def _bins(values: NDArray[np.float64], edges: Sequence[float], unit: str) -> dict[str, Bools]:
    known = np.isfinite(values)
    which = np.digitize(values, edges)
    names = [
        f"below {edges[0]:g} {unit}",
        *(f"{a:g} to {b:g} {unit}" for a, b in pairwise(edges)),
        f"{edges[-1]:g} {unit} or more",
    ]
    return {name: known & (which == i) for i, name in enumerate(names)}


def _by_language(target: Bools, sides: _Sides) -> Iterator[tuple[str, Bools]]:
    names, counts = np.unique(sides.a[sides.same], return_counts=True)
    if len(names) < 2:
        return
    yield "same language", sides.same
    yield "strangers of another language", sides.different & ~target | sides.known & target
    for name in names[np.argsort(-counts, kind="stable")][:MOST_LANGUAGES]:
        yield str(name), sides.same & (sides.a == name)


def _by_sex(target: Bools, sides: _Sides) -> Iterator[tuple[str, Bools]]:
    names = np.unique(sides.a[sides.same])
    if len(names) < 2:
        return
    for name in names:
        yield {"f": "female", "m": "male"}.get(str(name), str(name)), sides.same & (sides.a == name)
    yield "strangers of another sex", sides.different & ~target | sides.known & target


def _by_age(sides: _Sides) -> Iterator[tuple[str, Bools]]:
    """By the age of whom a probe is compared with; strangers may be of any known age."""
    names, counts = np.unique(sides.a[sides.known], return_counts=True)
    if len(names) < 2:
        return
    for name in names[np.argsort(-counts, kind="stable")]:
        yield str(name), sides.known & (sides.a == name)


def _by_session(
    target: Bools, of_list: NDArray[np.int64], sides: _Sides
) -> Iterator[tuple[str, Bools]]:
    for name, kind in (
        ("speaker in one session", sides.same),
        ("speaker across sessions", sides.different),
    ):
        own = kind & target
        if own.any():
            yield name, own | ~target & np.isin(of_list, of_list[own])
