"""Labelled recordings → a memory-mapped cache of speech.

The cache holds the speech of every recording (voice activity detection done, silence gone) as
int16 at 16 kHz, one after the other in `speech.i16`, and says in `index.npz` where each begins.
It is made once; training then never decodes.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform, load
from voxgate.errors import AudioError, CorpusError, TrainingError
from voxgate.speech import LEAD_IN_S, TRIMMED_S, read_speech
from voxgate.train.corpora import Recording
from voxgate.vad import VadOptions

_LEAST_SPEECH_S = 0.25  # below this the detector was wrong: the whole recording is kept
_USUAL_BOUNDS = (0.75, 0.25, 0.25)  # of the first caches: TRIMMED_S, LEAD_IN_S, _LEAST_SPEECH_S
FULL_SCALE = 32767


@dataclass(frozen=True, eq=False)
class Corpus:
    """Speech of many recordings, memory-mapped. Row i of every array is recording i."""

    samples: NDArray[np.int16]  # all speech, one recording after the other
    starts: NDArray[np.int64]  # (recordings + 1,) where each begins, and the end
    speaker: NDArray[np.int64]  # (recordings,) index into `speakers`
    dataset: NDArray[np.int64]  # (recordings,) index into `datasets`
    population: NDArray[np.int64]  # (recordings,) alike where dataset and language are
    speakers: list[str]
    datasets: list[str]
    names: list[str]  # of the recordings
    left_out: list[str] = field(default_factory=list)  # what could not be decoded, and why

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


def build_cache(
    recordings: Sequence[Recording],
    folder: Path,
    *,
    jobs: int = 2,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Corpus:
    """Decode each recording, keep its speech, write the cache to `folder`; or open it if complete.

    A recording that cannot be decoded is left out; `left_out` of the corpus says which and why.

    Raises:
        TrainingError: the cache is of other recordings, or none could be decoded.
    """
    digest = _digest(recordings)
    index = folder / "index.npz"
    if index.is_file():
        return _open_cache(folder, digest, recordings)
    folder.mkdir(parents=True, exist_ok=True)
    kept, starts, left_out = [], [0], []
    with (folder / "speech.i16").open("wb") as out, Pool(jobs) as pool:
        found = pool.imap(_speech_of, recordings, chunksize=16)
        for done, (recording, speech) in enumerate(zip(recordings, found, strict=True), 1):
            if isinstance(speech, str):
                left_out.append(speech)
            else:
                out.write(speech.tobytes())
                kept.append(recording)
                starts.append(starts[-1] + len(speech))
            progress(done, len(recordings))
    if not kept:
        raise TrainingError(f"None of the recordings could be decoded; the first: {left_out[0]}")
    part = folder / "index.part.npz"
    np.savez(
        part,
        digest=digest,
        starts=np.array(starts, np.int64),
        speaker=np.array([r.speaker for r in kept]),
        dataset=np.array([r.dataset for r in kept]),
        name=np.array([r.name for r in kept]),
        left_out=np.array(left_out, np.str_),
    )
    part.replace(index)
    return _open_cache(folder, digest, recordings)


def _digest(recordings: Sequence[Recording]) -> str:
    """SHA-256 over which recordings there are, how large their files, and how speech is found.

    What has its usual value is not named, so that caches from before it could differ stay good.
    """
    facts = [
        (r.name, r.speaker, _size(r.path), r.start_s, r.end_s, r.row)
        + (() if r.rate_hz == SAMPLE_RATE else (r.rate_hz,))
        for r in recordings
    ]
    bounds = (TRIMMED_S, LEAD_IN_S, _LEAST_SPEECH_S)
    how = () if bounds == _USUAL_BOUNDS else (bounds,)
    return hashlib.sha256(repr((facts, VadOptions(), *how)).encode()).hexdigest()


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _open_cache(folder: Path, digest: str, recordings: Sequence[Recording]) -> Corpus:
    with np.load(folder / "index.npz") as stored:
        if str(stored["digest"]) != digest:
            raise TrainingError(f"{folder} caches other recordings; delete it or choose another.")
        speakers, speaker = np.unique(stored["speaker"], return_inverse=True)
        datasets, dataset = np.unique(stored["dataset"], return_inverse=True)
        populations = {r.name: f"{r.dataset} {r.language}" for r in recordings}
        names = [str(name) for name in stored["name"]]
        _, population = np.unique([populations[name] for name in names], return_inverse=True)
        return Corpus(
            samples=np.memmap(folder / "speech.i16", np.int16, mode="r"),
            starts=stored["starts"],
            speaker=speaker,
            dataset=dataset,
            population=population,
            speakers=[str(name) for name in speakers],
            datasets=[str(name) for name in datasets],
            names=names,
            left_out=[str(reason) for reason in stored["left_out"]],
        )


def _speech_of(recording: Recording) -> NDArray[np.int16] | str:
    """The speech of a recording; or why it cannot be had."""
    try:
        source = recording.path if recording.is_file else recording.waveform()
        speech = np.concatenate([np.zeros(0, np.float32), *read_speech(source)])
        if len(speech) < _LEAST_SPEECH_S * SAMPLE_RATE:
            speech = load(source)
    except (AudioError, CorpusError) as error:
        return f"{recording.name}: {error}"
    scaled = np.rint(speech * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE)
    stored: NDArray[np.int16] = scaled.astype(np.int16)
    return stored
