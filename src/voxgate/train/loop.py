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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from voxgate.audio import SAMPLE_RATE
from voxgate.embed import bucket_lengths
from voxgate.errors import TrainingError
from voxgate.evaluate.metrics import eer
from voxgate.train.augment import Augmenter
from voxgate.train.config import Experiment, read_experiment
from voxgate.train.data import Corpus, Sampler, build_cache, hold_out, read_manifest
from voxgate.train.losses import SubCentreAAM, away_from
from voxgate.train.model import SpeakerModel

_LONGEST_S = 6.0  # of a held-out recording

Batch = tuple[Tensor, Tensor, Tensor]  # waveforms, labels, teacher's embeddings


class Batches(Dataset[Batch]):
    """Batch number n is item n. Made in a worker process, so that training never waits."""

    def __init__(
        self,
        sampler: Sampler,
        augment: Augmenter,
        teacher: NDArray[np.float32],
        first: int,
        last: int,
    ) -> None:
        self.sampler, self.augment, self.teacher = sampler, augment, teacher
        self.first, self.last = first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, item: int) -> Batch:
        number = self.first + item
        crops = self.sampler.draw(number)
        rng = np.random.default_rng((self.sampler.seed, number, 1))
        return (
            torch.from_numpy(self.augment(crops.waveforms, rng)),
            torch.from_numpy(crops.label),
            torch.from_numpy(self.teacher[crops.speed, crops.recording]),
        )


@dataclass
class State:
    """All that a checkpoint holds."""

    model: SpeakerModel
    margin: SubCentreAAM
    average: SpeakerModel
    optimiser: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path) -> None:
        part = path.with_suffix(".part")
        states = {
            name: getattr(self, name).state_dict()
            for name in ("model", "margin", "average", "optimiser")
        }
        torch.save({**states, "step": self.step}, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        stored = torch.load(path, weights_only=True)
        for name in ("model", "margin", "average", "optimiser"):
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
    corpus = build_cache(read_manifest(data, experiment.data.datasets), cache / "speech")
    held_out = hold_out(corpus, experiment.data.hold_out, experiment.seed)
    chosen = np.setdiff1d(np.arange(len(corpus)), corpus.only(held_out))
    sampler = Sampler(corpus, chosen, experiment.sampling, experiment.seed)
    teacher = _teacher_targets(experiment, corpus, chosen, cache)
    run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(experiment_file, run / "experiment.toml")
    _write_facts(run, experiment, corpus, held_out, sampler)

    state = _start(experiment, sampler.classes)
    if (run / "checkpoint.pt").is_file():
        state.load(run / "checkpoint.pt")
    batches = Batches(
        sampler, Augmenter(noise, experiment.augment), teacher, state.step, experiment.steps
    )
    loader = DataLoader(batches, batch_size=None, shuffle=False, num_workers=1, prefetch_factor=6)
    recordings = corpus.only(held_out)
    _loop(experiment, state, loader, lambda model: held_out_eer(model, corpus, recordings), run)
    return state


def _teacher_targets(
    experiment: Experiment, corpus: Corpus, chosen: NDArray[np.int64], cache: Path
) -> NDArray[np.float32]:
    """(speeds, recordings, teacher_dim); of no width without a teacher."""
    speeds, dim = experiment.sampling.speeds, experiment.loss.teacher_dim
    if not dim:
        return np.zeros((len(speeds), len(corpus), 0), np.float32)
    from voxgate.train.teacher import speaker_space, teacher_embeddings  # noqa: PLC0415

    embeddings = teacher_embeddings(corpus, speeds, cache / "teacher.npy")
    return speaker_space(embeddings, corpus.speaker, chosen, dim)


def _start(experiment: Experiment, classes: int) -> State:
    torch.manual_seed(experiment.seed)
    model = SpeakerModel(experiment)
    margin = SubCentreAAM(model.own_dim, classes, experiment.loss.centres, experiment.loss.scale)
    optimiser = torch.optim.AdamW(
        [*model.parameters(), *margin.parameters()],
        lr=experiment.optimiser.learning_rate,
        weight_decay=experiment.optimiser.weight_decay,
    )
    return State(model, margin, copy.deepcopy(model), optimiser)


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
    """One step of the optimiser: (margin loss, distance to the teacher, accuracy)."""
    waveforms, labels, teacher = batch
    loss_config, o = experiment.loss, experiment.optimiser
    settle_from = experiment.steps - o.settle_steps
    settling = state.step >= settle_from
    progress = min(1.0, state.step / settle_from)
    grown = (progress - loss_config.margin_from) / (loss_config.margin_at - loss_config.margin_from)
    state.margin.margin = loss_config.margin * min(1.0, max(0.0, grown))
    for group in state.optimiser.param_groups:
        group["lr"] = (
            o.settle_learning_rate * (experiment.steps - state.step) / o.settle_steps
            if settling
            else o.learning_rate * one_cycle(progress, o.warm_up)
        )

    if settling and state.step == settle_from:
        state.model.load_state_dict(state.average.state_dict())
    state.model.train()
    if settling:
        _hold_statistics(state.model)
    features = state.model.front_end(waveforms)  # in float32: bfloat16 is too coarse for it
    with torch.autocast("cpu", torch.bfloat16):
        own, taught = state.model.parts(features)
        loss, accuracy = state.margin(own, labels)
    distance = away_from(taught.float(), teacher) if loss_config.teacher_dim else torch.zeros(())
    total = loss + loss_config.teacher_weight * distance
    if not torch.isfinite(total):
        raise TrainingError(
            f"The loss is {total.item()} at step {state.step}; lower the learning rate "
            f"({o.learning_rate}) and go on from the last checkpoint."
        )
    state.optimiser.zero_grad(set_to_none=True)
    total.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), o.clip)
    state.optimiser.step()
    state.step += 1
    decay = o.settle_average if settling else min(o.average, state.step / (state.step + 10))
    _move_average(state.average, state.model, decay)
    return np.array([loss.item(), distance.item(), accuracy.item()])


