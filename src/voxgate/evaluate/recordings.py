"""The recordings that lists of trials name: where they are, and what is known of them.

They lie in a folder as files, or in tar archives *.tar of it (not compressed). Beside them may
lie:

- manifest.csv with a column `path` and any of `speaker`, `dataset`, `session`, `language`, `sex`,
  `age`;
- utt2spk, "name speaker" a line, as in Kaldi;
- wav.scp, "name path" a line, as in Kaldi (paths of files; commands are not run).

Without the first two, a recording's speaker is the folder it lies in.
"""

import csv
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from voxgate.errors import AudioFileNotFoundError, EvaluationError


@dataclass(frozen=True)
class About:
    """What is known of a recording; "" where nothing is."""

    speaker: str
    session: str = ""
    language: str = ""
    sex: str = ""
    age: str = ""


class Stamp(NamedTuple):
    """What changes when a recording does."""

    size: int
    modified: float


class Library:
    """Recordings in a folder, by the names that trials use."""

    def __init__(self, folder: Path) -> None:
        """Look at what lies beside the recordings; none is read.

        Raises:
            EvaluationError: there is no such folder, or a file beside the recordings is unsound.
        """
        if not folder.is_dir():
            raise EvaluationError(f"{folder} is no folder; give the one with the recordings.")
        self.folder = folder
        self._manifest = _read_manifest(folder / "manifest.csv")
        self._speakers = _read_table(folder / "utt2spk")
        self._paths = _read_table(folder / "wav.scp")

    def about(self, name: str) -> About:
        """What the files beside the recordings, or its folder, say of it."""
        known = self._manifest.get(name) or About("")
        speaker = known.speaker or self._speakers.get(name) or speaker_by_folder(name)
        return replace(known, speaker=speaker)

    def path(self, name: str) -> Path:
        """Where the file is, if it is one of its own."""
        return self.folder / self._paths.get(name, name)

    def is_there(self, name: str) -> bool:
        """Whether there is such a recording."""
        return self.path(name).is_file() or name in self._archived

    def check(self, names: Iterable[str]) -> None:
        """Make sure before the work that all recordings are there.

        Raises:
            EvaluationError: some are not.
        """
        wanted = sorted(set(names))
        missing = [name for name in wanted if not self.is_there(name)]
        if missing:
            raise EvaluationError(
                f"{len(missing):,} of the {len(wanted):,} recordings of the trials "
                f"{'is' if len(missing) == 1 else 'are'} not in {self.folder}, neither as files "
                f"nor in its *.tar, such as {missing[0]}."
            )

    def source(self, name: str) -> Path | bytes:
        """What to read the recording from.

        Raises:
            AudioFileNotFoundError: there is none of that name.
        """
        path = self.path(name)
        if path.is_file():
            return path
        if name not in self._archived:
            raise AudioFileNotFoundError(f"{path} does not exist.")
        archive, member = self._archived[name]
        with archive.open("rb") as file:
            file.seek(member.offset_data)
            return file.read(member.size)

    def stamp(self, name: str) -> Stamp:
        """Size and time of change."""
        path = self.path(name)
        if path.is_file():
            stat = path.stat()
            return Stamp(stat.st_size, stat.st_mtime)
        _, member = self._archived[name]
        return Stamp(member.size, member.mtime)

    @cached_property
    def _archived(self) -> dict[str, tuple[Path, tarfile.TarInfo]]:
        """Where in which archive a recording is."""
        found = {}
        for path in sorted(self.folder.glob("*.tar")):
            try:
                with tarfile.open(path, "r:") as tar:
                    found.update({m.name: (path, m) for m in tar if m.isfile()})
            except tarfile.TarError as error:
                raise EvaluationError(
                    f"{path} is not an uncompressed tar archive: {error}."
                ) from error
        return found


def speaker_by_folder(name: str) -> str:
    """The folder a recording lies in, whole, so that speakers of two data sets stay two."""
    return str(PurePosixPath(name).parent)


def _read_manifest(path: Path) -> dict[str, About]:
    """manifest.csv by path; a speaker is named together with the data set."""
    if not path.is_file():
        return {}
    with io.StringIO(_text(path), newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if "path" not in columns:
            raise EvaluationError(f"{path} has no column 'path', but {', '.join(columns)}.")
        return {row["path"]: _about(row) for row in reader}


def _about(row: dict[str, Any]) -> About:
    known = {field.name: row.get(field.name) or "" for field in fields(About)}
    if known["speaker"] and row.get("dataset"):
        known["speaker"] = f"{row['dataset']}/{known['speaker']}"
    return About(**known)


def _read_table(path: Path) -> dict[str, str]:
    """A Kaldi table: a name, white space, and the rest of the line."""
    if not path.is_file():
        return {}
    table = dict(_rows(path))
    if piped := [name for name, value in table.items() if value.endswith("|")]:
        raise EvaluationError(
            f"{path} gives a command for {piped[0]}; only paths of files are taken."
        )
    return table


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.split(maxsplit=1)
        if len(words) == 1:
            raise EvaluationError(f"{path}, line {number} is {line[:60]!r}; two words are needed.")
        if words:
            yield words[0], words[1].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read as text: {error}.") from error
