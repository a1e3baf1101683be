"""The training loop: resumable at any moment, to the same result.

`run/` gets `experiment.toml` (a copy), `facts.json` (versions, data, seed), `log.jsonl` (one line
a checkpoint) and `checkpoint.pt` (model, optimiser, average, step), written to `.part` and then
renamed.
"""

import copy
import json
import math
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from voxgate.errors import TrainingError
from voxgate.train.augment import Augmenter
from voxgate.train.config import Experiment, read_experiment
from voxgate.train.data import Corpus, build_cache, read_manifest, training_and_held_out
from voxgate.train.judge import held_out_eer
from voxgate.train.losses import LOSSES, away_from
from voxgate.train.model import SpeakerModel
from voxgate.train.sampling import Sampler, SamplingConfig

Batch = tuple[Tensor, Tensor, Tensor]  # waveforms, labels, teacher's embeddings


class Batches(Dataset[Batch]):
    """Batch number n is item n. Made in a worker process, so that training never waits."""

    def __init__(
        self,
        experiment: Experiment,
        sampler: Sampler,
        augment: Augmenter,
        teacher: NDArray[np.float32],
        first: int,
    ) -> None:
        self.sampler, self.augment, self.teacher = sampler, augment, teacher
        self.first, self.last = first, experiment.steps
        self.fine_tune_from = experiment.steps - experiment.fine_tune.steps
        self.longer = Sampler(
            sampler.corpus, sampler.chosen, fine_tune_sampling(experiment), sampler.seed
        )

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, item: int) -> Batch:
        number = self.first + item
        sampler = self.longer if number >= self.fine_tune_from else self.sampler
        crops = sampler.draw(number)
        rng = np.random.default_rng((self.sampler.seed, number, 1))
        return (
            torch.from_numpy(self.augment(crops.waveforms, rng)),
            torch.from_numpy(crops.label),
            torch.from_numpy(self.teacher[crops.speed, crops.recording]),
        )


def fine_tune_sampling(experiment: Experiment) -> SamplingConfig:
    """How crops are drawn in the last phase: rows, and the crops that fill them, are longer."""
    sampling, row_s = experiment.sampling, experiment.fine_tune.row_s
    if not row_s:
        return sampling
    return replace(sampling, row_s=row_s, crop_s=(*sampling.crop_s, row_s), crop_weight=())


