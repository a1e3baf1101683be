"""Verifications a second by the service, beside what the bare embedder does in the same run.

    python benchmarks/service.py                    # throughput, latency, 1, 8 and 64 clients
    python benchmarks/service.py --overload         # four times of what it can do, then half
    python benchmarks/service.py --soak 30          # so many minutes at half load

The service is one of its own with an empty store, on this machine; the load comes from this
process and takes its share of the cores. Probes are 3 s cuts of the synthetic voices, as WAV.
The bare side is one process a core, each with an Embedder on one thread that reads the same
probes from memory. Linux only (memory is read from /proc).
"""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import psutil
from http_load import Load, closed, open_
from limits import Figure, conclude
from service_sides import Bare, Service, running

ENOUGH = 0.8  # of what the bare embedder does
CLIENTS = (1, 8, 64)
BUSY = 2  # clients for each worker: one is heard, one waits
MOST_GROWTH = 0.05  # of resident memory after the first minutes of a soak
SETTLING_MIN = 5
EVERY_S = 10.0  # memory is read
OVERLOAD, SLOWER, RECOVERY_S = 4, 3, 5.0  # times capacity; times the usual p99; seconds


@dataclass
class Bench:
    """What is measured, and for how long at a time."""

    service: Service
    bare: Bare
    seconds: float
    rounds: int

    def closed(self, clients: int) -> Load:
        return asyncio.run(
            closed(self.service.port, self.service.requests, clients=clients, seconds=self.seconds)
        )

    def closed_and_cpu(self, clients: int) -> tuple[Load, float]:
        """The load, and the seconds of a core that the service spent on it."""
        before = self.service.cpu_s()
        return self.closed(clients), self.service.cpu_s() - before

    def open(self, rate: float, seconds: float | None = None) -> Load:
        return asyncio.run(
            open_(
                self.service.port,
                self.service.requests,
                rate=rate,
                seconds=seconds or self.seconds,
            )
        )

    def capacity(self) -> float:
        """Answers a second with as many clients as keep every worker busy."""
        load = self.closed(BUSY * self.service.workers)
        told("capacity", load)
        return load.rate


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of both sides, in turns")
    parser.add_argument("--workers", type=int, default=psutil.cpu_count() or 1)
    parser.add_argument("--overload", action="store_true")
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    options = parser.parse_args()
    work: Callable[[Bench], list[Figure]] = throughput
    if options.overload:
        work = overload
    elif options.soak:
        work = lambda bench: soak(bench, options.soak)  # noqa: E731 - one of three
    with running(options.workers) as service, Bare(options.workers) as bare:
        print(f"{options.workers} workers; load average {psutil.getloadavg()[0]:.1f}")
        figures = work(Bench(service, bare, options.seconds, options.rounds))
        print(f"load average {psutil.getloadavg()[0]:.1f} at the end")
    conclude(figures)


def throughput(bench: Bench) -> list[Figure]:
    """Both sides in turns; then latency at half load, and with several numbers of clients."""
    ratios, per_core, rates = [], [], []
    for _ in range(bench.rounds):
        before = bench.bare.work(bench.seconds / 2)
        load, cpu_s = bench.closed_and_cpu(BUSY * bench.service.workers)
        after = bench.bare.work(bench.seconds / 2)
        bare, of_a_core = ((x + y) / 2 for x, y in zip(before, after, strict=True))
        ratios.append(bare / load.rate)
        per_core.append(of_a_core * cpu_s / load.statuses[200])
        rates.append(load.rate)
        told(f"bare {before[0]:.1f} and {after[0]:.1f} a second; service", load)
    half = bench.open(median(rates) / 2)
    told("half load", half)
    for clients in CLIENTS:
        told(f"{clients} clients", bench.closed(clients))
    return [  # `limits` wants less to be better
        Figure("bare / service, verifications a second", median(ratios), "", limit=1 / ENOUGH),
        Figure("bare / service, for each second of a core", median(per_core), ""),
        Figure("errors at half load", half.errors + half.shed, "", limit=0),
    ]


def overload(bench: Bench) -> list[Figure]:
    """Usual load, far too much, and usual load again."""
    capacity = bench.capacity()
    usual = bench.open(capacity / 2)
    told("half load", usual)
    much = bench.open(OVERLOAD * capacity)
    told(f"{OVERLOAD} x capacity", much)
    told("the 5 s after it", bench.open(capacity / 2, RECOVERY_S))
    after = bench.open(capacity / 2)
    told("after that", after)
    p99 = usual.percentile_ms(99)
    return [
        Figure("errors", much.errors + after.errors + after.shed, "", limit=0),
        Figure("p99 of the accepted", much.percentile_ms(99), "ms", p99, SLOWER * p99),
        Figure("p99 once recovered", after.percentile_ms(99), "ms", p99, SLOWER * p99),
    ]


def soak(bench: Bench, minutes: float) -> list[Figure]:
    """Half load for long; the memory of all the service's processes, and errors."""
    rate = bench.capacity() / 2
    marks: list[tuple[float, float]] = []  # minutes, MB
    load = asyncio.run(_soaked(bench, rate, minutes, marks))
    told(f"{minutes:g} minutes at half load", load)
    for minute, resident_mb in marks[:: max(1, len(marks) // 20)]:
        print(f"{minute:6.1f} min  {resident_mb:7.1f} MB")
    settled = [mb for minute, mb in marks if minute >= min(SETTLING_MIN, minutes / 2)]
    head, tail = median(settled[:6]), median(settled[-6:])
    return [
        Figure("growth of resident memory", tail / head - 1, "", limit=MOST_GROWTH),
        Figure("errors", load.errors + load.shed, "", limit=0),
    ]


async def _soaked(
    bench: Bench, rate: float, minutes: float, marks: list[tuple[float, float]]
) -> Load:
    async def watch() -> None:
        start = asyncio.get_running_loop().time()
        while True:
            passed_min = (asyncio.get_running_loop().time() - start) / 60
            marks.append((passed_min, bench.service.resident_mb()))
            await asyncio.sleep(EVERY_S)

    watching = asyncio.create_task(watch())
    service = bench.service
    load = await open_(service.port, service.requests, rate=rate, seconds=60 * minutes)
    watching.cancel()
    return load


def told(what: str, load: Load) -> None:
    """Print what came of a load."""
    latencies = "/".join(f"{load.percentile_ms(percent):.0f}" for percent in (50, 95, 99))
    late = f"; sent up to {1000 * max(load.late_s):.0f} ms late" if load.late_s else ""
    print(
        f"{what}: {load.rate:.1f} a second of {load.sent / load.seconds:.1f} sent, "
        f"p50/p95/p99 {latencies} ms, {load.shed} shed, {load.errors} errors{late}",
        flush=True,
    )


if __name__ == "__main__":
    main()
