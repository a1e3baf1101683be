"""How long an exact 1:N search takes, beside one pass over its matrix at memory bandwidth.

    python benchmarks/search.py --voices 1_000_000 --dim 192

The pass is the fastest way found to read every byte of the matrix once: an integer reduction
over it, on one thread or on all that are given, whichever is quicker. All times are medians,
and those that are compared are taken in turns, so that both feel what else the machine does.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from statistics import median

import numpy as np
from numpy.typing import NDArray

from voxgate.search import Gallery
from voxgate.store import Voiceprint

ROUNDS = 15
TOP = 10


def main() -> None:
    """Build the gallery, time everything in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--voices", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=192)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    matrix = random_voices(options.voices, options.dim)
    probe = matrix[options.voices // 2] + 0.02 * random_voices(1, options.dim, seed=1)[0]
    galleries = {n: gallery_of(matrix, n) for n in sorted({1, options.threads})}
    del matrix

    any_gallery = galleries[1]
    expected = np.argsort(-(any_gallery.matrix @ probe), kind="stable")[:TOP]
    for gallery in galleries.values():
        found = [name for name, _ in gallery.top(probe, TOP)]
        if found != [gallery.names[i] for i in expected]:
            raise SystemExit("The search does not find what a full sort finds.")

    tasks: dict[str, Callable[[], object]] = {}
    for threads, gallery in galleries.items():
        tasks[f"pass, {threads} thread(s)"] = reader(gallery.matrix, threads)
        tasks[f"top {TOP}, {threads} thread(s)"] = searcher(gallery, probe)
    tasks["numpy's matrix @ probe (BLAS)"] = lambda: any_gallery.matrix @ probe
    report(in_turns(tasks), any_gallery.matrix.nbytes, options.voices, options.dim)


def random_voices(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Random directions, (count, dim)."""
    voices = np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    return voices


def gallery_of(matrix: NDArray[np.float32], threads: int) -> Gallery:
    """A gallery of these voices, named by their row."""
    now = datetime.now(timezone.utc)
    return Gallery(
        [Voiceprint(f"{i:09d}", "random@1", row, 10.0, 1, now) for i, row in enumerate(matrix)],
        threads=threads,
    )


def searcher(gallery: Gallery, probe: NDArray[np.float32]) -> Callable[[], object]:
    """A search for the probe."""
    return lambda: gallery.top(probe, TOP)


def reader(matrix: NDArray[np.float32], threads: int) -> Callable[[], object]:
    """Something that reads every byte of the matrix once."""
    parts = np.array_split(matrix.reshape(-1).view(np.int32), threads)

    def read() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(np.bitwise_or.reduce, parts))

    return read


def in_turns(tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each task."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
    return {name: median(taken) for name, taken in times.items()}


def report(times: dict[str, float], size: int, voices: int, dim: int) -> None:
    """Print the times and their ratio to the fastest pass."""
    one_pass = min(taken for name, taken in times.items() if name.startswith("pass"))
    print(f"{voices:,} voices of {dim} float32, {size / 1e6:,.0f} MB; median of {ROUNDS} rounds")
    print(f"one pass: {1e3 * one_pass:.1f} ms, {size / one_pass / 1e9:.1f} GB/s")
    for name, taken in times.items():
        print(f"  {name:32} {1e3 * taken:8.1f} ms  {taken / one_pass:5.2f} x one pass")


if __name__ == "__main__":
    main()
