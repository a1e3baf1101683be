"""Labelled recordings → a memory-mapped cache of speech.

The cache holds the speech of every recording (voice activity detection done, silence gone) as
int16 at 16 kHz, one after the other in `speech.i16`, and says in `index.npz` where each begins.
It is made once; training then never decodes.
"""

import csv
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform, load
from voxgate.errors import AudioError, TrainingError
from voxgate.speech import read_speech

_LEAST_SPEECH_S = 0.25  # below this the detector was wrong: the whole recording is kept
FULL_SCALE = 32767


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
        waveform: Waveform = piece.astype(np.float32) / np.float32(FULL_SCALE)
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
    scaled = np.rint(speech * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE)
    stored: NDArray[np.int16] = scaled.astype(np.int16)
    return stored


def training_and_held_out(
    corpus: Corpus, datasets: Sequence[str], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Recordings to train on, and those of held-out speakers, of some datasets or all.

    Who is held out does not depend on the datasets chosen, so that systems can be compared.

    Raises:
        TrainingError: a dataset is not in the corpus.
    """
    unknown = sorted(set(datasets) - set(corpus.datasets))
    if unknown:
        raise TrainingError(
            f"There is no dataset {unknown[0]!r} in the corpus; it has "
            f"{', '.join(corpus.datasets)}."
        )
    wanted = np.array([not datasets or name in datasets for name in corpus.datasets])
    inside = np.flatnonzero(wanted[corpus.dataset])
    kept_away = np.isin(inside, corpus.only(hold_out(corpus, share, seed)))
    return inside[~kept_away], inside[kept_away]


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
