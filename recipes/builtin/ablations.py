"""What each ingredient of the recipe is worth, and which architecture learns most in a given time.

    python recipes/builtin/ablations.py DATA CACHE OUT [--only NAME …]

DATA has train/, dev/, noise/ and rir/. Most rows of the table are short runs of the recipe with one
thing changed: they begin with the same weights, and in each the learning rate falls to 0. The last
rows are recipes of other architectures, from chance, each with as many steps as fit in one time.
What is measured is the EER in % of the trained network alone, by cosine: of held-out speakers, all
pairs; on the dev trials as recorded; and, as the mean of the two large sets, with the probe's
speech changed. OUT keeps every run: one that was stopped goes on, one that is done is not done
again.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from noisy_speech import CONDITIONS
from numpy.typing import NDArray
from torch import Tensor

from voxgate.atomic import complete_or_absent
from voxgate.audio import Waveform
from voxgate.evaluate import Trials, eer, find_trials
from voxgate.evaluate.trials import POOLED, pooled_trials
from voxgate.train.augment import Augmenter
from voxgate.train.begin import begin
from voxgate.train.cache import Corpus, build_cache
from voxgate.train.config import Experiment, build_experiment, read_table
from voxgate.train.corpora import read_corpus
from voxgate.train.judge import embed_speech
from voxgate.train.loop import Folders, divide, open_corpus, train
from voxgate.train.model import SpeakerModel
from voxgate.train.run_folder import RunFolder, open_run
from voxgate.train.sampling import Sampler
from voxgate.train.state import start

RECIPES = Path(__file__).parents[1]
RECIPE = RECIPES / "builtin" / "ecapa-compact.toml"
SHORT = ("steps=100", "fine_tune.steps=100", "checkpoint_every=100")
VARIATIONS: dict[str, Sequence[str]] = {
    "as it is": (),
    "as it is, seed 2": ("seed=2",),
    "one speed": ("sampling.speeds=[1.0]",),
    "three speeds, one speaker": ("sampling.speed_is_speaker=false",),
    "no margin": ("loss.margin=0.0", "loss.fine_tune_margin=0.0"),
    "margin 0.35": ("loss.margin=0.35", "loss.fine_tune_margin=0.35"),
    "inter-top-k, 5 classes": ("loss.top=5",),
    "crops of 2.6 s only": ("sampling.crop_s=[2.6]", "sampling.crop_weight=[1.0]"),
    "crops of 0.6 s only": ("sampling.crop_s=[0.6]", "sampling.crop_weight=[1.0]"),
    "every set as often": ("sampling.dataset_weight={}",),
    "nothing augmented": ("augment.share=0.0",),
    "everything augmented": ("augment.share=1.0",),
    "without noise": ("augment.noise=0.0",),
    "without rooms": ("augment.room=0.0",),
    "without microphones": ("augment.microphone=0.0",),
    "without codecs": tuple(
        f"augment.{kind}=0.0" for kind in ("telephone", "low_pass", "mp3", "clip")
    ),
}
ARCHITECTURES = (
    "ecapa-tdnn",
    "redimnet",
    "resnet34",
)  # their recipes: the same data, crops, changes and loss
BUDGET_S = 600.0
LAST_PHASE = 0.08  # share of an architecture's steps that are its last phase
HEARD = ("as recorded", "noise, 5 dB", "a room", "another microphone", "telephone")
SETS = ("commonvoice", "speechcommands", "librispeech", "voxforge")
LARGE = SETS[:2]  # of more than 100 people each
Errors = dict[str, dict[str, float]]  # condition -> list of trials -> EER in %


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path, help="decoded speech, made if it is not there")
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=(*VARIATIONS, *ARCHITECTURES), default=())
    options = parser.parse_args()
    lab = Lab(options.data, options.cache, options.out)
    for name in options.only or (*VARIATIONS, *ARCHITECTURES):
        if name in VARIATIONS:
            lab.vary(name)
        else:
            lab.compare(name)
    print("\n".join(lab.table()))


@dataclass(frozen=True)
class Lab:
    """Where runs are made, and what they are measured on."""

    data: Path
    cache: Path
    out: Path

    def vary(self, name: str) -> None:
        """Run the recipe with one thing changed, and measure it."""
        table = read_table(RECIPE, (*SHORT, *VARIATIONS[name]))
        run = open_run(self.out / slug(name), table, resume=True)
        experiment = build_experiment(table, name)
        if not run.checkpoint.is_file():
            with complete_or_absent(run.checkpoint) as part:
                shutil.copy(self._beginning(experiment), part)
        self._finish(experiment, run)

    def compare(self, name: str) -> None:
        """Run an architecture's recipe for as long as every one, and measure it."""
        recipe, folder = RECIPES / name / "experiment.toml", self.out / name
        known = folder / "experiment.toml"
        steps = read_table(known)["steps"] if known.is_file() else self._steps_in(BUDGET_S, recipe)
        table = read_table(recipe, steps_of(steps))
        self._finish(build_experiment(table, name), open_run(folder, table, resume=True))

    def table(self) -> Iterator[str]:
        """Markdown: what every run that is done came to."""
        heads = ["steps", "minutes", *(f"held out: {each}" for each in LARGE), *SETS, POOLED]
        heads += [f"mean: {each}" for each in HEARD]
        yield f"| | {' | '.join(heads)} |"
        yield f"|---|{'---:|' * len(heads)}"
        for name in (*VARIATIONS, *ARCHITECTURES):
            run = RunFolder(self.out / slug(name))
            if not (run.path / "dev.json").is_file():
                continue
            last = run.lines()[-1]
            for label, errors in json.loads((run.path / "dev.json").read_text()).items():
                rates = [last["held_out_eer"][each] for each in LARGE]
                rates += [errors[HEARD[0]][each] for each in (*SETS, POOLED)]
                rates += [fmean(errors[condition][each] for each in LARGE) for condition in HEARD]
                cells = [f"{last['step']}", f"{last['seconds'] / 60:.1f}"]
                cells += [f"{rate:.1f}" for rate in rates]
                yield f"| {name}{label} | {' | '.join(cells)} |"

    def _finish(self, experiment: Experiment, run: RunFolder) -> None:
        """Train to the end, and measure, unless that is done."""
        if (run.path / "dev.json").is_file():
            return
        state = train(experiment, self._folders, run)
        found = {"": self._errors(state.average)}
        if run.path.name == slug(next(iter(VARIATIONS))):
            found[", without the average"] = self._errors(state.model)
        (run.path / "dev.json").write_text(json.dumps(found, indent=1) + "\n")
        print(run.path.name, run.lines()[-1], found, flush=True)

    def _beginning(self, experiment: Experiment) -> Path:
        """A checkpoint of step 0: the same for every run of these speakers and classes."""
        corpus = open_corpus(self._folders)
        chosen, _, _ = divide(corpus, experiment)
        sampler = Sampler(corpus, chosen, experiment.sampling, experiment.seed)
        path = self.out / f"begun-{experiment.seed}-{sampler.classes}.pt"
        if not path.is_file():
            state = start(experiment, sampler.classes, torch.device("cpu"))
            begin(state, experiment, corpus, chosen)
            state.save(path)
        return path

    def _steps_in(self, seconds: float, recipe: Path) -> int:
        """How many steps of a recipe take so long, by a few of them."""
        table = read_table(recipe, ("steps=12", "fine_tune.steps=0", "data.hold_out=0.0"))
        marks: list[float] = []
        with TemporaryDirectory() as folder:
            run = open_run(Path(folder) / "run", table, resume=False)
            experiment = build_experiment(table, str(recipe))
            train(experiment, self._folders, run, watch=lambda _: marks.append(time.monotonic()))
        return int(seconds / median(np.diff(marks[3:])))

    @property
    def _folders(self) -> Folders:
        return Folders(self.data / "train", self.data, self.cache)

    def _errors(self, model: SpeakerModel) -> Errors:
        """EER in % of each list of dev trials and of all, by condition."""
        heard = {condition: _embed(model, self._speech[condition]) for condition in HEARD}
        return {
            condition: self._rates(heard[HEARD[0]], changed) for condition, changed in heard.items()
        }

    def _rates(self, enrolled: NDArray[np.float32], probe: NDArray[np.float32]) -> dict[str, float]:
        """EER in % of each list of trials and of all, from the embeddings of either side."""
        row = {name: number for number, name in enumerate(self._dev.names)}
        rates = {}
        for trials in self._lists:
            one = enrolled[[row[name] for name in trials.enrolled]]
            other = probe[[row[name] for name in trials.probe]]
            cosine = (one * other).sum(axis=1)
            rates[trials.name] = round(100 * eer(cosine, np.asarray(trials.target)), 3)
        return rates

    @cached_property
    def _lists(self) -> list[Trials]:
        """The dev trials, and all of them as one."""
        lists = find_trials([self.data / "dev"])
        return [*lists, pooled_trials(lists)]

    @cached_property
    def _dev(self) -> Corpus:
        return build_cache(read_corpus(self.data / "dev"), self.cache / "dev")

    @cached_property
    def _speech(self) -> dict[str, list[Waveform]]:
        """The speech of every dev recording, under each condition; the same at each call."""
        speech = [self._dev.speech(row) for row in range(len(self._dev))]
        return {
            condition: list(_changed(speech, Augmenter(self.data, CONDITIONS[condition])))
            for condition in HEARD
        }


def _changed(speech: Sequence[Waveform], augment: Augmenter) -> Iterator[Waveform]:
    for row, waveform in enumerate(speech):
        yield augment(waveform[None], np.random.default_rng(row))[0]


def _embed(model: SpeakerModel, speech: Sequence[Waveform]) -> NDArray[np.float32]:
    """As in training: features in float32, the network in bfloat16."""
    model.eval()

    def embed(waveforms: Tensor) -> Tensor:
        features = model.front_end(waveforms)
        with torch.autocast("cpu", torch.bfloat16):
            return model.network(features)

    found = embed_speech(embed, speech)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def steps_of(steps: int) -> tuple[str, ...]:
    """The overrides for a run of so many steps."""
    return (f"steps={steps}", f"fine_tune.steps={round(LAST_PHASE * steps)}")


def slug(name: str) -> str:
    """A folder's name."""
    return name.replace(",", "").replace(" ", "-")


if __name__ == "__main__":
    main()
