"""Embeddings of many recordings at once."""

import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate import __version__
from voxgate.atomic import complete_or_absent
from voxgate.audio import load
from voxgate.embed import Embedder
from voxgate.errors import EvaluationError, TooLittleSpeechError
from voxgate.evaluate.recordings import Library
from voxgate.packs import Pack

Progress = Callable[[int, int], None]  # (done, of): how far the work is

_SHORTEST_WHOLE = 16_000  # samples: what has too little speech is repeated to at least a second


def silent(done: int, of: int) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of many recordings, by name, and what they were heard from."""

    row: dict[str, int]
    vectors: NDArray[np.float32]  # (recordings, dim), unit length
    speech_s: NDArray[np.float64]  # (recordings,)
    snr_db: NDArray[np.float64]  # (recordings,), NaN where it cannot be known
    heard: NDArray[np.bool_]  # (recordings,); False: embedded whole, for want of detected speech

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Where these recordings are in the arrays."""
        return np.array([self.row[name] for name in names], np.int64)

    def of(self, names: Sequence[str]) -> "Embeddings":
        """Only these, in this order."""
        rows = self.rows(names)
        return Embeddings(
            {name: i for i, name in enumerate(names)},
            self.vectors[rows],
            self.speech_s[rows],
            self.snr_db[rows],
            self.heard[rows],
        )

    @property
    def without_speech(self) -> tuple[str, ...]:
        """Recordings in which too little speech was detected."""
        return tuple(name for name, i in self.row.items() if not self.heard[i])


class _Heard:
    """One recording's row: vector, seconds of speech, SNR, and whether speech was detected."""

    def __init__(self, embedder: Embedder, library: Library, name: str) -> None:
        source = library.source(name)
        try:
            embedding = embedder.embed(source)
        except TooLittleSpeechError:
            whole = load(source)
            filled = np.resize(whole, max(len(whole), _SHORTEST_WHOLE))
            self.vector = embedder.embed_waveform(filled)
            self.speech_s = len(whole) / embedder.pack.sample_rate_hz
            self.snr_db, self.heard = float("nan"), False
        else:
            snr_db = embedding.quality.snr_db
            self.vector, self.speech_s = embedding.vector, embedding.speech_s
            self.snr_db, self.heard = float("nan") if snr_db is None else snr_db, True


def embed_recordings(  # noqa: PLR0913 - three say what, three how
    pack: Pack,
    names: Iterable[str],
    library: Library,
    *,
    threads: int = 1,
    progress: Progress = silent,
    cache: Path | None = None,
) -> Embeddings:
    """Embed recordings as any user would, so that every trial gets a score.

    A recording with too little speech for the pack is embedded whole, and named: a list of trials
    has no room for "cannot tell".

    Args:
        pack: the model.
        names: recordings of the library; each is embedded once.
        library: where they are.
        threads: recordings embedded at a time; the result does not depend on it.
        progress: told after each.
        cache: a folder to keep the embeddings in, and to take them from the next time. They are
            biometric data.

    Raises:
        AudioError: a recording cannot be read.
    """
    ordered = sorted(set(names))
    known = _read_cache(cache, pack, library) if cache else None
    missing = [name for name in ordered if known is None or name not in known.row]
    new = _embed_all(pack, missing, library, threads, progress) if missing else None
    every = _joined([part for part in (known, new) if part])
    if cache and new:
        _write_cache(cache, pack, library, every)
    return every.of(ordered)


def _embed_all(
    pack: Pack, names: Sequence[str], library: Library, threads: int, progress: Progress
) -> Embeddings:
    embedder = Embedder(pack)
    found = []
    for heard in _in_threads(lambda name: _Heard(embedder, library, name), names, threads):
        found.append(heard)
        progress(len(found), len(names))
    return Embeddings(
        {name: i for i, name in enumerate(names)},
        np.stack([heard.vector for heard in found]),
        np.array([heard.speech_s for heard in found]),
        np.array([heard.snr_db for heard in found]),
        np.array([heard.heard for heard in found]),
    )


def _in_threads(
    work: Callable[[str], _Heard], names: Sequence[str], threads: int
) -> Iterator[_Heard]:
    """Results in order, a few at a time under way; the first error ends it."""
    with ThreadPoolExecutor(threads) as pool:
        running = deque(pool.submit(work, name) for name in names[: 2 * threads])
        try:
            for name in (*names[2 * threads :], *[None] * len(running)):
                yield running.popleft().result()
                if name is not None:
                    running.append(pool.submit(work, name))
        finally:
            pool.shutdown(cancel_futures=True)


def _joined(parts: Sequence[Embeddings]) -> Embeddings:
    names = [name for part in parts for name in part.row]
    return Embeddings(
        {name: i for i, name in enumerate(names)},
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.speech_s for part in parts]),
        np.concatenate([part.snr_db for part in parts]),
        np.concatenate([part.heard for part in parts]),
    )


def _cache_path(cache: Path, pack: Pack) -> Path:
    """One file for each model, told apart by what it is and not by its name."""
    facts = (__version__, pack.sha256["model.onnx"], pack.min_speech_s, pack.max_window_s)
    return cache / f"{pack.name}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}.npz"


def _read_cache(cache: Path, pack: Pack, library: Library) -> Embeddings | None:
    """What is kept of recordings that have not changed since."""
    path = _cache_path(cache, pack)
    if not path.exists():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            names, stamps = arrays["names"].tolist(), arrays["stamps"]
            row = {name: i for i, name in enumerate(names)}
            columns = (arrays[key] for key in ("vectors", "speech_s", "snr_db", "heard"))
            kept = Embeddings(row, *columns)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise EvaluationError(
            f"{path} is not a cache of embeddings ({error}); remove it, and run again."
        ) from error
    same = [
        name
        for name, stamp in zip(names, stamps, strict=True)
        if library.is_there(name) and np.array_equal(library.stamp(name), stamp)
    ]
    return kept.of(same) if same else None


def _write_cache(cache: Path, pack: Pack, library: Library, embeddings: Embeddings) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    path = _cache_path(cache, pack)
    with complete_or_absent(path, private=True) as part, part.open("wb") as file:
        np.savez(
            file,
            names=np.array(list(embeddings.row)),
            stamps=np.array([library.stamp(name) for name in embeddings.row]),
            vectors=embeddings.vectors,
            speech_s=embeddings.speech_s,
            snr_db=embeddings.snr_db,
            heard=embeddings.heard,
        )
