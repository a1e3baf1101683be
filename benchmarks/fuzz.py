"""Damaged recordings of every format, sent to a running service.

    python benchmarks/fuzz.py                       # 2,000 of them

Each is a synthetic recording that was encoded and then truncated, had bits flipped, or bytes
zeroed, repeated or taken out; the seed makes them the same ones again. Most must be refused with
4xx. Some are still sound, as a WAV file with a few other samples is: these may be answered.
Nothing else may happen: no 5xx, no connection cut, no process that ended, no memory that grows.
"""

import argparse
import http.client
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from limits import Figure, conclude
from service_sides import VOICES, Service, running

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from encoding import FORMATS, encode  # every format that is promised

SOUND_S = 2.0
WARM_UP = 500  # recordings, after which memory is looked at first
PATH = "/v1/speakers/ada/verify"
DAMAGES = ("truncated", "flipped", "zeroed", "repeated", "taken out")


def main() -> None:
    """Send them all, and print what was answered."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    bodies = list(damaged(options.count, options.seed))
    with running(options.workers) as service:
        send(service, bodies[:WARM_UP])
        before, workers = service.resident_mb(), pids(service)
        started = time.monotonic()
        answers = send(service, bodies[WARM_UP:])
        took_s = time.monotonic() - started
        after, lost = service.resident_mb(), len(workers - pids(service))
        alive = status(service.port, bodies[0][1]) < 500
    report(answers)
    bad = sum(count for (_, code), count in answers.items() if not 200 <= code < 500)
    print(f"{sum(answers.values())} in {took_s:.0f} s; memory {before:.0f} to {after:.0f} MB")
    conclude(
        [
            Figure("answered with 5xx, or not at all", bad, "", limit=0),
            Figure("processes that died", lost, "", limit=0),
            Figure("service that does not answer afterwards", 0 if alive else 1, "", limit=0),
            Figure("memory afterwards, of that before", after / before, "", limit=1.1),
        ]
    )


def damaged(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many recordings, of all formats and damages in turns: the damage, and the file."""
    chance = np.random.default_rng(seed)
    waveform, rate = soundfile.read(VOICES / "ada-1.flac", dtype="float32")
    with tempfile.TemporaryDirectory() as folder:
        cut = waveform[rate // 2 :][: round(SOUND_S * rate)]
        whole = [encode(cut, kind, Path(folder) / "x", rate=rate).read_bytes() for kind in FORMATS]
    for i in range(count):
        damage = DAMAGES[i // len(whole) % len(DAMAGES)]
        yield damage, harm(whole[i % len(whole)], damage, chance)


def harm(content: bytes, damage: str, chance: np.random.Generator) -> bytes:
    """A file with one damage; half of the time at its start, where its headers are."""
    size = len(content) if chance.random() < 0.5 else min(len(content), 256)
    at = int(chance.integers(size))
    length = int(chance.integers(1, 400))
    octets = bytearray(content)
    if damage == "truncated":
        return bytes(octets[:at]) or b"R"
    if damage == "flipped":
        for place in chance.integers(size, size=chance.integers(1, 50)):
            octets[place] ^= 1 << int(chance.integers(8))
    elif damage == "zeroed":
        octets[at : at + length] = bytes(len(octets[at : at + length]))
    elif damage == "repeated":
        octets[at:at] = octets[at : at + length]
    else:
        del octets[at : at + length]
    return bytes(octets) or b"R"


def send(service: Service, bodies: list[tuple[str, bytes]]) -> Counter[tuple[str, int]]:
    """How many of each damage had which answer."""
    with ThreadPoolExecutor(service.workers) as threads:
        codes = threads.map(lambda each: status(service.port, each[1]), bodies)
        return Counter((damage, code) for (damage, _), code in zip(bodies, codes, strict=True))


def status(port: int, body: bytes) -> int:
    """The answer's status; 0 where there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", PATH, body, {"Content-Type": "application/octet-stream"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def pids(service: Service) -> set[int]:
    """The processes of the service."""
    return {service.process.pid, *(child.pid for child in service.process.children(True))}


def report(answers: Counter[tuple[str, int]]) -> None:
    """A row for each damage."""
    codes = sorted({code for _, code in answers})
    print("".ljust(10), *(str(code).rjust(6) for code in codes))
    for damage in DAMAGES:
        print(damage.ljust(10), *(str(answers[damage, code]).rjust(6) for code in codes))


if __name__ == "__main__":
    main()
