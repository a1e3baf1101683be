"""Labelled recordings → a memory-mapped cache of speech → seeded batches of crops.

The cache holds the speech of every recording (voice activity detection done, silence gone) as
int16 at 16 kHz, one after the other in `speech.i16`, and says in `index.npz` where each begins.
It is made once; training then never decodes.

A batch depends on the seed and on its number alone, so a run that was stopped goes on as if it had
not been.
"""

import csv
import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform, load
from voxgate.errors import AudioError, TrainingError
from voxgate.speech import read_speech

_LEAST_SPEECH_S = 0.25  # below this the detector was wrong: the whole recording is kept
_FULL_SCALE = 32767


@dataclass(frozen=True)
class Recording:
    """One line of a manifest."""

    dataset: str
    speaker: str  # unique over all datasets: "<dataset>/<speaker>"
    name: str  # path in the folder of the manifest
    path: Path


def read_manifest(folder: Path, datasets: Sequence[str] = ()) -> list[Recording]:
    """Read `folder/manifest.csv` (columns dataset, speaker, path), some datasets or all.

    Raises:
        TrainingError: there is no manifest, or nothing in it of these datasets.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise TrainingError(f"{manifest} is not there; it lists the recordings to train on.")
    with manifest.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if not datasets or row["dataset"] in datasets]
    if not rows:
        raise TrainingError(f"{manifest} lists no recording of {', '.join(datasets)}.")
    return [
        Recording(
            dataset=row["dataset"],
            speaker=f"{row['dataset']}/{row['speaker']}",
            name=row["path"],
            path=folder / row["path"],
        )
        for row in rows
    ]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Speech of many recordings, memory-mapped. Row i of every array is recording i."""

    samples: NDArray[np.int16]  # all speech, one recording after the other
    starts: NDArray[np.int64]  # (recordings + 1,) where each begins, and the end
    speaker: NDArray[np.int64]  # (recordings,) index into `speakers`
    dataset: NDArray[np.int64]  # (recordings,) index into `datasets`
    speakers: list[str]
    datasets: list[str]
    names: list[str]  # of the recordings

    def __len__(self) -> int:
        return len(self.speaker)

    def speech(self, recording: int) -> Waveform:
        """All speech of one recording, float32 (samples,) at 16 kHz."""
        piece = self.samples[self.starts[recording] : self.starts[recording + 1]]
        waveform: Waveform = piece.astype(np.float32) / np.float32(_FULL_SCALE)
        return waveform

    def seconds(self) -> NDArray[np.float64]:
        """Seconds of speech of each recording, (recordings,)."""
        return np.diff(self.starts) / SAMPLE_RATE

    def only(self, speakers: Sequence[str]) -> NDArray[np.int64]:
        """Which recordings are of these speakers."""
        wanted = {name: None for name in speakers}
        keep = np.array([name in wanted for name in self.speakers])
        return np.flatnonzero(keep[self.speaker])


def build_cache(recordings: Sequence[Recording], folder: Path, *, jobs: int = 2) -> Corpus:
    """Decode each recording, keep its speech, write the cache to `folder`; or open it if complete.

    A recording that cannot be decoded is left out, and a log record says so.

    Raises:
        TrainingError: the cache is of other recordings, or none could be decoded.
    """
    digest = hashlib.sha256("\n".join(r.name for r in recordings).encode()).hexdigest()
    index = folder / "index.npz"
    if index.is_file():
        return _open_cache(folder, digest)
    folder.mkdir(parents=True, exist_ok=True)
    kept, starts = [], [0]
    with (folder / "speech.i16").open("wb") as out, Pool(jobs) as pool:
        for recording, speech in zip(
            recordings,
            pool.imap(_speech_of, [r.path for r in recordings], chunksize=16),
            strict=True,
        ):
            if speech is None:
                continue
            out.write(speech.tobytes())
            kept.append(recording)
            starts.append(starts[-1] + len(speech))
    if not kept:
        raise TrainingError("None of the recordings could be decoded.")
    part = folder / "index.part.npz"
    np.savez(
        part,
        digest=digest,
        starts=np.array(starts, np.int64),
        speaker=np.array([r.speaker for r in kept]),
        dataset=np.array([r.dataset for r in kept]),
        name=np.array([r.name for r in kept]),
    )
    part.replace(index)
    return _open_cache(folder, digest)


def _open_cache(folder: Path, digest: str) -> Corpus:
    with np.load(folder / "index.npz") as stored:
        if str(stored["digest"]) != digest:
            raise TrainingError(f"{folder} caches other recordings; delete it or choose another.")
        speakers, speaker = np.unique(stored["speaker"], return_inverse=True)
        datasets, dataset = np.unique(stored["dataset"], return_inverse=True)
        return Corpus(
            samples=np.memmap(folder / "speech.i16", np.int16, mode="r"),
            starts=stored["starts"],
            speaker=speaker,
            dataset=dataset,
            speakers=[str(name) for name in speakers],
            datasets=[str(name) for name in datasets],
            names=[str(name) for name in stored["name"]],
        )


