"""The folder of a run: what was run, on what, and how it went.

- experiment.toml: the recipe as it was run, overrides in it;
- facts.json: versions, data, seed, times;
- log.jsonl: a line a checkpoint;
- curves.png, tensorboard/: the same to look at;
- checkpoint.pt: the last state, to go on from;
- begun.pt: the weights that it began with, where they are not those of chance;
- pack/: what came of it;
- pack-NAME/: a pack made of it in another way.
"""

import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch

from voxgate import __version__
from voxgate.atomic import cannot_write, complete_or_absent
from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.config import Experiment, build_experiment, read_table

_PACKAGES = ("torch", "numpy", "onnx", "onnxscript")
# what of a recipe the training does not depend on
_OF_THE_PACK = ("name", "begin.keep", "carried.", "pack.")


@dataclass(frozen=True)
class RunFolder:
    """One run's folder, which is there."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def begun(self) -> Path:
        return self.path / "begun.pt"

    @property
    def pack(self) -> Path:
        return self.path / "pack"

    def experiment(self, overrides: Sequence[str] = ()) -> Experiment:
        """What is run here; some of what concerns the pack alone given anew, as "key=value".

        Raises:
            TrainingError: this is no run's folder, or an override concerns the training.
        """
        for override in overrides:
            if not override.strip().startswith(_OF_THE_PACK):
                raise TrainingError(
                    f"{override} would change the training, which is over; a pack can be made with "
                    f"another {', '.join(_OF_THE_PACK)}…"
                )
        path = self.path / "experiment.toml"
        return build_experiment(read_table(path, overrides), str(path))

    def log(self, line: dict[str, Any]) -> None:
        """Add a line to log.jsonl, in place of any that a run cut short wrote for later steps."""
        lines = [earlier for earlier in self.lines() if earlier["step"] < line["step"]]
        with complete_or_absent(self.path / "log.jsonl") as part:
            part.write_text(
                "".join(json.dumps(each) + "\n" for each in [*lines, line]), encoding="utf-8"
            )

    def lines(self) -> list[dict[str, Any]]:
        """log.jsonl, oldest first."""
        path = self.path / "log.jsonl"
        if not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def note(self, facts: dict[str, Any]) -> None:
        """Put facts into facts.json, beside those that are there."""
        path = self.path / "facts.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        with complete_or_absent(path) as part:
            part.write_text(json.dumps({**known, **facts}, indent=1) + "\n", encoding="utf-8")


def open_run(path: Path, table: dict[str, Any], *, resume: bool) -> RunFolder:
    """Make the folder of a new run, or open that of one to go on with.

    Args:
        path: the folder.
        table: the recipe, overrides in it.
        resume: a run that began here is gone on with.

    Raises:
        TrainingError: there is a run already and `resume` is not said, or it is of another recipe.
        OutputError: the folder cannot be written.
    """
    folder, recipe = RunFolder(path), path / "experiment.toml"
    text = tomli_w.dumps(table)
    if recipe.is_file():
        if not resume:
            raise TrainingError(
                f"{path} holds a run already; go on with it with --resume, or choose another --out."
            )
        if recipe.read_text(encoding="utf-8") != text:
            raise TrainingError(
                f"{path} holds a run of another experiment than this one; choose another --out, "
                f"or go on with what {recipe} says."
            )
        return folder
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    with complete_or_absent(recipe) as part:
        part.write_text(text, encoding="utf-8")
    return folder


def facts_of(corpus: Corpus, chosen: Any, held_out: Any, classes: int, seed: int) -> dict[str, Any]:
    """What facts.json says of a run's data and of where it runs."""
    return {
        "seed": seed,
        "data_sha256": _digest(corpus),
        "recordings": len(chosen),
        "left_out": corpus.left_out,
        "speech_hours": round(float(corpus.seconds()[chosen].sum()) / 3600, 2),
        "speakers": len(np.unique(corpus.speaker[chosen])),
        "held_out_speakers": len(np.unique(corpus.speaker[held_out])),
        "classes": classes,
        "voxgate": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }


def _digest(corpus: Corpus) -> str:
    """SHA-256 over the names of the recordings and where the speech of each ends."""
    names = "\n".join(corpus.names).encode()
    return hashlib.sha256(names + corpus.starts.tobytes()).hexdigest()


def _commit() -> str | None:
    """The commit of voxgate's own source, where it lies in a repository."""
    here = Path(__file__).parent
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip() or None
