"""Packs: a model with all its facts, in a folder or a zip file.

A pack holds `pack.toml` and the files it names with their SHA-256: `model.onnx` (from
"waveform", float32 (batch, samples) at 16 kHz, to "embedding", float32 (batch, dim)) and
`cohort.npy` (float16 (size, dim), unrelated voices). What `pack.toml` says is checked when
the pack is loaded; a file's SHA-256 each time it is read, on the very bytes that are used.
"""

import hashlib
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from voxgate.errors import PackError, PackNotFoundError, PackTamperedError, ScoringError
from voxgate.scoring import Calibration, Cohort, FalseAcceptTable, to_unit_length

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

DEFAULT_PACK = "ecapa-compact"

PACKS = {  # built-in packs: name -> folder inside this package
    "ecapa-compact": "builtin/ecapa-compact",
}

_SAMPLE_RATE_HZ = 16_000  # of the waveforms that the models of this version take
_LARGEST_FILE_BYTES = 2**30  # in a zip: what expands beyond this is no model of ours
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # no folder, no drive, no ".."
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILES = ("model.onnx", "cohort.npy")  # what every pack has; more may be named

_KEYS = {  # pack.toml: table -> key -> kind of value; all are needed, no others known
    "": {
        "pack": "table", "files": "table", "cohort": "table", "calibration": "table",
        "false_accepts": "table", "metrics": "table",
    },
    "pack": {
        "name": "text", "version": "text", "description": "text", "license": "text",
        "training_data": "list of texts", "dim": "whole number",
        "sample_rate_hz": "whole number", "min_speech_s": "number", "max_window_s": "number",
    },
    "cohort": {"nearest": "whole number"},
    "calibration": {
        "slope": "pair of numbers", "offset": "pair of numbers", "speech_s": "pair of numbers",
    },
    "false_accepts": {
        "speech_s": "list of numbers", "far": "list of numbers", "thresholds": "list of rows",
        "misses": "list of rows", "pairs": "list of rows",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pack:
    """A model and its facts. The model and the cohort are read when asked for."""

    path: Path  # the folder or zip file it was loaded from
    name: str
    version: str
    description: str
    license: str
    training_data: tuple[str, ...]
    dim: int  # numbers in an embedding
    sample_rate_hz: int
    min_speech_s: float  # a recording with less is not embedded
    max_window_s: float  # more is embedded in windows
    cohort_nearest: int
    calibration: Calibration
    false_accepts: FalseAcceptTable = field(repr=False)
    metrics: Mapping[str, Mapping[str, float]]  # set -> metric -> value; "eer" is in %
    sha256: Mapping[str, str] = field(repr=False)  # file -> SHA-256, as pack.toml states it

    @property
    def id(self) -> str:
        """What the embedding is; embeddings with different ones are never compared.

        Name and version, without what follows a "+": that tells calibrations of one embedding
        apart.
        """
        return f"{self.name}@{self.version.partition('+')[0]}"

    @property
    def label(self) -> str:
        """Name and whole version: the embedding and its calibration."""
        return f"{self.name}@{self.version}"

    def read(self, name: str) -> bytes:
        """One of the files that pack.toml names, whole.

        Raises:
            PackTamperedError: it does not have the SHA-256 that pack.toml states.
            PackError: it is missing or cannot be read.
        """
        content = _read(self.path, name)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256[name]:
            raise PackTamperedError(self.path / name, self.sha256[name], found)
        return content

    def cohort(self) -> Cohort:
        """The unrelated voices to judge a cosine against; read at the first call.

        Raises:
            PackError: the file is not the one stated, or not such an array.
        """
        return self._cohort

    @cached_property
    def _cohort(self) -> Cohort:
        where = self.path / "cohort.npy"
        try:
            voices = np.load(io.BytesIO(self.read("cohort.npy")), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise PackError(f"{where} is not a NumPy array: {error}.") from error
        if voices.ndim != 2 or voices.shape[1] != self.dim or voices.dtype.kind != "f":
            raise PackError(
                f"{where} is {voices.dtype} of shape {voices.shape}; "
                f"floating point of shape (size, {self.dim}) is needed."
            )
        try:
            directions = to_unit_length(voices.astype(np.float32))
            return Cohort(directions, nearest=self.cohort_nearest)
        except ScoringError as error:
            raise PackError(f"{where}: {error}") from error


def load_pack(name_or_path: str | Path = DEFAULT_PACK) -> Pack:
    """A built-in pack by its name, or any pack by its folder or zip file.

    Raises:
        PackNotFoundError: there is none.
        PackError: something is there, but not a sound pack.
    """
    if str(name_or_path) in PACKS:
        return _parse(Path(__file__).parent / PACKS[str(name_or_path)])
    path = Path(name_or_path)
    if not path.exists():
        raise PackNotFoundError(
            f"There is no pack '{name_or_path}': give a built-in one ({', '.join(PACKS)}), "
            "or the path of a pack's folder or zip file."
        )
    return _parse(path)


def read_manifest(pack: Pack) -> dict[str, Any]:
    """What pack.toml says, as it is there: to make another pack of it."""
    manifest: dict[str, Any] = tomllib.loads(_read(pack.path, "pack.toml").decode())
    return manifest


def installed() -> list[Pack]:
    """The built-in packs, in the order of `PACKS`."""
    return [load_pack(name) for name in PACKS]


def _parse(path: Path) -> Pack:
    """Read and check pack.toml."""
    where = path / "pack.toml"
    try:
        toml = tomllib.loads(_read(path, "pack.toml").decode())
        _check_keys(toml)
        _check_pack(toml["pack"])
        _check_files(toml["files"])
        _check_metrics(toml["metrics"])
        facts, calibration = dict(toml["pack"]), toml["calibration"]
        return Pack(
            path=path,
            training_data=tuple(facts.pop("training_data")),
            cohort_nearest=toml["cohort"]["nearest"],
            calibration=Calibration(**{key: tuple(pair) for key, pair in calibration.items()}),
            false_accepts=FalseAcceptTable(**toml["false_accepts"]),
            metrics=toml["metrics"],
            sha256=toml["files"],
            **facts,
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{where} is not valid TOML: {error}.") from error
    except (_UnsoundError, ScoringError) as error:
        raise PackError(f"{where}: {error}") from error


class _UnsoundError(Exception):
    """What is wrong with pack.toml, before its path is put in front."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(of(item) for item in value)


_KINDS: dict[str, Callable[[Any], bool]] = {
    "table": lambda value: isinstance(value, dict),
    "text": lambda value: isinstance(value, str) and bool(value.strip()),
    "whole number": lambda value: _is_number(value) and isinstance(value, int),
    "number": _is_number,
    "list of texts": lambda value: _is_list(value, lambda item: isinstance(item, str)),
    "list of numbers": lambda value: _is_list(value, _is_number),
    "pair of numbers": lambda value: _is_list(value, _is_number) and len(value) == 2,
    "list of rows": lambda value: _is_list(value, lambda row: _is_list(row, _is_number)),
}


def _check_keys(toml: Mapping[str, Any]) -> None:
    """Every table has all of its keys, of the right kind, and no others."""
    for name, kinds in _KEYS.items():
        table, where = (toml[name], f"[{name}]") if name else (toml, "the file")
        if missing := [key for key in kinds if key not in table]:
            raise _UnsoundError(f"{where} lacks {', '.join(missing)}.")
        if unknown := [key for key in table if key not in kinds]:
            raise _UnsoundError(
                f"{where} has the unknown {', '.join(unknown)}; known: {', '.join(kinds)}."
            )
        for key, kind in kinds.items():
            if not _KINDS[kind](table[key]):
                raise _UnsoundError(f"{where} {key} is not a {kind}.")


def _check_pack(facts: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(facts["name"]):
        raise _UnsoundError(
            f"[pack] name {facts['name']!r} is not of lower-case letters, digits and '-._'."
        )
    if facts["dim"] < 1:
        raise _UnsoundError(f"[pack] dim is {facts['dim']}; at least 1 is needed.")
    if facts["sample_rate_hz"] != _SAMPLE_RATE_HZ:
        raise _UnsoundError(
            f"[pack] sample_rate_hz is {facts['sample_rate_hz']}; only {_SAMPLE_RATE_HZ} is known."
        )
    shortest, longest = facts["min_speech_s"], facts["max_window_s"]
    if not 0 < shortest <= longest < float("inf"):
        raise _UnsoundError(
            f"[pack] min_speech_s {shortest} and max_window_s {longest} are not in order above 0."
        )


def _check_files(files: Mapping[str, Any]) -> None:
    if missing := [name for name in _FILES if name not in files]:
        raise _UnsoundError(f"[files] lacks {', '.join(missing)}.")
    for name, sha256 in files.items():
        if not _FILE_NAME.fullmatch(name):
            raise _UnsoundError(f"[files] {name!r} is not a plain file name inside the pack.")
        if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            raise _UnsoundError(f"[files] {name} has no SHA-256 of 64 lower-case hex digits.")


def _check_metrics(metrics: Mapping[str, Any]) -> None:
    for name, values in metrics.items():
        if not (isinstance(values, dict) and all(map(_is_number, values.values()))):
            raise _UnsoundError(f"[metrics.{name}] is not a table of numbers.")


def _read(path: Path, name: str) -> bytes:
    """A file of the pack at `path`, from the folder or out of the zip."""
    try:
        if path.is_dir():
            return (path / name).read_bytes()
        with zipfile.ZipFile(path) as archive:
            return _read_zipped(archive, name)
    except (FileNotFoundError, KeyError) as error:
        raise PackError(f"{path} is not a pack: it has no {name}.") from error
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise PackError(f"{path / name} cannot be read: {error}.") from error


def _read_zipped(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file at the top of the archive, or in the one folder that was zipped."""
    places = [
        entry
        for entry in archive.namelist()
        if entry == name or (entry.endswith(f"/{name}") and entry.count("/") == 1)
    ]
    info = archive.getinfo(min(places, key=len, default=name))
    if info.file_size > _LARGEST_FILE_BYTES:
        raise OSError(f"it expands to {info.file_size} bytes")
    return archive.read(info)
