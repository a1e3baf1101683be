"""One folder per speaker, with recordings in it or in folders below it."""

import os
from collections.abc import Iterator
from pathlib import Path

from voxgate.containers import RECORDING_SUFFIXES
from voxgate.errors import CorpusError
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording


def found_in(path: Path) -> bool:
    """Is there a folder in it with a recording somewhere in it?"""
    return any(next(_recordings(folder), None) is not None for folder in _folders(path))


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read a folder of speakers' folders; its own name is that of the dataset.

    Raises:
        CorpusError: there is no speaker, or one without a recording.
    """
    del options
    folders = _folders(path)
    if not folders:
        raise CorpusError(f"{path} holds no folders; one for each speaker is needed.")
    dataset = path.absolute().name
    recordings = []
    for folder in folders:
        files = list(_recordings(folder))
        if not files:
            raise CorpusError(
                f"{folder} holds no recording; a speaker needs one: add some, or delete the folder."
            )
        recordings += [
            Recording(
                dataset=dataset,
                speaker=f"{dataset}/{folder.name}",
                name=file.relative_to(path).as_posix(),
                path=file,
            )
            for file in files
        ]
    return recordings


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(f for f in path.iterdir() if f.is_dir() and not f.name.startswith("."))


def _recordings(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix.lower() in RECORDING_SUFFIXES and not name.startswith("."):
                yield Path(root, name)


READER = Reader("a folder with one folder per speaker", found_in, read)
