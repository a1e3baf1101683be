"""From recording to embedding on one thread, voice activity detection included.

    python benchmarks/speed.py recordings/ --peer peer/bin/python
    python benchmarks/speed.py                      # the synthetic voices, no peer

Of Resemblyzer it runs `preprocess_wav` and `embed_utterance`. Each side is a process of its
own, in turns, and warms up on the first recordings before the clock starts. Processor time is
counted, of all threads, so that other programs do not count; over the recordings that both can
embed, reading and decoding included.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from limits import Figure, conclude

VOICES = Path(__file__).parents[1] / "examples" / "voices"
LIMIT = 0.01  # of real time
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}  # what both can read
WARM_UP = 3  # recordings
SIDES = ("voxgate", "resemblyzer")

Times = dict[str, float]  # recording -> seconds to embed it


def main() -> None:
    """Run both sides in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recordings", nargs="?", type=Path, default=VOICES, metavar="FOLDER")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has Resemblyzer")
    parser.add_argument("--count", type=int, default=100, help="of recordings, spread evenly")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)  # what is run inside
    options = parser.parse_args()
    paths = chosen(options.recordings, options.count)
    if options.side:
        print(json.dumps(measure(options.side, paths)))
        return
    pythons = {"voxgate": sys.executable, "resemblyzer": options.peer}
    sides = {side: python for side, python in pythons.items() if python}
    rounds = [
        {side: in_process(python, side, options) for side, python in sides.items()}
        for _ in range(options.rounds)
    ]
    report(rounds, durations(paths))


def chosen(folder: Path, count: int) -> list[Path]:
    """As many recordings of the folder, spread evenly over it."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SystemExit(f"{folder}: no recording there.")
    return found[:: max(1, len(found) // count)][:count]


def in_process(python: str, side: str, options: argparse.Namespace) -> Times:
    """Measure one side in a fresh process that may use one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    words = [str(options.recordings), "--count", str(options.count), "--side", side]
    command = [python, __file__, *words]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **one}
    )
    times: Times = json.loads(done.stdout.splitlines()[-1])
    return times


def measure(side: str, paths: list[Path]) -> Times:
    """Embed each recording, and say how long it took; leave out those that cannot be."""
    embed = {"voxgate": voxgate_side, "resemblyzer": resemblyzer_side}[side]()
    times = {}
    for path in [*paths[:WARM_UP], *paths]:
        start = time.process_time()
        try:
            embed(path)
        except Exception as error:  # noqa: BLE001 - a peer's errors are of any kind
            print(f"{side}: {path.name}: {error}", file=sys.stderr)
            continue
        times[str(path)] = time.process_time() - start  # the second time, for the warm-up
    return times


def voxgate_side() -> Callable[[Path], object]:
    """What embeds a recording here."""
    from voxgate import Embedder, load_pack  # noqa: PLC0415 - the peer has no voxgate

    return Embedder(load_pack(os.environ.get("VOXGATE_PACK") or "ecapa-compact"), threads=1).embed


def resemblyzer_side() -> Callable[[Path], object]:
    """What embeds a recording there."""
    import torch  # noqa: PLC0415
    from resemblyzer import VoiceEncoder, preprocess_wav  # noqa: PLC0415

    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu", verbose=False)
    return lambda path: encoder.embed_utterance(preprocess_wav(path))


def durations(paths: list[Path]) -> Times:
    """Seconds of each recording."""
    import soundfile  # noqa: PLC0415 - the peer's side does not need it

    return {str(path): soundfile.info(path).duration for path in paths}


def report(rounds: list[dict[str, Times]], duration_s: Times) -> None:
    """Print the share of real time that each side needs, the median of the rounds."""
    common = set(duration_s).intersection(*(times for sides in rounds for times in sides.values()))
    total_s = sum(duration_s[path] for path in common)
    shares = {
        side: median(sum(sides[side][path] for path in common) / total_s for sides in rounds)
        for side in rounds[0]
    }
    print(f"{len(common)} recordings, {total_s:.0f} s; one thread, median of {len(rounds)} rounds")
    conclude(
        [Figure("share of real time", shares["voxgate"], "", shares.get("resemblyzer"), LIMIT)]
    )


if __name__ == "__main__":
    main()
