"""Public models, by name: where they are, what they are, and how they become packs.

`hub.json` has the facts. Where nobody could state the SHA-256 of a file, the one that is first
downloaded is recorded in "pins.json" beside the packs, and another is refused from then on.

Environment: VOXGATE_MIRROR is asked first for each file by its name; VOXGATE_OFFLINE=1 forbids
the network. A file that was copied by hand into the folder "downloads" is taken as it is.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from voxgate.atomic import complete_or_absent
from voxgate.download import Progress, fetch, sha256_of
from voxgate.errors import DownloadError, PackError, PackNotFoundError
from voxgate.install import ModelFacts
from voxgate.packs import packs_folder


@dataclass(frozen=True)
class Entry:
    """What hub.json says of a model."""

    name: str
    title: str
    like: str  # preset of its front end
    file: str  # "" where it comes with a Python package
    addresses: tuple[str, ...]
    sha256: str | None
    sha256_note: str
    dim: int
    license: str
    source: str
    citation: str
    language: str
    training_data: tuple[str, ...]
    published: Mapping[str, float]
    published_scoring: str
    bytes: int | None = None
    parameters_millions: float | None = None
    arch: str = ""  # of a checkpoint that has to be converted

    @property
    def facts(self) -> ModelFacts:
        """What goes into its pack."""
        return ModelFacts(
            description=f"{self.title}. Speech: {self.language}.",
            license=self.license,
            training_data=self.training_data,
            address=self.source,
            citation=self.citation,
            published=self.published,
        )


@cache
def entries() -> Mapping[str, Entry]:
    """All public models that are known, by name."""
    known = json.loads(files("voxgate").joinpath("hub.json").read_text("utf-8"))
    lists = ("addresses", "training_data")
    return {
        name: Entry(name, **{**facts, **{key: tuple(facts[key]) for key in lists}})
        for name, facts in known.items()
    }


def entry(name: str) -> Entry:
    """One of them.

    Raises:
        PackNotFoundError: there is none of that name; the message has the nearest.
    """
    known = entries()
    if name not in known:
        near = get_close_matches(name, known) or list(known)
        raise PackNotFoundError(
            f"There is no public model '{name}' in the list; there is {', '.join(near)}."
        )
    return known[name]


def downloads_folder() -> Path:
    """Where files are downloaded to, and found when they were copied there by hand."""
    return packs_folder() / "downloads"


def obtain(model: Entry, *, progress: Progress = lambda there, total: None) -> tuple[Path, bool]:
    """The file of a model, and whether it was downloaded just now.

    Raises:
        DownloadError: it cannot be had, or is not the file it must be.
        OutputError: it cannot be written.
    """
    target = downloads_folder() / model.file
    expected = model.sha256 or _pins().get(model.file)
    if target.is_file():
        found, loaded = sha256_of(target), False
        if expected is not None and found != expected:
            raise DownloadError(
                f"{target} has the SHA-256 {found[:12]}…, but it must be {expected[:12]}…; "
                "remove it, or put the right file there."
            )
    else:
        if os.environ.get("VOXGATE_OFFLINE", "0") not in ("", "0"):
            raise DownloadError(
                f"{model.name} is not here, and VOXGATE_OFFLINE forbids the network: get "
                f"{model.addresses[0]} by other means and put it at {target}."
            )
        found = fetch(_addresses(model), target, sha256=expected, progress=progress)
        loaded = True
    if model.sha256 is None and model.file not in _pins():
        _pin(model.file, found)
    return target, loaded


def _addresses(model: Entry) -> list[str]:
    mirror = os.environ.get("VOXGATE_MIRROR", "").rstrip("/")
    return [*([f"{mirror}/{quote(model.file)}"] if mirror else []), *model.addresses]


def _pins() -> dict[str, str]:
    """SHA-256 of files that were taken at first sight, by name."""
    path = packs_folder() / "pins.json"
    if not path.is_file():
        return {}
    try:
        pins: dict[str, str] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PackError(f"{path} cannot be read: {error}; restore it.") from error
    return pins


def _pin(file: str, sha256: str) -> None:
    with complete_or_absent(packs_folder() / "pins.json") as part:
        part.write_text(json.dumps({**_pins(), file: sha256}, indent=2), "utf-8")
