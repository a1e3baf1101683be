"""Packs: a model with all its facts, in a folder or a zip file.

A pack holds `pack.toml` and the files it names with their SHA-256: `model.onnx` (from
"waveform", float32 (batch, samples) at 16 kHz, to "embedding", float32 (batch, dim); or from
the features that [front_end] and [model] state) and, once calibrated, `cohort.npy` (float16
(size, dim), unrelated voices). What `pack.toml` says is checked when the pack is loaded; a
file's SHA-256 each time it is read, on the very bytes that are used.
"""

import hashlib
import io
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from voxgate import manifest
from voxgate.errors import (
    PackError,
    PackNotFoundError,
    PackTamperedError,
    ScoringError,
    UncalibratedPackError,
    UsageError,
)
from voxgate.feeding import Feeding, make_feeding
from voxgate.frontends import FrontEnd, make_front_end
from voxgate.scoring import Calibration, Cohort, FalseAcceptTable, to_unit_length

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

DEFAULT_PACK = "ecapa-compact"

PACKS = {  # built-in packs: name -> folder inside this package
    "ecapa-compact": "builtin/ecapa-compact",
    "ecapa-compact-small": "builtin/ecapa-compact-small",
}

_LARGEST_FILE_BYTES = 2**30  # in a zip: what expands beyond this is no model of ours
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Decider(NamedTuple):
    """What turns a cosine into a decision; measured on a pack's own embeddings."""

    cohort_nearest: int
    calibration: Calibration
    false_accepts: FalseAcceptTable


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
    decider: Decider | None = field(repr=False)  # None: it embeds, but cannot decide
    front_end: FrontEnd | None  # None: it is inside the model, which takes a waveform
    feeding: Feeding | None  # how features go in; with a front end only
    source: Mapping[str, str]  # address and citation of a public model
    published: Mapping[str, float]  # what its makers report, such as "VoxCeleb1-O EER %"
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

    @property
    def calibration(self) -> Calibration:
        """From scores to LLRs, or an UncalibratedPackError."""
        return self._decider.calibration

    @property
    def false_accepts(self) -> FalseAcceptTable:
        """From false-accept rates to thresholds, or an UncalibratedPackError."""
        return self._decider.false_accepts

    @property
    def _decider(self) -> Decider:
        if self.decider is None:
            raise UncalibratedPackError(self.id)
        return self.decider

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
            UncalibratedPackError: it has none.
            PackError: the file is not the one stated, or not such an array.
        """
        return self._cohort

    @cached_property
    def _cohort(self) -> Cohort:
        nearest = self._decider.cohort_nearest
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
            return Cohort(directions, nearest=nearest)
        except ScoringError as error:
            raise PackError(f"{where}: {error}") from error


def load_pack(name_or_path: str | Path = DEFAULT_PACK) -> Pack:
    """A built-in or installed pack by its name, or any pack by its folder or zip file.

    Raises:
        PackNotFoundError: there is none.
        PackError: something is there, but not a sound pack.
    """
    name = str(name_or_path)
    if name in PACKS:
        return _parse(Path(__file__).parent / PACKS[name])
    if _PLAIN_NAME.fullmatch(name) and (packs_folder() / name / "pack.toml").is_file():
        return _parse(packs_folder() / name)
    path = Path(name_or_path)
    if not path.exists():
        raise PackNotFoundError(
            f"There is no pack '{name}': give a built-in one ({', '.join(PACKS)}), an installed "
            "one (voxgate packs list), or the path of a pack's folder or zip file."
        )
    return _parse(path)


def packs_folder() -> Path:
    """Where packs are installed: VOXGATE_PACKS, or a folder in the user's data folder."""
    if folder := os.environ.get("VOXGATE_PACKS"):
        return Path(folder).expanduser()
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed otherwise

    return user_data_path("voxgate", appauthor=False) / "packs"


def read_manifest(pack: Pack) -> dict[str, Any]:
    """What pack.toml says, as it is there: to make another pack of it."""
    toml: dict[str, Any] = tomllib.loads(_read(pack.path, "pack.toml").decode())
    return toml


def installed() -> list[Pack]:
    """The built-in packs, in the order of `PACKS`, then those that were installed, by name."""
    folders = sorted(found.parent for found in packs_folder().glob("*/pack.toml"))
    return [*map(load_pack, PACKS), *map(_parse, folders)]


def _parse(path: Path) -> Pack:
    """Read and check pack.toml."""
    where = path / "pack.toml"
    try:
        toml = tomllib.loads(_read(path, "pack.toml").decode())
        manifest.check(toml)
        facts = dict(toml["pack"])
        return Pack(
            path=path,
            training_data=tuple(facts.pop("training_data")),
            decider=_decider_of(toml),
            front_end=make_front_end(toml["front_end"]) if "front_end" in toml else None,
            feeding=make_feeding(toml["model"]) if "model" in toml else None,
            source=toml.get("source", {}),
            published=toml.get("published", {}),
            metrics=toml["metrics"],
            sha256=toml["files"],
            **facts,
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{where} is not valid TOML: {error}.") from error
    except (manifest.UnsoundError, ScoringError, UsageError) as error:
        raise PackError(f"{where}: {error}") from error


def _decider_of(toml: Mapping[str, Any]) -> Decider | None:
    if "cohort" not in toml:
        return None
    calibration = {key: tuple(numbers) for key, numbers in toml["calibration"].items()}
    table = FalseAcceptTable(**toml["false_accepts"])
    return Decider(toml["cohort"]["nearest"], Calibration(**calibration), table)


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
