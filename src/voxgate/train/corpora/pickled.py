"""The .pkl corpora of course projects: an array (utterances, samples), so many rows a speaker.

The files say neither rate nor speakers: rows 0 to 9 are taken for the first speaker's, 10 to 19
for the second's, and so on, unless `ReadOptions` says otherwise.
"""

from pathlib import Path

from voxgate.errors import CorpusError
from voxgate.train.corpora.arrays import read_rows
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording

_SUFFIXES = (".pkl", ".pickle")


def found_in(path: Path) -> bool:
    """Is it a .pkl file, or a folder with some?"""
    return bool(_files(path))


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read a .pkl file, or all in a folder; each is a dataset with speakers of its own.

    Raises:
        CorpusError: there is none, one holds more than arrays, or its rows do not come out even.
    """
    files = _files(path)
    if not files:
        raise CorpusError(f"{path} is no .pkl file, nor a folder with one.")
    return [recording for file in files for recording in _recordings(file, options)]


def _recordings(file: Path, options: ReadOptions) -> list[Recording]:
    each = options.rows_per_speaker
    rows = len(read_rows(file))
    if each < 1 or rows == 0 or rows % each:
        raise CorpusError(
            f"{file} holds {rows} utterances, which are not {each} a speaker; say with "
            "--rows-per-speaker how many each speaker has."
        )
    return [
        Recording(
            dataset=file.stem,
            speaker=f"{file.stem}/{row // each}",
            name=f"{file.name}#{row}",
            path=file,
            row=row,
            rate_hz=options.rate_hz,
        )
        for row in range(rows)
    ]


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() in _SUFFIXES and file.is_file()]


READER = Reader("a .pkl file with an array (utterances, samples)", found_in, read)
