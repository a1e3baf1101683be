"""A process that uses a store, for tests with several of them, or with one that is killed.

    python -m store.worker add URL FIRST COUNT   adds samples to "ada", one at a time
    python -m store.worker crowd URL FIRST COUNT adds them all at the same time, each in a thread
    python -m store.worker enrol URL FIRST       enrols one speaker after the other, without end

It prints a line when a change was acknowledged.
"""

# ruff: noqa: T201 - a script

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

from store.crashes import steps
from store.samples import PACK, sample
from voxgate.store import open_store, postgres, sqlite


def add(url: str, first: str, number: str) -> None:
    """Add `number` samples, numbered from `first`."""
    store = open_store(url)
    for n in range(int(first), int(first) + int(number)):
        store.enrol("ada", PACK, [sample(n)], mode="add")
        print(n, flush=True)


def crowd(url: str, first: str, number: str) -> None:
    """Add `number` samples, numbered from `first`, each in a thread of its own."""
    store = open_store(url)
    numbers = range(int(first), int(first) + int(number))
    ready = Barrier(len(numbers))

    def add_one(n: int) -> None:
        ready.wait()
        store.enrol("ada", PACK, [sample(n)], mode="add")

    with ThreadPoolExecutor(len(numbers)) as threads:
        list(threads.map(add_one, numbers))


def enrol(url: str, first: str) -> None:
    """Enrol "speaker-N" with two samples, then add a third and replace them all by two."""
    store = open_store(url)
    for n in count(int(first)):
        speaker = f"speaker-{n}"
        for step in steps(store, speaker, replace=n % 3 == 0):
            print(speaker, step, flush=True)


if __name__ == "__main__":
    sqlite.BUSY_S = postgres.BUSY_S = 60.0  # the machine that tests may be a slow one
    {"add": add, "crowd": crowd, "enrol": enrol}[sys.argv[1]](*sys.argv[2:])
