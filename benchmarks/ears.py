"""What it costs to let a worker process embed a recording of 3 s, instead of doing it oneself.

python benchmarks/ears.py
"""

import time
from statistics import median

from limits import Figure, conclude
from service_sides import probes

from voxgate import Embedder, load_pack
from voxgate.server.ears import Ears

ROUNDS = 40
LIMIT_MS = 1.0


def main() -> None:
    """Embed the same recordings in turns, and print the difference."""
    pack = load_pack("ecapa-compact")
    cuts = [cut for each in probes().values() for cut in each]
    embedder, ears = Embedder(pack), Ears(pack, workers=1, waiting=1)
    bare, more = [], []
    for turn in range(ROUNDS + 2):
        for cut in cuts:
            started = time.perf_counter()
            embedder.embed(cut)
            between = time.perf_counter()
            ears.embed(cut)
            ended = time.perf_counter()
            if turn >= 2:  # both are warm
                bare.append(1e3 * (between - started))
                more.append(1e3 * (ended - between) - bare[-1])
    ears.close()
    conclude(
        [
            Figure("a recording of 3 s, embedded here", median(bare), "ms"),
            Figure("by a worker: longer by", median(more), "ms", limit=LIMIT_MS),
        ]
    )


if __name__ == "__main__":
    main()
