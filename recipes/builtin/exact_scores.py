"""The scores that tests/test_builtin.py holds the built-in packs to.

    python recipes/builtin/exact_scores.py DATA/dev > tests/builtin_scores.csv

Every tenth trial of the two lists that are quick to hear. To be made anew with each new pack.
"""

import argparse
import csv
import sys
from pathlib import Path

from voxgate import load_pack
from voxgate.evaluate import Library, find_trials
from voxgate.evaluate.embeddings import embed_recordings
from voxgate.evaluate.trials import score_trials
from voxgate.packs import PACKS

LISTS = ("arabiccommands", "librispeech")
KINDS = ("cosine", "as_norm", "llr")
EVERY = 10


def main() -> None:
    """Write the table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of the dev trials")
    data = parser.parse_args().data
    lists = [trials for trials in find_trials([data]) if trials.name in LISTS]
    names = {name for trials in lists for name in trials.recordings()}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["pack", "list", "trial", *KINDS])
    for pack in map(load_pack, PACKS):
        embeddings = embed_recordings(pack, names, Library(data))
        for trials in lists:
            scores = score_trials(pack, trials, embeddings).by_kind
            for trial in range(0, len(scores["llr"]), EVERY):
                figures = (f"{scores[kind][trial]:.6g}" for kind in KINDS)
                writer.writerow([pack.name, trials.name, trial, *figures])


if __name__ == "__main__":
    main()
