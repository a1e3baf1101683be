"""A Kaldi data folder: wav.scp, utt2spk and, where recordings are cut, segments.

See https://kaldi-asr.org/doc/data_prep.html. What wav.scp names must be sound files: a command
that ends with a pipe is not run.
"""

import re
from pathlib import Path

from voxgate.errors import CorpusError
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording


def found_in(path: Path) -> bool:
    """Is there a wav.scp?"""
    return (path / "wav.scp").is_file()


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read a data folder; paths in wav.scp are relative to it, or to the working folder.

    Raises:
        CorpusError: a file is missing or malformed, or names what is not there.
    """
    del options
    files = _table(path / "wav.scp")
    speakers = _table(path / "utt2spk")
    sexes = _table(path / "spk2gender") if (path / "spk2gender").is_file() else {}
    has_segments = (path / "segments").is_file()
    segments = _table(path / "segments") if has_segments else {name: "" for name in files}
    dataset = path.absolute().name
    recordings = []
    for utterance, segment in segments.items():
        whole = (utterance, 0.0, None)
        source, start_s, end_s = _stretch(path, utterance, segment) if has_segments else whole
        if source not in files:
            raise CorpusError(f"{path / 'wav.scp'} has no line for {source!r}, which segments has.")
        if utterance not in speakers:
            raise CorpusError(f"{path / 'utt2spk'} has no line for {utterance!r}.")
        speaker = speakers[utterance]
        recordings.append(
            Recording(
                dataset=dataset,
                speaker=f"{dataset}/{speaker}",
                name=utterance,
                path=_file(path, source, files[source]),
                start_s=start_s,
                end_s=end_s,
                sex=sexes.get(speaker, ""),
            )
        )
    return recordings


def _table(file: Path) -> dict[str, str]:
    """First word of each line → the rest of it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{file} is not there; a Kaldi folder needs it.") from None
    table: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key, value = [*line.split(maxsplit=1), ""][:2]
        if not value or key in table:
            problem = f"lists {key!r} twice" if key in table else "has only one word"
            raise CorpusError(f"{file}, line {number} {problem}; correct it.")
        table[key] = value.strip()
    return table


def _stretch(path: Path, utterance: str, segment: str) -> tuple[str, float, float | None]:
    try:
        source, start, end = segment.split()
        start_s, end_s = float(start), float(end)
    except ValueError:
        raise CorpusError(
            f"{path / 'segments'} has {utterance} {segment!r}; the line must have the recording, "
            "its first and its last second."
        ) from None
    if end_s == -1:  # Kaldi's "to the end"
        return source, start_s, None
    if not 0 <= start_s < end_s:
        raise CorpusError(
            f"{path / 'segments'} lets {utterance} go from {start_s:g} to {end_s:g} s; it must "
            "begin before it ends."
        )
    return source, start_s, end_s


def _file(folder: Path, source: str, value: str) -> Path:
    if value.endswith("|"):
        raise CorpusError(
            f"{folder / 'wav.scp'} gives {source} as a command with a pipe ({value[:60]!r}), and "
            "commands are not run; convert the recordings to files and name those."
        )
    if re.search(r"\.ark:\d+$", value):
        raise CorpusError(
            f"{folder / 'wav.scp'} gives {source} as a place in an archive ({value[:60]!r}), which "
            "is not read; copy it to sound files with Kaldi's wav-copy."
        )
    path = Path(value)
    return path if path.is_absolute() or not (folder / path).exists() else folder / path


READER = Reader("a Kaldi data folder (wav.scp, utt2spk, segments)", found_in, read)
