"""A finished run → a pack: the network exported, its scores calibrated, its errors measured."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE
from voxgate.embed import Embedder
from voxgate.evaluate.calibration import fit_calibration, make_pairs, measure_false_accepts
from voxgate.evaluate.evaluation import pack_metrics
from voxgate.packs import load_pack
from voxgate.scoring import Calibration, Cohort, FalseAcceptTable
from voxgate.train import calibrate
from voxgate.train.config import Experiment, read_experiment
from voxgate.train.data import Corpus, build_cache, read_manifest, training_and_held_out
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.judge import eer_by_dataset, embed_all
from voxgate.train.model import SpeakerModel

_STEADY_SPEAKERS = 10  # a dataset with fewer held out says too little
_SHARES = np.linspace(0, 1, 11)  # of the teacher's part, to choose from


@dataclass(frozen=True, eq=False)
class Fitted:
    """What of a pack is fitted after training."""

    cohort: NDArray[np.float16]  # (size, dim)
    calibration: Calibration
    false_accepts: FalseAcceptTable


_STAND_IN = Fitted(  # for a pack that is only asked for embeddings yet
    np.zeros((2, 2), np.float16),
    Calibration((1.0, 0.0), (0.0, 0.0), (0.4, 6.0)),
    FalseAcceptTable([1.0], [0.1], [[0.0]], [[0.5]], [[1, 1]]),
)


def make_pack(run: Path, data: Path, cache: Path, dev: Path, out: Path) -> dict[str, Any]:
    """Make the pack of a finished run in the folder `out`; what was found on the way is returned.

    Args:
        run: the run's folder, with experiment.toml and checkpoint.pt.
        data: what it was trained on; its held-out speakers calibrate the pack.
        cache: as in training.
        dev: a folder with lists of trials and their recordings, for the figures in the pack.
        out: the pack; made if it is not there.
    """
    experiment = read_experiment(run / "experiment.toml")
    corpus = build_cache(read_manifest(data), cache / "speech")
    trained_on, held_out = training_and_held_out(
        corpus, experiment.data.datasets, experiment.data.hold_out, experiment.seed
    )
    model = SpeakerModel(experiment)
    model.load_state_dict(torch.load(run / "checkpoint.pt", weights_only=True)["average"])
    shares = choose_teacher_share(model, corpus, held_out)

    out.mkdir(parents=True, exist_ok=True)
    export_onnx(model, out / "model.onnx")
    some = [corpus.speech(int(r))[: 6 * SAMPLE_RATE] for r in held_out[:50]]
    parity = check_parity(model, out / "model.onnx", some)

    facts = experiment.pack
    _write(out, experiment, _STAND_IN, {})
    embedder = Embedder(load_pack(out), threads=2)
    cohort = calibrate.make_cohort(embedder, corpus, trained_on, facts.cohort_size, experiment.seed)
    sides = calibrate.make_sides(embedder, corpus, held_out, experiment.seed)
    pairs = make_pairs(sides, Cohort(cohort.astype(np.float32), facts.cohort_nearest))
    calibration = fit_calibration(pairs)
    table = measure_false_accepts(pairs, calibration)
    fitted = Fitted(cohort, calibration, table)
    _write(out, experiment, fitted, {})
    figures = pack_metrics(load_pack(out), dev, threads=2)
    _write(out, experiment, fitted, figures)
    return {"parity": parity, "teacher_shares": shares, "metrics": figures}


@torch.no_grad()
def choose_teacher_share(
    model: SpeakerModel, corpus: Corpus, recordings: NDArray[np.int64]
) -> dict[float, float]:
    """Set `teacher_share` to what tells held-out speakers apart best.

    Returns:
        For each share tried, the mean EER in % of the datasets with 10 held-out speakers or more.
    """
    if not model.teacher_dim:
        return {}
    model.eval()
    both = embed_all(lambda x: model.network(model.front_end(x)), corpus, recordings)
    own, taught = (
        part / np.linalg.norm(part, axis=1, keepdims=True)
        for part in np.split(both, [model.own_dim], axis=1)
    )
    tried = {}
    for share in _SHARES:
        scores = (1 - share) * own @ own.T + share * taught @ taught.T
        rates = eer_by_dataset(scores, corpus, recordings, least_speakers=_STEADY_SPEAKERS)
        tried[round(float(share), 2)] = round(float(np.mean(list(rates.values()))), 2)
    model.teacher_share.fill_(min(tried, key=lambda share: tried[share]))
    return tried


def _write(
    out: Path, experiment: Experiment, fitted: Fitted, metrics: dict[str, dict[str, float]]
) -> None:
    """Write cohort.npy and pack.toml."""
    np.save(out / "cohort.npy", fitted.cohort)
    facts = asdict(experiment.pack)
    del facts["cohort_size"]
    toml = {
        "cohort": {"nearest": min(facts.pop("cohort_nearest"), len(fitted.cohort))},
        "pack": {
            "name": experiment.name, "dim": experiment.model.config.dim,
            "sample_rate_hz": SAMPLE_RATE, **facts,
        },
        "files": {file: _sha256(out / file) for file in ("model.onnx", "cohort.npy")},
        "calibration": asdict(fitted.calibration),
        "false_accepts": asdict(fitted.false_accepts),
        "metrics": metrics,
    }  # fmt: skip
    (out / "pack.toml").write_text(tomli_w.dumps(_plain(toml)), encoding="utf-8")


def _plain(value: Any) -> Any:
    """Tuples as lists, all the way down: TOML knows no other."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