@dataclass
class State:
    """All that a checkpoint holds."""

    model: SpeakerModel
    loss: Any  # a losses.Loss that is also a module
    average: SpeakerModel
    optimiser: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path) -> None:
        part = path.with_suffix(".part")
        states = {
            name: getattr(self, name).state_dict()
            for name in ("model", "loss", "average", "optimiser")
        }
        torch.save({**states, "step": self.step}, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        stored = torch.load(path, weights_only=True)
        for name in ("model", "loss", "average", "optimiser"):
            getattr(self, name).load_state_dict(stored[name])
        self.step = stored["step"]


def train(experiment_file: Path, data: Path, noise: Path, cache: Path, run: Path) -> State:
    """Train, or go on training, the experiment; its run folder is `run`.

    Args:
        experiment_file: TOML, see `config`.
        data: folder with manifest.csv and the unpacked recordings.
        noise: folder with `noise/` and `rir/`.
        cache: where decoded speech and teacher's embeddings are kept between runs.
        run: its checkpoint is gone on from if there is one.
    """
    experiment = read_experiment(experiment_file)
    corpus = build_cache(read_manifest(data), cache / "speech")
    chosen, held_out = training_and_held_out(
        corpus, experiment.data.datasets, experiment.data.hold_out, experiment.seed
    )
    sampler = Sampler(corpus, chosen, experiment.sampling, experiment.seed)
    teacher = _teacher_targets(experiment, corpus, chosen, cache)
    run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(experiment_file, run / "experiment.toml")
    _write_facts(run, experiment, corpus, held_out, sampler)

    state = _start(experiment, sampler.classes)
    if (run / "checkpoint.pt").is_file():
        state.load(run / "checkpoint.pt")
    augment = Augmenter(noise, experiment.augment)
    batches = Batches(experiment, sampler, augment, teacher, state.step)
    loader = DataLoader(batches, batch_size=None, shuffle=False, num_workers=1, prefetch_factor=6)
    _loop(experiment, state, loader, lambda model: held_out_eer(model, corpus, held_out), run)
    return state


def _teacher_targets(
    experiment: Experiment, corpus: Corpus, chosen: NDArray[np.int64], cache: Path
) -> NDArray[np.float32]:
    """(speeds, recordings, teacher_dim); of no width without a teacher."""
    speeds, dim = experiment.sampling.speeds, experiment.teacher.dim
    if not dim:
        return np.zeros((len(speeds), len(corpus), 0), np.float32)
    from voxgate.train.teacher import speaker_space, teacher_embeddings  # noqa: PLC0415

    embeddings = teacher_embeddings(corpus, speeds, cache / "teacher.npy")
    return speaker_space(embeddings, corpus.speaker, chosen, dim)


def _start(experiment: Experiment, classes: int) -> State:
    torch.manual_seed(experiment.seed)
    model = SpeakerModel(experiment)
    _, loss_kind = LOSSES[experiment.loss.kind]
    loss = loss_kind(experiment.loss.config, model.own_dim, classes)
    optimiser = torch.optim.AdamW(
        [*model.parameters(), *loss.parameters()],
        lr=experiment.optimiser.learning_rate,
        weight_decay=experiment.optimiser.weight_decay,
    )
    return State(model, loss, copy.deepcopy(model), optimiser)


def _loop(
    experiment: Experiment,
    state: State,
    loader: "DataLoader[Batch]",
    judge: Callable[[SpeakerModel], dict[str, float]],
    run: Path,
) -> None:
    started, waited, sums = time.monotonic(), 0.0, np.zeros(3)
    since = time.monotonic()
    for batch in loader:
        waited += time.monotonic() - since
        sums += _step(experiment, state, batch)
        if state.step % experiment.checkpoint_every == 0 or state.step == experiment.steps:
            state.save(run / "checkpoint.pt")
            seconds = time.monotonic() - started
            loss, teacher, accuracy = sums / experiment.checkpoint_every
            line = {
                "step": state.step, "loss": round(loss, 3), "teacher": round(teacher, 4),
                "accuracy": round(accuracy, 4), "seconds": round(seconds),
                "waiting": round(waited / seconds, 3),
                "held_out_eer": judge(state.average),
            }  # fmt: skip
            with (run / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            sums[:] = 0
        since = time.monotonic()


def _step(experiment: Experiment, state: State, batch: Batch) -> NDArray[np.float64]:
    """One step of the optimiser: (loss, distance to the teacher, accuracy)."""
    waveforms, labels, teacher = batch
    _prepare(experiment, state)
    features = state.model.front_end(waveforms)  # in float32: bfloat16 is too coarse for it
    with torch.autocast("cpu", torch.bfloat16):
        own, taught = state.model.parts(features)
        loss, accuracy = state.loss(own, labels)
    distance = away_from(taught.float(), teacher) if experiment.teacher.dim else torch.zeros(())
    total = loss + experiment.teacher.weight * distance
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
    fine_tuning = state.step > experiment.steps - experiment.fine_tune.steps
    decay = min(experiment.optimiser.average, state.step / (state.step + 10))
    _move_average(
        state.average, state.model, experiment.fine_tune.average if fine_tuning else decay
    )
    return np.array([loss.item(), distance.item(), accuracy.item()])


def _prepare(experiment: Experiment, state: State) -> None:
    """Set learning rate, margin and mode as this step wants them."""
    o, last = experiment.optimiser, experiment.fine_tune
    fine_tune_from = experiment.steps - last.steps
    fine_tuning = state.step >= fine_tune_from
    progress = min(1.0, state.step / max(1, fine_tune_from))
    state.loss.at(progress, fine_tuning=fine_tuning)
    for group in state.optimiser.param_groups:
        group["lr"] = (
            last.learning_rate * (experiment.steps - state.step) / last.steps
            if fine_tuning
            else o.learning_rate * one_cycle(progress, o.warm_up)
        )
    if fine_tuning and state.step == fine_tune_from:
        state.model.load_state_dict(state.average.state_dict())
    state.model.train()
    if fine_tuning:
        for module in state.model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def one_cycle(progress: float, warm_up: float) -> float:
    """Learning rate as a share of its peak: up in a straight line, down along a cosine."""
    if progress < warm_up:
        return progress / warm_up + 1e-3
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) + 1e-3


@torch.no_grad()
def _move_average(average: SpeakerModel, model: SpeakerModel, decay: float) -> None:
    for kept, now in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(now, 1 - decay)
        else:
            kept.copy_(now)


def _write_facts(
    run: Path, experiment: Experiment, corpus: Corpus, held_out: NDArray[np.int64], sampler: Sampler
) -> None:
    facts: dict[str, Any] = {
        "experiment": asdict(experiment),
        "recordings": len(corpus),
        "speech_hours": round(float(corpus.seconds().sum()) / 3600, 2),
        "speakers": len(corpus.speakers),
        "held_out_speakers": len(np.unique(corpus.speaker[held_out])),
        "classes": sampler.classes,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": platform.processor() or platform.machine(),
    }
    (run / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
