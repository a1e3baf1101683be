"""Write a pack anew with another calibration."""

import hashlib
import io
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np

from voxgate.atomic import cannot_write
from voxgate.errors import OutputError
from voxgate.evaluate.recalibration import Recalibration
from voxgate.manifest import to_toml
from voxgate.packs import Pack, load_pack, read_manifest


def write_pack(pack: Pack, found: Recalibration, out: Path) -> Pack:
    """Write `pack` with a new calibration to the folder `out`, whole or not at all.

    Its version gets "+cal." and a mark made of the calibration: what follows a "+" says that the
    embedding is still the same, so that enrolled voiceprints stay of use.

    Raises:
        OutputError: there is something already, or it cannot be written.
    """
    if out.exists():
        raise OutputError(f"{out} is there already; give the new pack another name.")
    part = out.with_name(f"{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, content in _files(pack, found).items():
            (part / name).write_bytes(content)
        part.replace(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return load_pack(out)


def _files(pack: Pack, found: Recalibration) -> dict[str, bytes]:
    """The files of the new pack, by name."""
    files = {name: pack.read(name) for name in pack.sha256}
    if found.cohort is not None:
        buffer = io.BytesIO()
        np.save(buffer, found.cohort)
        files["cohort.npy"] = buffer.getvalue()
    toml = read_manifest(pack)
    toml |= {
        "cohort": {"nearest": found.cohort_nearest},
        "calibration": asdict(found.calibration),
        "false_accepts": asdict(found.false_accepts),
        "metrics": {"own-recordings": _metrics(found)},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    fitted = repr((found.calibration, found.false_accepts, toml["files"]["cohort.npy"]))
    mark = hashlib.sha256(fitted.encode()).hexdigest()[:8]
    plain = toml["pack"]["version"].partition("+")[0]
    toml["pack"] = {**toml["pack"], "version": f"{plain}+cal.{mark}"}
    return {**files, "pack.toml": to_toml(toml).encode()}


def _metrics(found: Recalibration) -> dict[str, float]:
    """For pack.toml; rates in %."""
    return {
        "trials": found.targets + found.strangers,
        "eer": round(100 * found.eer, 2),
        "cllr": round(found.after.cllr, 3),
    }
