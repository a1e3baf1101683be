"""NeMo's manifests: a JSON object a line, with audio_filepath, offset, duration and label.

See https://docs.nvidia.com/nemo-framework/user-guide/latest/nemotoolkit/asr/
speaker_recognition/datasets.html. A relative path is relative to the manifest's folder.
"""

import json
from pathlib import Path
from typing import Any

from voxgate.errors import CorpusError
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording

_SUFFIXES = (".json", ".jsonl")


def found_in(path: Path) -> bool:
    """Is it such a file, or a folder with one?"""
    return bool(_manifests(path))


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read a manifest.

    Raises:
        CorpusError: it is not there, a line is no such object, or several are in the folder.
    """
    del options
    if path.is_dir():
        files = _manifests(path)
        if len(files) != 1:
            names = ", ".join(file.name for file in files) or "none"
            raise CorpusError(f"{path} must hold one NeMo manifest, but has {names}; name one.")
        (path,) = files
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise CorpusError(f"{path} is no JSON in UTF-8.") from None
    return [_recording(path, n, line) for n, line in enumerate(lines, 1) if line.strip()]


def _recording(file: Path, number: int, line: str) -> Recording:
    try:
        told: dict[str, Any] = json.loads(line)
        audio, label = str(told["audio_filepath"]), str(told["label"])
        start_s = float(told.get("offset") or 0.0)
        duration_s = told.get("duration")
        # Without an offset the file is taken whole: durations are rounded, and would cut it.
        end_s = start_s + float(duration_s) if told.get("offset") and duration_s else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"{file}, line {number} must be a JSON object with audio_filepath and label, the "
            f"speaker; it is {line[:60]!r} ({type(error).__name__})."
        ) from None
    dataset = file.stem
    return Recording(
        dataset=dataset,
        speaker=f"{dataset}/{label}",
        name=audio + (f"#{start_s:g}" if start_s else ""),
        path=file.parent / audio,
        start_s=start_s,
        end_s=end_s,
        language=str(told.get("lang") or ""),
    )


def _manifests(path: Path) -> list[Path]:
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    return [f for f in files if f.suffix.lower() in _SUFFIXES and f.is_file() and _is_nemo(f)]


def _is_nemo(file: Path) -> bool:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return '"audio_filepath"' in lines.readline()


READER = Reader("a NeMo manifest (JSON lines with audio_filepath and label)", found_in, read)
