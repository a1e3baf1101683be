"""`python -m voxgate.evaluate DATA`: how well a pack does on lists of trials.

DATA holds `*.trials` and the recordings that they name.
"""

import argparse
import sys
from pathlib import Path

from voxgate.errors import VoxgateError
from voxgate.evaluate.summary import as_markdown, summarise
from voxgate.evaluate.trials import embed_recordings, pooled, read_trials, score_trials
from voxgate.packs import DEFAULT_PACK, Pack, load_pack


def evaluate(pack: Pack, folder: Path, *, threads: int = 1) -> dict[str, dict[str, float]]:
    """Figures of each list of trials in `folder`, and of all of them pooled.

    Raises:
        ScoringError: a list cannot be read.
    """
    lists = [read_trials(path) for path in sorted(folder.glob("*.trials"))]
    names = {name for trials in lists for name in (*trials.enrolled, *trials.probe)}
    embeddings = embed_recordings(pack, names, folder, threads=threads)
    scores = [score_trials(pack, trials, embeddings) for trials in lists]
    return {s.trials.name: summarise(s) for s in (*scores, pooled(scores))}


def main() -> int:
    """Print the table; 2 with one sentence on standard error if that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m voxgate.evaluate", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    try:
        figures = evaluate(load_pack(arguments.pack), arguments.data, threads=arguments.threads)
    except (VoxgateError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(as_markdown(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
