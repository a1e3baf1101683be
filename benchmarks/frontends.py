"""Front ends: how far from their reference implementations, and how fast.

    python benchmarks/frontends.py
    python benchmarks/frontends.py --write docs/models/frontends.md    # the tables there

Speed is processor time on one thread, over 30 s, the median of rounds in which each takes its
turn; next to it kaldi-native-fbank, which takes a list and gives its frames one by one.
"""

import os

for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_pool] = "1"  # before numpy is loaded

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402

from frontend_references import Case, cases, difference, kaldi_options, sounds  # noqa: E402

from voxgate.frontends import make_front_end  # noqa: E402

LIMIT = 0.002  # of real time
PEER = "kaldi-native-fbank"


def main() -> int:
    """Print both tables; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    tried = cases()
    parity, exact = parity_table(tried)
    speed, fast = speed_table(tried, options.rounds)
    print(f"{parity}\n{speed}")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        for name, table in (("parity", parity), ("speed", speed)):
            page = between(page, name, table)
        options.write.write_text(page, encoding="utf-8")
    return 0 if exact and fast else 1


def parity_table(tried: list[Case]) -> tuple[str, bool]:
    """Largest absolute differences by sound, and whether all are within their limits."""
    heard = sounds()
    rows = [["front end", "measured against", *heard, "limit", "in silence"]]
    exact = True
    for case in tried:
        found = {name: difference(case, sound) for name, sound in heard.items()}
        exact &= all(
            value <= (case.limit_in_silence if name == "silence" else case.limit)
            for name, value in found.items()
        )
        figures = [f"{value:.1e}" if value else "0" for value in found.values()]
        limits = [f"{case.limit:g}", f"{case.limit_in_silence:g}"]
        rows.append([case.name, case.against, *figures, *limits])
    return as_markdown(rows), exact


def speed_table(tried: list[Case], rounds: int) -> tuple[str, bool]:
    """Share of real time by front end, and whether all are within the limit."""
    sound = sounds()["30 s"]
    kaldi = tried[0]
    sides: dict[str, Callable[[], object]] = {
        case.name: partial(make_front_end(case.options).features, sound) for case in tried
    }
    sides[PEER] = lambda: native(kaldi, sound.tolist())
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) / 30)
    shares = {name: median(taken) for name, taken in times.items()}
    rows = [["front end", "share of real time", f"of {PEER}'s", "limit"]]
    for name, share in shares.items():
        limit = "" if name == PEER else f"{LIMIT:g}"
        rows.append([name, f"{share:.5f}", f"{share / shares[PEER]:.2f}", limit])
    return as_markdown(rows), all(s <= LIMIT for name, s in shares.items() if name != PEER)


def native(case: Case, samples: list[float]) -> list[object]:
    """All frames from kaldi-native-fbank."""
    import kaldi_native_fbank  # noqa: PLC0415

    fbank = kaldi_native_fbank.OnlineFbank(kaldi_options(case.options))
    fbank.accept_waveform(16_000, samples)
    fbank.input_finished()
    return [fbank.get_frame(i) for i in range(fbank.num_frames_ready)]


def as_markdown(rows: list[list[str]]) -> str:
    """A table; the first row is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def between(page: str, name: str, table: str) -> str:
    """The page with this table between the marks of that name."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}{table}{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
