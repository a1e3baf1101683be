"""Batches by their number, ready for the network."""

import signal
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from voxgate.train.augment import Augmenter
from voxgate.train.config import Experiment
from voxgate.train.sampling import Sampler, SamplingConfig

Batch = tuple[Tensor, Tensor, Tensor]  # waveforms, labels, teacher's embeddings


class Batches(Dataset[Batch]):
    """Batch number first + n is item n. Made in a worker process, so that training never waits."""

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
        self.fine_tune_from = experiment.fine_tune_from
        self.longer = Sampler(
            sampler.corpus, sampler.chosen, fine_tune_sampling(experiment), sampler.seed
        )

    def __len__(self) -> int:
        return max(0, self.last - self.first)

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


def load(batches: Batches) -> "DataLoader[Batch]":
    """The batches in their order, made ahead by a process of their own."""
    return DataLoader(
        batches,
        batch_size=None,
        shuffle=False,
        num_workers=1,
        prefetch_factor=6,
        worker_init_fn=_leave_ctrl_c_to_the_loop,
    )


def _leave_ctrl_c_to_the_loop(_worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def share_of(batch: Batch, rank: int, size: int, per_speaker: int) -> Batch:
    """The rows of a batch that process `rank` of `size` works on; a speaker's stay together."""
    if size == 1:
        return batch
    groups = len(batch[1]) // per_speaker // size  # as many for each; a rest is left out
    rows = slice(rank * groups * per_speaker, (rank + 1) * groups * per_speaker)
    waveforms, labels, teacher = (part[rows] for part in batch)
    return waveforms, labels, teacher
