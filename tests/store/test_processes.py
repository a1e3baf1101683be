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

from store.crashes import check_consistent, matches
from store.samples import PACK, sample
from voxgate.store import open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voices.db"


def start(*words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "store.worker", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


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
    check_whole(path, acknowledged)


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


def check_whole(path: Path, acknowledged: dict[str, str]) -> None:
    store = open_store(f"sqlite:///{path}")
    check_consistent(store, acknowledged)
    store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
