"""A few of the damaged recordings of `benchmarks/fuzz.py`, of every format and damage."""

import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import psutil
import pytest

from voxgate.errors import AudioError
from voxgate.server.ears import Ears
from voxgate.server.errors import status_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    return import_module("fuzz")


def test_damaged_recordings_are_refused_or_heard_and_no_worker_is_lost(fuzz, tiny_pack):
    bodies = list(fuzz.damaged(len(fuzz.FORMATS) * len(fuzz.DAMAGES), seed=7))
    ears = Ears(tiny_pack, workers=1, waiting=1)
    (worker,) = psutil.Process().children()[-1:]
    answers = Counter()
    try:
        for damage, body in bodies:
            try:
                ears.embed(body)
                answers[damage, 200] += 1
            except AudioError as error:
                answers[damage, status_of(error)] += 1
        assert psutil.Process().children()[-1:] == [worker]
    finally:
        ears.close()
    assert {code for _, code in answers} == {200, 415, 422}
    assert answers["truncated", 200] < len(fuzz.FORMATS) / 4
    assert sum(answers.values()) == len(bodies)


def test_each_damage_changes_the_file(fuzz):
    whole = bytes(range(256)) * 8
    chance = fuzz.np.random.default_rng(1)
    assert all(fuzz.harm(whole, damage, chance) != whole for damage in fuzz.DAMAGES * 20)
