"""A CSV file with a line for each recording: columns `speaker` and `path`, and what else is known.

Further columns that are understood: dataset (else the name of the folder), session, language,
sex, age, and start_s and end_s where a recording is a stretch of its file. Others are passed over.
"""

import csv
from pathlib import Path

from voxgate.errors import CorpusError
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording

NAME = "manifest.csv"
COLUMNS = (
    "dataset", "speaker", "path", "session", "language", "sex", "age", "start_s", "end_s",
)  # fmt: skip


def found_in(path: Path) -> bool:
    """Is it a CSV file, or a folder with manifest.csv?"""
    return path.suffix.lower() == ".csv" or (path / NAME).is_file()


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read a manifest; paths in it are relative to its folder.

    Raises:
        CorpusError: it is not there, lacks a column, or a line lacks its speaker or path.
    """
    del options
    file = path / NAME if path.is_dir() else path
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            lacking = sorted({"speaker", "path"} - set(rows.fieldnames or ()))
            if lacking:
                raise CorpusError(
                    f"{file} has no column {lacking[0]!r}; it needs 'speaker' and 'path'."
                )
            return [_recording(file, rows.line_num, row) for row in rows]
    except FileNotFoundError:
        raise CorpusError(f"{file} is not there; it lists the recordings.") from None
    except (UnicodeError, csv.Error) as error:
        raise CorpusError(f"{file} is no CSV file in UTF-8: {error}.") from None


def _recording(file: Path, line: int, row: dict[str, str | None]) -> Recording:
    told = {column: (row.get(column) or "").strip() for column in COLUMNS}
    for column in ("speaker", "path"):
        if not told[column]:
            raise CorpusError(f"{file}, line {line} has no {column}; fill it in, or delete it.")
    dataset = told["dataset"] or file.absolute().parent.name
    start_s = _seconds(file, line, told["start_s"]) or 0.0
    end_s = _seconds(file, line, told["end_s"])
    is_stretch = bool(start_s) or end_s is not None
    return Recording(
        dataset=dataset,
        speaker=f"{dataset}/{told['speaker']}",
        name=told["path"] + (f"#{start_s:g}-{'' if end_s is None else end_s}" * is_stretch),
        path=file.parent / told["path"],
        start_s=start_s,
        end_s=end_s,
        session=told["session"],
        language=told["language"],
        sex=told["sex"],
        age=told["age"],
    )


def _seconds(file: Path, line: int, value: str) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        raise CorpusError(f"{file}, line {line} has the time {value!r}; give seconds.") from None


def write(recordings: list[Recording], file: Path) -> None:
    """Write a manifest that `read` gives back; paths in its folder are written relative to it."""
    folder = file.absolute().parent
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for r in recordings:
            path = r.path.absolute()
            if path.is_relative_to(folder):
                path = path.relative_to(folder)
            writer.writerow(
                [
                    r.dataset, r.speaker.removeprefix(f"{r.dataset}/"), path.as_posix(), r.session,
                    r.language, r.sex, r.age, r.start_s or "", "" if r.end_s is None else r.end_s,
                ]
            )  # fmt: skip


READER = Reader("a CSV file with columns speaker and path", found_in, read)
