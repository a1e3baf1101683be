"""Does training wait for its data? How fast recordings get into the cache, and batches out of it.

    python benchmarks/loading.py data/train --noise data --recipe recipes/ecapa-tdnn/experiment.toml
    python benchmarks/loading.py data/train --noise data --cache cache --steps 100

A recipe is really trained for some steps; the loop itself counts the share of the time in which it
waits, which a run's bar and log show too. Needs the extra: pip install 'voxgate[train]'.
"""

import argparse
import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from limits import Figure, conclude

from voxgate.audio import SAMPLE_RATE, open_audio
from voxgate.errors import AudioError
from voxgate.train.augment import Augmenter
from voxgate.train.cache import Corpus, build_cache
from voxgate.train.config import Experiment, build_experiment, read_table
from voxgate.train.corpora import read_corpus
from voxgate.train.loop import Folders, train
from voxgate.train.run_folder import open_run
from voxgate.train.sampling import Sampler
from voxgate.train.splits import training_and_held_out

RECIPE = Path(__file__).parents[1] / "recipes" / "ecapa-tdnn" / "experiment.toml"
WAITING = 0.05  # of the time, at most
DECODED, DRAWN = 200, 20  # recordings, batches


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder with manifest.csv")
    parser.add_argument("--noise", type=Path, required=True, help="holds noise/ and rir/")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--steps", type=int, default=60, help="of training")
    parser.add_argument("--cache", type=Path, help="one that training made; else it is made")
    parser.add_argument("--threads", type=int, default=1, help="of the processor, for the network")
    options = parser.parse_args()
    logging.disable()
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        folders = Folders(options.data, options.noise, options.cache or scratch / "cache")
        figures = [decoding(options.data, scratch)]
        table = read_table(options.recipe, [f"steps={options.steps}", "fine_tune.steps=0"])
        experiment = build_experiment(table, str(options.recipe))
        corpus = build_cache(read_corpus(options.data), folders.cache / "speech")
        figures += batches(experiment, corpus, options.noise)
        state = train(experiment, folders, open_run(scratch / "run", table, resume=False))
    step_ms = 1000 * (state.seconds - state.waited) / state.step
    print(f"{experiment.name}, {state.step} steps, {options.threads} thread(s), one loader\n")
    figures += [
        Figure("a step of training", step_ms, "ms"),
        Figure("waiting for data", state.waited / state.seconds, "of the time", limit=WAITING),
    ]
    conclude(figures)


def decoding(data: Path, scratch: Path) -> Figure:
    """Into the cache, voice activity detection included: processor seconds for one of sound."""
    recordings = read_corpus(data)
    some = np.random.default_rng(0).choice(len(recordings), min(DECODED, len(recordings)), False)
    chosen = [recordings[i] for i in some]
    seconds = sum(map(length_s, (r.path for r in chosen)))
    took_s = timed(lambda: build_cache(chosen, scratch / "some", jobs=1))
    return Figure("recording into the cache", took_s / seconds, "of real time")


def length_s(path: Path) -> float:
    """How long a recording is; 0 if it cannot be read."""
    try:
        with open_audio(path) as stream:
            return sum(map(len, stream)) / SAMPLE_RATE
    except AudioError:
        return 0.0


def batches(experiment: Experiment, corpus: Corpus, noise: Path) -> list[Figure]:
    """Milliseconds for a batch, before augmentation and with it."""
    chosen, _ = training_and_held_out(
        corpus, experiment.data.datasets, experiment.data.hold_out, experiment.seed
    )
    sampler = Sampler(corpus, chosen, experiment.sampling, experiment.seed)
    augment, rng = Augmenter(noise, experiment.augment), np.random.default_rng(0)
    number = itertools.count()
    drawn_s = timed(lambda: sampler.draw(next(number)), DRAWN)
    whole_s = timed(lambda: augment(sampler.draw(next(number)).waveforms, rng), DRAWN)
    return [
        Figure("a batch out of the cache", 1000 * drawn_s, "ms"),
        Figure("a batch, augmented", 1000 * whole_s, "ms"),
    ]


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Seconds for one of several runs, on average."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


if __name__ == "__main__":
    main()
