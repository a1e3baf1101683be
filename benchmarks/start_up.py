"""How long it takes until something happens: the import, the help, a comparison.

    python benchmarks/start_up.py
    python benchmarks/start_up.py --peer peer/bin/python    # beside Resemblyzer's import

Each is done by fresh processes, in turns; the times are medians. One run of each before them,
not counted, brings the files into memory. To see a machine just started, as root:
`sync; echo 3 > /proc/sys/vm/drop_caches`, then --rounds 1 --unwarmed.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from limits import Figure, conclude

VOICES = Path(__file__).parents[1] / "examples" / "voices"
IMPORT_LIMIT_S, COMPARE_LIMIT_S = 0.1, 0.7


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has Resemblyzer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--unwarmed", action="store_true", help="count the first run too")
    parser.add_argument("--recordings", nargs=2, metavar="FILE", type=Path,
                        default=[VOICES / "ada-1.flac", VOICES / "ada-2.flac"])  # fmt: skip
    options = parser.parse_args()
    tasks: dict[str, Callable[[], float]] = {
        "import": lambda: import_s(sys.executable, "voxgate"),
        "help": lambda: command_s("--help"),
        "compare": lambda: command_s("compare", *map(str, options.recordings)),
    }
    if options.peer:
        tasks["peer"] = lambda: import_s(options.peer, "resemblyzer")
    times = in_turns(tasks, options.rounds, warm_up=not options.unwarmed)
    print(f"Fresh processes, median of {options.rounds}, Python {sys.version.split()[0]}")
    conclude(
        [
            Figure("import", times["import"], "s", times.get("peer"), IMPORT_LIMIT_S),
            Figure("voxgate --help, wall", times["help"], "s"),
            Figure("voxgate compare A B, wall", times["compare"], "s", limit=COMPARE_LIMIT_S),
        ]
    )


def import_s(python: str, module: str) -> float:
    """Seconds that an import takes, without the start of the interpreter."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def command_s(*words: str) -> float:
    """Seconds from the start of the command to its end."""
    script = Path(sys.executable).with_name("voxgate")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "voxgate"]
    start = time.perf_counter()
    done = subprocess.run([*command, *words], check=False, capture_output=True, text=True)
    took_s = time.perf_counter() - start
    if done.returncode not in (0, 1):  # 1 is an answer too: another voice
        raise SystemExit(f"voxgate {' '.join(words)} failed: {done.stderr.strip()}")
    return took_s


def in_turns(
    tasks: dict[str, Callable[[], float]], rounds: int, *, warm_up: bool
) -> dict[str, float]:
    """Median seconds of each task; in turns, so that all feel what else the machine does."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + warm_up):
        for name, task in tasks.items():
            times[name].append(task())
    return {name: median(taken[warm_up:]) for name, taken in times.items()}


if __name__ == "__main__":
    main()
