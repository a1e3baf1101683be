"""Labelled recordings, however they are stored: one reader for each way.

`READERS` is the one table of them; detection tries them in its order.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from voxgate.errors import CorpusError
from voxgate.train.corpora import folders, kaldi, lhotse, manifest, nemo, pickled
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording

__all__ = ["READERS", "ReadOptions", "Reader", "Recording", "detect_format", "read_corpus"]

READERS: dict[str, Reader] = {
    "manifest": manifest.READER,
    "kaldi": kaldi.READER,
    "lhotse": lhotse.READER,
    "nemo": nemo.READER,
    "pickle": pickled.READER,
    "folders": folders.READER,
}


def detect_format(path: Path) -> str:
    """Name the way in which the corpus at `path` is stored, from what lies there.

    Raises:
        CorpusError: there is nothing, or nothing known.
    """
    if not path.exists():
        raise CorpusError(f"There is no {path}; give the folder or file of a corpus.")
    for name, reader in READERS.items():
        if reader.found_in(path):
            return name
    known = "; ".join(f"{name}: {reader.what}" for name, reader in READERS.items())
    raise CorpusError(f"{path} holds no corpus in a known format ({known}).")


def read_corpus(
    path: Path,
    format: str | None = None,
    *,
    datasets: Sequence[str] = (),
    options: ReadOptions | None = None,
) -> list[Recording]:
    """Read the recordings of a corpus, of some datasets or all.

    Args:
        path: its folder or file.
        format: one of READERS; found out where it is not given.
        datasets: names; none: all.
        options: what only the user can know.

    Raises:
        CorpusError: the format is unknown, the corpus cannot be read, lists a recording twice, or
            has nothing of these datasets.
    """
    format = format or detect_format(path)
    if format not in READERS:
        raise CorpusError(f"There is no format {format!r}; known are {', '.join(READERS)}.")
    found = READERS[format].read(path, options or ReadOptions())
    recordings = [r for r in found if not datasets or r.dataset in datasets]
    if not recordings:
        of = f" of {', '.join(datasets)}" if datasets else ""
        raise CorpusError(f"{path} lists no recording{of}.")
    name, times = Counter(r.name for r in recordings).most_common(1)[0]
    if times > 1:
        raise CorpusError(f"{path} lists {name} {times} times; list each recording once.")
    return recordings
