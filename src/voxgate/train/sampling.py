"""Seeded batches of crops: first the dataset is drawn, then the speakers, then their recordings.

A batch depends on the seed and on its number alone, so a run that was stopped goes on as if it had
not been.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import TrainingError
from voxgate.train.cache import FULL_SCALE, Corpus


@dataclass(frozen=True)
class SamplingConfig:
    """How the recordings of a batch are drawn.

    With `row_s` every row of the batch is that long and the lengths of `crop_s` are mixed in it: a
    shorter crop is repeated to fill its row, as `voxgate.embed` does. Without it one length is
    drawn for the whole batch, and batch norm then sees one length at a time.
    """

    batch_s: float = 256.0  # seconds of speech in a batch: shorter rows, more of them
    row_s: float = 2.0
    crop_s: tuple[float, ...] = (0.7, 1.0, 1.5, 2.0)
    crop_weight: tuple[float, ...] = ()  # none: all equal
    dataset_weight: dict[str, float] = field(default_factory=dict)  # 1 for those not named
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    speed_is_speaker: bool = True  # each speed a speaker of its own
    per_speaker: int = 1  # crops of each speaker in a batch, side by side


@dataclass(frozen=True, eq=False)
class Crops:
    """What one batch is made of, before augmentation."""

    waveforms: Waveform  # (batch, samples)
    label: NDArray[np.int64]  # (batch,) speaker and speed
    recording: NDArray[np.int64]  # (batch,) index into the corpus
    speed: NDArray[np.int64]  # (batch,) index into the config's speeds


class Sampler:
    """Draws the crops of any batch by its number."""

    def __init__(
        self, corpus: Corpus, chosen: NDArray[np.int64], config: SamplingConfig, seed: int
    ) -> None:
        self.corpus, self.chosen, self.config, self.seed = corpus, chosen, config, seed
        self.by_dataset = [
            _by_speaker(corpus, chosen[corpus.dataset[chosen] == d], config.per_speaker)
            for d in range(len(corpus.datasets))
        ]
        weight = np.array([config.dataset_weight.get(name, 1.0) for name in corpus.datasets])
        weight *= [bool(speakers) for speakers in self.by_dataset]
        if not weight.sum() > 0:
            raise TrainingError(
                "No dataset has both a weight above 0 and a speaker with "
                f"{config.per_speaker} recordings or more to draw from."
            )
        self.dataset_p = weight / weight.sum()
        speakers = np.unique(corpus.speaker[chosen])
        self.speaker_label = {int(speaker): i for i, speaker in enumerate(speakers)}
        self.classes = len(speakers) * (len(config.speeds) if config.speed_is_speaker else 1)

    def draw(self, number: int) -> Crops:
        """The crops of batch `number`; the same ones each time."""
        rng = np.random.default_rng((self.seed, number))
        c = self.config
        weights = np.array(c.crop_weight or [1.0] * len(c.crop_s))
        row_s = c.row_s or float(rng.choice(c.crop_s, p=weights / weights.sum()))
        groups = max(2, round(c.batch_s / row_s / c.per_speaker))
        size = groups * c.per_speaker
        crop_s = (
            rng.choice(c.crop_s, size, p=weights / weights.sum()) if c.row_s else [row_s] * size
        )
        speed = np.repeat(rng.integers(len(c.speeds), size=groups), c.per_speaker)
        if not c.speed_is_speaker:
            speed = rng.integers(len(c.speeds), size=size)
        recording = np.concatenate([self._draw_speaker(rng) for _ in range(groups)])
        samples = round(row_s * SAMPLE_RATE)
        rows = [
            np.resize(_crop(self.corpus, int(r), round(s * SAMPLE_RATE), c.speeds[v], rng), samples)
            for r, s, v in zip(recording, crop_s, speed, strict=True)
        ]
        label = np.array([self.speaker_label[int(s)] for s in self.corpus.speaker[recording]])
        if c.speed_is_speaker:
            label = label * len(c.speeds) + speed
        return Crops(np.stack(rows), label, recording, speed)

    def _draw_speaker(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Recordings (per_speaker,) of one speaker, different ones."""
        speakers = self.by_dataset[rng.choice(len(self.dataset_p), p=self.dataset_p)]
        recordings = speakers[rng.integers(len(speakers))]
        return rng.choice(recordings, self.config.per_speaker, replace=False)


def _by_speaker(
    corpus: Corpus, recordings: NDArray[np.int64], least: int
) -> list[NDArray[np.int64]]:
    """The recordings of each speaker who has `least` or more."""
    ordered = recordings[np.argsort(corpus.speaker[recordings], kind="stable")]
    speakers = np.split(ordered, np.flatnonzero(np.diff(corpus.speaker[ordered])) + 1)
    return [own for own in speakers if len(own) >= least]


def _crop(
    corpus: Corpus, recording: int, samples: int, speed: float, rng: np.random.Generator
) -> Waveform:
    """Cut a random piece, repeated if it is too short, and played `speed` times as fast."""
    wanted = round(samples * speed)
    start, end = corpus.starts[recording], corpus.starts[recording + 1]
    first = start + rng.integers(max(1, end - start - wanted + 1))
    piece = corpus.samples[first : min(end, first + wanted)].astype(np.float32)
    piece /= FULL_SCALE
    if len(piece) < wanted:
        piece = np.resize(np.roll(piece, rng.integers(len(piece))), wanted)
    return change_speed(piece, samples)


def change_speed(waveform: Waveform, samples: int) -> Waveform:
    """Stretch or squeeze to `samples` by resampling in the frequency domain; pitch follows."""
    if len(waveform) == samples:
        return waveform
    spectrum = np.fft.rfft(waveform)
    return np.fft.irfft(spectrum[: samples // 2 + 1], samples).astype(np.float32) * (
        samples / len(waveform)
    )


def faster(waveform: Waveform, speed: float) -> Waveform:
    """Play `speed` times as fast, to the next even number of samples; pitch follows."""
    return change_speed(waveform, round(len(waveform) / speed / 2) * 2)