def _speech_of(path: Path) -> NDArray[np.int16] | None:
    try:
        speech = np.concatenate([np.zeros(0, np.float32), *read_speech(path)])
        if len(speech) < _LEAST_SPEECH_S * SAMPLE_RATE:
            speech = load(path)
    except AudioError as error:
        logging.getLogger(__name__).warning("Left out: %s", error)
        return None
    scaled = np.rint(speech * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE)
    stored: NDArray[np.int16] = scaled.astype(np.int16)
    return stored


def hold_out(corpus: Corpus, share: float, seed: int) -> list[str]:
    """Speakers to keep from training: `share` of each dataset's with 2 recordings or more."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(corpus.speaker, minlength=len(corpus.speakers))
    chosen: list[str] = []
    for dataset in corpus.datasets:
        names = [
            name
            for name, count in zip(corpus.speakers, counts, strict=True)
            if count >= 2 and name.startswith(dataset + "/")
        ]
        chosen += rng.choice(names, size=round(share * len(names)), replace=False).tolist()
    return sorted(chosen)


@dataclass(frozen=True)
class SamplingConfig:
    """How the recordings of a batch are drawn."""

    batch_s: float = 256.0  # seconds of speech in a batch: shorter crops, more of them
    crop_s: tuple[float, ...] = (0.7, 1.0, 1.5, 2.0, 3.0)  # one is drawn for each batch
    crop_weight: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    dataset_weight: dict[str, float] = field(default_factory=dict)  # 1 for those not named
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)  # each a speaker of its own


@dataclass(frozen=True, eq=False)
class Crops:
    """What one batch is made of, before augmentation."""

    waveforms: Waveform  # (batch, samples)
    label: NDArray[np.int64]  # (batch,) speaker and speed
    recording: NDArray[np.int64]  # (batch,) index into the corpus
    speed: NDArray[np.int64]  # (batch,) index into the config's speeds


class Sampler:
    """Draw the crops of batch number n: first the dataset, then the speaker, then the recording."""

    def __init__(
        self, corpus: Corpus, chosen: NDArray[np.int64], config: SamplingConfig, seed: int
    ):
        self.corpus, self.config, self.seed = corpus, config, seed
        self.by_dataset = [
            _by_speaker(corpus, chosen[corpus.dataset[chosen] == d])
            for d in range(len(corpus.datasets))
        ]
        weight = [config.dataset_weight.get(name, 1.0) for name in corpus.datasets]
        present = np.array([bool(speakers) for speakers in self.by_dataset])
        self.dataset_p = np.array(weight) * present / (np.array(weight) * present).sum()
        train_speakers = np.unique(corpus.speaker[chosen])
        self.speaker_label = {int(s): i for i, s in enumerate(train_speakers)}
        self.classes = len(train_speakers) * len(config.speeds)

    def draw(self, number: int) -> Crops:
        """The crops of batch `number`; the same ones each time."""
        rng = np.random.default_rng((self.seed, number))
        c = self.config
        weights = np.array(c.crop_weight)
        crop_s = float(rng.choice(c.crop_s, p=weights / weights.sum()))
        size = round(c.batch_s / crop_s / 2) * 2
        speed = rng.integers(len(c.speeds), size=size)
        recording = np.array([self._draw_recording(rng) for _ in range(size)])
        crops = [
            _crop(self.corpus, int(r), round(crop_s * SAMPLE_RATE), c.speeds[s], rng)
            for r, s in zip(recording, speed, strict=True)
        ]
        speaker = np.array([self.speaker_label[int(s)] for s in self.corpus.speaker[recording]])
        return Crops(np.stack(crops), speaker * len(c.speeds) + speed, recording, speed)

    def _draw_recording(self, rng: np.random.Generator) -> int:
        speakers = self.by_dataset[rng.choice(len(self.dataset_p), p=self.dataset_p)]
        recordings = speakers[rng.integers(len(speakers))]
        return int(recordings[rng.integers(len(recordings))])


def _by_speaker(corpus: Corpus, recordings: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    ordered = recordings[np.argsort(corpus.speaker[recordings], kind="stable")]
    if not len(ordered):
        return []
    return np.split(ordered, np.flatnonzero(np.diff(corpus.speaker[ordered])) + 1)


def _crop(
    corpus: Corpus, recording: int, samples: int, speed: float, rng: np.random.Generator
) -> Waveform:
    """Cut a random piece, repeated if it is too short, and played `speed` times as fast."""
    wanted = round(samples * speed)
    start, end = corpus.starts[recording], corpus.starts[recording + 1]
    first = start + rng.integers(max(1, end - start - wanted + 1))
    piece = corpus.samples[first : min(end, first + wanted)].astype(np.float32)
    piece /= _FULL_SCALE
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


def batches(sampler: Sampler, first: int, last: int) -> Iterator[Crops]:
    """Batches number `first` up to, not including, `last`."""
    for number in range(first, last):
        yield sampler.draw(number)
