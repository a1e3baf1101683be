"""Many writers on one PostgreSQL, and a PostgreSQL that is killed while they write."""

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from itertools import count

import numpy as np

from store.conftest import KEY
from store.crashes import check_consistent, matches, steps
from store.samples import PACK, sample
from store.server import PostgresServer
from voxgate.errors import StoreUnavailableError, StoreWriteError
from voxgate.store import open_store


def start(*words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "store.worker", *map(str, words)]
    paths = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": paths, "VOXGATE_KEY": KEY.hex()}
    return subprocess.Popen(command, env=environment, text=True)


def test_fifty_writers_in_two_processes_add_to_one_speaker_and_lose_nothing(
    postgres_url: str,
) -> None:
    with closing(open_store(postgres_url, key=KEY)) as store:
        store.enrol("ada", PACK, [sample(0)])
        revision = store.revision()
        crowds = [start("crowd", postgres_url, first, 25) for first in (100, 200)]
        assert [crowd.wait() for crowd in crowds] == [0, 0]
        numbers = [0, *range(100, 125), *range(200, 225)]
        samples = store.samples("ada")
        assert {kept.id for kept in samples} == {sample(number).id for number in numbers}
        assert matches(store.voiceprint("ada", PACK), samples)
        assert store.revision() == revision + 50  # so that other processes' changes are seen
        assert len(store.audit_log()) == 51


def test_a_killed_server_leaves_all_that_was_acknowledged_and_is_used_again_when_it_is_back(
    postgres: PostgresServer, own_database: str
) -> None:
    acknowledged: dict[str, str] = {}
    done = threading.Event()
    interrupted = 0

    def write() -> None:
        nonlocal interrupted
        for n in count():
            if done.is_set():
                return
            try:
                for step in steps(store, f"speaker-{n}"):
                    acknowledged[f"speaker-{n}"] = step
            except (StoreUnavailableError, StoreWriteError):  # the latter where traces stay
                interrupted += 1
                time.sleep(0.02)

    moments = np.random.default_rng(5)
    with closing(open_store(own_database, key=KEY)) as store:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                written = len(acknowledged)
                while len(acknowledged) < written + 2:  # it goes on without being opened again
                    time.sleep(0.01)
                    assert writer.is_alive()
                time.sleep(moments.uniform(0, 0.05))
                postgres.kill()
                postgres.start()
        finally:
            done.set()
            writer.join()
        assert interrupted >= 3
        check_consistent(store, acknowledged)