def _hold_statistics(model: SpeakerModel) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
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


@torch.no_grad()
def embed_all(
    embed: Callable[[Tensor], Tensor], corpus: Corpus, recordings: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Apply `embed` (batch, samples) → (batch, dim) to the speech of each, in a few lengths only.

    Speech is repeated to the next of these lengths, as in `voxgate.embed`, or cut at the longest.
    """
    lengths = np.array(bucket_lengths(_LONGEST_S, SAMPLE_RATE))
    speech = [corpus.speech(int(r))[: lengths[-1]] for r in recordings]
    bucket = np.searchsorted(lengths, [len(waveform) for waveform in speech])
    by_bucket = (np.flatnonzero(bucket == b) for b in np.unique(bucket))
    batches = [part for rows in by_bucket for part in np.split(rows, range(32, len(rows), 32))]
    embeddings = [
        embed(torch.from_numpy(np.stack([np.resize(speech[i], lengths[bucket[i]]) for i in part])))
        for part in batches
    ]
    order = np.argsort(np.concatenate(batches))
    return torch.cat(embeddings).numpy()[order]


def held_out_eer(
    model: SpeakerModel, corpus: Corpus, recordings: NDArray[np.int64]
) -> dict[str, float]:
    """EER in % over all pairs of held-out recordings of each dataset."""
    embeddings = embed_all(model.eval(), corpus, recordings)
    return eer_by_dataset(embeddings @ embeddings.T, corpus, recordings)


def eer_by_dataset(
    scores: NDArray[np.float32],
    corpus: Corpus,
    recordings: NDArray[np.int64],
    *,
    least_speakers: int = 2,
) -> dict[str, float]:
    """EER in % from scores (recordings, recordings), for datasets with so many speakers."""
    speaker, dataset = corpus.speaker[recordings], corpus.dataset[recordings]
    result = {}
    for number, name in enumerate(corpus.datasets):
        rows = np.flatnonzero(dataset == number)
        a, b = np.triu_indices(len(rows), 1)
        if len(np.unique(speaker[rows])) >= max(2, least_speakers):
            same = speaker[rows[a]] == speaker[rows[b]]
            result[name] = round(100 * eer(scores[rows[a], rows[b]], same), 2)
    return result


def _write_facts(
    run: Path, experiment: Experiment, corpus: Corpus, held_out: list[str], sampler: Sampler
) -> None:
    facts: dict[str, Any] = {
        "experiment": asdict(experiment),
        "recordings": len(corpus),
        "speech_hours": round(float(corpus.seconds().sum()) / 3600, 2),
        "speakers": len(corpus.speakers),
        "held_out_speakers": len(held_out),
        "classes": sampler.classes,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": platform.processor() or platform.machine(),
    }
    (run / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
