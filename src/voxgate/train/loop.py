"""The training loop: resumable at any moment, to the same result."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.tensorboard import SummaryWriter

from voxgate.errors import TrainingError
from voxgate.interrupts import interrupts_noted
from voxgate.train import batches, closed_set
from voxgate.train.augment import Augmenter
from voxgate.train.begin import begin
from voxgate.train.cache import Corpus, build_cache
from voxgate.train.config import Experiment
from voxgate.train.corpora import ReadOptions, Recording, read_corpus
from voxgate.train.curves import draw_curves
from voxgate.train.judge import held_out_eer, raw_embeddings, some_of
from voxgate.train.run_folder import RunFolder, facts_of
from voxgate.train.sampling import Sampler
from voxgate.train.schedule import SCHEDULES
from voxgate.train.splits import training_and_held_out
from voxgate.train.state import Objective, State, move_average, save_weights, start
from voxgate.train.teacher import teacher_targets
from voxgate.train.world import World, join

_STANDARDISED_OVER = 2000  # recordings


@dataclass(frozen=True)
class Folders:
    """Where a run finds what it needs."""

    data: Path  # the labelled recordings
    noise: Path  # noise/ and rir/ for augmentation
    cache: Path  # decoded speech and the teacher's embeddings, kept between runs
    format: str | None = None  # how the recordings are stored; found out if not given
    options: ReadOptions | None = None  # what only the user can know of them

    def recordings(self) -> list[Recording]:
        """The labelled recordings.

        Raises:
            CorpusError: they cannot be found, or read as what they are.
        """
        return read_corpus(self.data, self.format, options=self.options)


@dataclass(frozen=True)
class Progress:
    """Where a run is, told after every step."""

    step: int
    steps: int
    loss: float  # means since the last checkpoint
    accuracy: float
    seconds_left: float
    waiting: float  # share of the time spent waiting for data
    held_out_eer: dict[str, float] = field(default_factory=dict)  # %, at the last checkpoint


Watch = Callable[[Progress], None]
Told = Callable[[int, int], None]  # (done, of)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after the step under way was finished and saved."""


def train(  # noqa: PLR0913 - three say what, three how
    experiment: Experiment,
    folders: Folders,
    run: RunFolder,
    *,
    device: str = "auto",
    watch: Watch = lambda progress: None,
    decoding: Told = lambda done, of: None,
) -> State:
    """Train, or go on training from the checkpoint of the run if it has one.

    Several processes started by torchrun share the work.

    Raises:
        TrainingError: the data lack something, the loss is not a number, no such device.
        Interrupted: on Ctrl-C, when the state is saved.
    """
    world = join(device)
    if not world.first:
        world.wait()  # until the first has made the cache
    corpus = open_corpus(folders, decoding)
    chosen, held_out, _ = divide(corpus, experiment)
    speeds = experiment.sampling.speeds
    teacher = teacher_targets(experiment.teacher, corpus, chosen, speeds, folders.cache)
    if world.first:
        world.wait()
    sampler = Sampler(corpus, chosen, experiment.sampling, experiment.seed)
    state = start(experiment, sampler.classes, world.device)
    if run.checkpoint.is_file():
        state.load(run.checkpoint)
    elif experiment.begin.public:
        begin(state, experiment, corpus, chosen)
        if world.first:
            save_weights(state.average, run.begun)
    if world.first:
        run.note(facts_of(corpus, chosen, held_out, sampler.classes, experiment.seed))
    augment = Augmenter(folders.noise, experiment.augment)
    made = batches.Batches(experiment, sampler, augment, teacher, state.step)

    judged = some_of(corpus, held_out, experiment.judge, experiment.seed)

    def judge() -> dict[str, float]:
        return held_out_eer(state.average, corpus, judged)

    _Loop(experiment, state, world, run, watch, judge).go(made)
    if experiment.standardise:
        _standardise(state, corpus, chosen, experiment.seed)
    if world.first:
        state.save(run.checkpoint)
    world.wait()
    return state


def open_corpus(folders: Folders, told: Told = lambda done, of: None) -> Corpus:
    """The recordings of a run, decoded; the cache is made if it is not there.

    Raises:
        CorpusError: the recordings cannot be found.
        TrainingError: the cache is of others.
    """
    return build_cache(folders.recordings(), folders.cache / "speech", progress=told)


