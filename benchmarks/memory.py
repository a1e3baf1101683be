"""Embed thousands of recordings of different lengths and print the resident memory as it goes.

onnxruntime keeps memory for every new input length; voxgate gives it only a few lengths, so
after a warm-up the figure must stay where it is, however many recordings come.

    python benchmarks/memory.py                 # 10,000 recordings of 1 to 30 s
    python benchmarks/memory.py --count 1500

Linux only (it reads /proc/self/status).
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, load
from voxgate.embed import Embedder
from voxgate.errors import TooLittleSpeechError
from voxgate.packs import DEFAULT_PACK, load_pack

VOICES = Path(__file__).parents[1] / "examples" / "voices"
SHORTEST_S, LONGEST_S = 1.0, 30.0
LINES = 20  # of output


def resident_mb() -> float:
    """Resident memory of this process, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="how many recordings")
    parser.add_argument("--pack", default=DEFAULT_PACK, help="a pack's name, folder or zip file")
    options = parser.parse_args()
    embedder = Embedder(load_pack(options.pack))
    speech = np.concatenate([load(path) for path in sorted(VOICES.glob("*.flac"))])
    print(f"{embedder.pack.id}: {options.count:,} recordings of {SHORTEST_S:g} to {LONGEST_S:g} s")
    run(embedder, speech, options.count)


def run(embedder: Embedder, speech: NDArray[np.float32], count: int) -> None:
    """Embed random cuts of the speech and print a line now and then."""
    random = np.random.default_rng(0)
    started, heard_s, lacking = time.perf_counter(), 0.0, 0
    for number in range(1, count + 1):
        samples = int(random.uniform(SHORTEST_S, LONGEST_S) * SAMPLE_RATE)
        start = random.integers(len(speech) - samples)
        try:
            embedder.embed(speech[start : start + samples])
        except TooLittleSpeechError:  # the cut fell on a pause
            lacking += 1
        heard_s += samples / SAMPLE_RATE
        if number in (1, 10, 100) or number % max(1, count // LINES) == 0:
            print(f"{number:>7,} recordings   {resident_mb():6.1f} MB resident", flush=True)
    took_s = time.perf_counter() - started
    print(
        f"{heard_s / 3600:.1f} h of recordings in {took_s:.0f} s: {took_s / heard_s:.4f} of real "
        f"time on one thread, voice activity detection included ({lacking} had too little speech)"
    )


if __name__ == "__main__":
    main()
