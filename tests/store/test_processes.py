"""Several processes on one SQLite store, and processes that are killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from store.samples import PACK, sample
from voxgate.store import Sample, Voiceprint, open_store

IDS = {number: sample(number).id for number in range(1, 6)}
STATES = {  # what a speaker of worker.enrol may have, by what was acknowledged last
    None: ([], [IDS[1], IDS[2]]),
    "new": ([IDS[1], IDS[2]], [IDS[1], IDS[2], IDS[3]]),
    "add": ([IDS[1], IDS[2], IDS[3]], [IDS[4], IDS[5]]),
    "replace": ([IDS[4], IDS[5]],),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voices.db"


def start(*words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "store.worker", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def matches(voiceprint: Voiceprint, samples: list[Sample]) -> bool:
    expected = Voiceprint.of(voiceprint.speaker, voiceprint.pack, samples)
    assert voiceprint.vector.tolist() == expected.vector.tolist()
    amounts = (voiceprint.speech_s, voiceprint.recordings, voiceprint.updated_at)
    return amounts == (expected.speech_s, expected.recordings, expected.updated_at)


def test_four_processes_add_to_one_speaker_and_lose_nothing(path: Path) -> None:
    url = f"sqlite:///{path}"
    store = open_store(url)
    store.enrol("ada", PACK, [sample(0)])
    revision = store.revision()
    workers = [start("add", url, first, 10) for first in (100, 200, 300, 400)]
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    numbers = [0, *(first + n for first in (100, 200, 300, 400) for n in range(10))]
    samples = store.samples("ada")
    assert {kept.id for kept in samples} == {sample(number).id for number in numbers}
    assert matches(store.voiceprint("ada", PACK), samples)
    assert store.revision() == revision + 40  # so that other processes' changes are seen
    store.close()


def test_processes_that_make_a_store_at_the_same_time_make_one(path: Path) -> None:
    workers = [start("enrol", f"sqlite:///{path}", first) for first in (1000, 2000, 3000)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().endswith("new\n")
        kill(worker)
    store = open_store(f"sqlite:///{path}")
    names = {summary.name for summary in store.speakers()}
    assert {"speaker-1000", "speaker-2000", "speaker-3000"} <= names
    assert {found.speaker for found in store.voiceprints(PACK)} == names  # under one key
    store.close()


def test_a_killed_process_leaves_all_that_was_acknowledged_and_nothing_half_done(
    path: Path,
) -> None:
    moments = np.random.default_rng(5)
    acknowledged: dict[str, str] = {}
    for run in range(5):
        worker = start("enrol", f"sqlite:///{path}", 1000 * run)
        assert worker.stdout is not None
        for _ in range(moments.integers(2, 12)):
            acknowledge(acknowledged, worker.stdout.readline())
        time.sleep(moments.uniform(0, 0.03))
        for line in kill(worker).splitlines(keepends=True):
            acknowledge(acknowledged, line)
    check_consistent(path, acknowledged)


def acknowledge(acknowledged: dict[str, str], line: str) -> None:
    assert line.endswith("\n")
    speaker, step = line.split()
    acknowledged[speaker] = step


def kill(worker: "subprocess.Popen[str]") -> str:
    """Kill the process as `kill -9` does, and return what it had still printed."""
    worker.send_signal(signal.SIGKILL)
    rest, _ = worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    return rest


def check_consistent(path: Path, acknowledged: dict[str, str]) -> None:
    store = open_store(f"sqlite:///{path}")
    found = {voiceprint.speaker: voiceprint for voiceprint in store.voiceprints(PACK)}
    assert {summary.name for summary in store.speakers()} == set(found)
    assert set(acknowledged) <= set(found)
    for speaker, voiceprint in found.items():
        samples = store.samples(speaker, PACK)
        assert matches(voiceprint, samples)
        assert [kept.id for kept in samples] in STATES[acknowledged.get(speaker)]
    store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
