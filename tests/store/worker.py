"""A process that uses a store, for tests with several of them, or with one that is killed.

    python -m store.worker add URL FIRST COUNT   adds samples to "ada", one at a time
    python -m store.worker enrol URL FIRST       enrols one speaker after the other, without end

It prints a line when a change was acknowledged.
"""

# ruff: noqa: T201 - a script

import sys
from itertools import count

from store.samples import PACK, sample
from voxgate.store import open_store, sqlite


def add(url: str, first: str, number: str) -> None:
    """Add `number` samples, numbered from `first`."""
    store = open_store(url)
    for n in range(int(first), int(first) + int(number)):
        store.enrol("ada", PACK, [sample(n)], mode="add")
        print(n, flush=True)


def enrol(url: str, first: str) -> None:
    """Enrol "speaker-N" with two samples, then add a third and replace them all by two."""
    store = open_store(url)
    for n in count(int(first)):
        speaker = f"speaker-{n}"
        store.enrol(speaker, PACK, [sample(1), sample(2)])
        print(speaker, "new", flush=True)
        store.enrol(speaker, PACK, [sample(3)], mode="add")
        print(speaker, "add", flush=True)
        if n % 3 == 0:
            store.enrol(speaker, PACK, [sample(4), sample(5)], mode="replace")
            print(speaker, "replace", flush=True)


if __name__ == "__main__":
    sqlite.BUSY_S = 60.0  # the machine that tests may be a slow one
    if sys.argv[1] == "add":
        add(*sys.argv[2:])
    else:
        enrol(*sys.argv[2:])