def divide(
    corpus: Corpus, experiment: Experiment
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Recordings to train on, of held-out speakers, and of known ones to test a closed set on.

    Raises:
        TrainingError: there is not enough to divide.
    """
    data, seed = experiment.data, experiment.seed
    chosen, held_out = training_and_held_out(corpus, data.datasets, data.hold_out, seed)
    if not data.closed_set:
        return chosen, held_out, chosen[:0]
    trained_on, tested = closed_set.split(corpus, chosen, data.closed_set, seed)
    return trained_on, held_out, tested


@torch.no_grad()
def _standardise(state: State, corpus: Corpus, chosen: NDArray[np.int64], seed: int) -> None:
    """Scale the embedding so that each of its numbers has mean 0 and deviation 1."""
    some = np.random.default_rng(seed).permutation(chosen)[:_STANDARDISED_OVER]
    state.average.standardise(torch.from_numpy(raw_embeddings(state.average, corpus, some)))


@dataclass
class _Loop:
    """Steps until the end of the run."""

    experiment: Experiment
    state: State
    world: World
    run: RunFolder
    watch: Watch
    judge: Callable[[], dict[str, float]]

    def go(self, made: batches.Batches) -> None:
        """Do every step that is left."""
        state, every = self.state, self.experiment.checkpoint_every
        objective = self.world.together(Objective(self.experiment, state))
        sums, since, errors = np.zeros(3), state.step, self._last_errors()
        mark = time.monotonic()
        with interrupts_noted() as interrupted, _board(self.run, self.world) as board:
            for batch in batches.load(made):
                state.waited += time.monotonic() - mark
                sums += self._step(objective, batch)
                state.seconds, mark = state.seconds + time.monotonic() - mark, time.monotonic()
                means = sums / (state.step - since)
                stop = self.world.any(bool(interrupted))
                if state.step % every == 0 or state.step == self.experiment.steps or stop:
                    errors = self._checkpoint(means, board)
                    sums, since = np.zeros(3), state.step
                self.watch(self._progress(means, errors))
                if stop and state.step < self.experiment.steps:
                    raise Interrupted
                mark = time.monotonic()

    def _step(self, objective: nn.Module, batch: batches.Batch) -> NDArray[np.float64]:
        """One step of the optimiser: (loss, distance to the teacher, accuracy)."""
        experiment, state, world = self.experiment, self.state, self.world
        torch.manual_seed(experiment.seed * 1_000_003 + state.step)  # dropout: as after a stop
        fine_tuning = self._prepare()
        mine = batches.share_of(batch, world.rank, world.size, experiment.sampling.per_speaker)
        total, figures = objective(*(part.to(world.device) for part in mine))
        if not torch.isfinite(total):
            raise TrainingError(
                f"The loss is {total.item()} at step {state.step}; lower the learning rate "
                f"({experiment.optimiser.learning_rate}) and go on from the last checkpoint."
            )
        state.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(state.model.parameters(), experiment.optimiser.clip)
        state.optimiser.step()
        state.step += 1
        decay = min(experiment.optimiser.average, state.step / (state.step + 10))
        move_average(
            state.average, state.model, experiment.fine_tune.average if fine_tuning else decay
        )
        told: NDArray[np.float64] = world.mean(figures).double().cpu().numpy()
        return told

    def _prepare(self) -> bool:
        """Set learning rate, margin and mode as this step wants them; is it of the last phase?"""
        experiment, state = self.experiment, self.state
        o, last = experiment.optimiser, experiment.fine_tune
        fine_tuning = state.step >= experiment.fine_tune_from
        progress = min(1.0, state.step / max(1, experiment.fine_tune_from))
        state.loss.at(progress, fine_tuning=fine_tuning)
        for group in state.optimiser.param_groups:
            group["lr"] = (
                last.learning_rate * (experiment.steps - state.step) / last.steps
                if fine_tuning
                else o.learning_rate * SCHEDULES[o.schedule](progress, o.warm_up)
            )
        if fine_tuning and state.step == experiment.fine_tune_from:
            state.model.load_state_dict(state.average.state_dict())
        state.model.train()
        if fine_tuning:
            for module in state.model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return fine_tuning

    def _checkpoint(
        self, means: NDArray[np.float64], board: SummaryWriter | None
    ) -> dict[str, Any]:
        """Save, judge and log; the held-out speakers' EER is returned."""
        if not self.world.first:
            return {}
        state = self.state
        state.save(self.run.checkpoint)
        loss, teacher, accuracy = (float(mean) for mean in means)
        line = {
            "step": state.step, "loss": round(loss, 4), "teacher": round(teacher, 4),
            "accuracy": round(accuracy, 4), "seconds": round(state.seconds, 1),
            "waiting": round(state.waited / max(state.seconds, 1e-9), 4), "held_out_eer": {},
        }  # fmt: skip
        self.run.log(line)  # before judging, so that a kill meanwhile leaves no gap
        errors = self.judge()
        self.run.log({**line, "held_out_eer": errors})
        self.run.note({
            "steps": state.step, "training_s": line["seconds"], "waiting_share": line["waiting"],
            "processes": self.world.size, "device": str(self.world.device),
        })  # fmt: skip
        draw_curves(self.run.lines(), self.run.path / "curves.png")
        if board:
            for name in ("loss", "teacher", "accuracy"):
                board.add_scalar(name, line[name], state.step)
            board.add_scalars("held_out_eer", errors, state.step)
        return errors

    def _last_errors(self) -> dict[str, float]:
        lines = [line for line in self.run.lines() if line["step"] <= self.state.step]
        return dict(lines[-1]["held_out_eer"]) if lines else {}

    def _progress(self, means: NDArray[np.float64], errors: dict[str, float]) -> Progress:
        state, steps = self.state, self.experiment.steps
        return Progress(
            state.step, steps, float(means[0]), float(means[2]),
            seconds_left=state.seconds / state.step * (steps - state.step),
            waiting=state.waited / max(state.seconds, 1e-9), held_out_eer=errors,
        )  # fmt: skip


@contextmanager
def _board(run: RunFolder, world: World) -> Iterator[SummaryWriter | None]:
    if not world.first:
        yield None
        return
    with SummaryWriter(str(run.path / "tensorboard")) as board:
        yield board
