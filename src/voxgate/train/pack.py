"""A finished run → a pack: the network exported, its scores calibrated, its errors measured."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxgate.atomic import replace_folder
from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.download import sha256_of
from voxgate.embed import Embedder
from voxgate.errors import EvaluationError, ScoringError, TrainingError
from voxgate.evaluate.calibration import fit_calibration, make_pairs, measure_false_accepts
from voxgate.evaluate.evaluation import pack_metrics
from voxgate.manifest import to_toml
from voxgate.packs import load_pack
from voxgate.scoring import Calibration, Cohort, FalseAcceptTable
from voxgate.train import calibrate, closed_set
from voxgate.train.augment import Augmenter
from voxgate.train.cache import Corpus
from voxgate.train.carried import carry
from voxgate.train.config import Experiment
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.few_levels import settle
from voxgate.train.judge import eer_by_dataset, embed_all
from voxgate.train.loop import Folders, divide, open_corpus
from voxgate.train.model import SpeakerModel
from voxgate.train.run_folder import RunFolder
from voxgate.train.sampling import Sampler

_STEADY_SPEAKERS = 10  # a dataset with fewer held out says too little
_SOME = 60  # recordings, to quantise by and to check an export with
_SETTLING_S = 48.0  # of crops in a batch, while weights settle to few levels
_TENTHS = 10  # the shares of an embedding's parts are so many parts of a whole

# mean EER in % of the datasets with enough held-out speakers, and the shares that give it
Tried = list[tuple[float, tuple[float, ...]]]


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


@dataclass(frozen=True, eq=False)
class Made:
    """A pack, and what was found on the way to it."""

    folder: Path
    parity: float  # smallest cosine between the trained and the exported embedding
    shares: Tried  # of the embedding's parts
    uncalibrated: str | None  # why its LLR means nothing, if so
    metrics: dict[str, dict[str, float]]  # on the dev trials


def make_pack(
    run: RunFolder, folders: Folders, dev: Path | None, overrides: Sequence[str] = ()
) -> Made:
    """Make the pack of a run, in the folder `pack` of the run's.

    Args:
        run: a run with a checkpoint.
        folders: those it was trained with; its held-out speakers calibrate the pack.
        dev: a folder with lists of trials and their recordings, for the figures in the pack.
        overrides: what of the recipe's name, of its tables `pack` and `carried`, and of
            `begin.keep` is to be another; the folder is then `pack-` and the name.

    Raises:
        TrainingError: the run has no checkpoint yet, or the export is not what was trained; or an
            override concerns the training.
    """
    experiment = run.experiment(overrides)
    folder = run.path / f"pack-{experiment.name}" if overrides else run.pack
    corpus = open_corpus(folders)
    trained_on, held_out, test = divide(corpus, experiment)
    model = trained_model(run, experiment.begin.keep)
    carry(model, experiment, corpus, trained_on)
    precision = experiment.pack.precision
    if precision == "int4":
        crops = _crops(experiment, corpus, trained_on, folders.noise)
        settle(model, crops, experiment.pack.settle)
    shares = choose_shares(model, corpus, held_out)
    with TemporaryDirectory(dir=run.path, prefix="pack.part.") as part:
        out = Path(part) / "pack"
        out.mkdir()
        heard = _some_speech(corpus, trained_on, experiment.seed)
        export_onnx(model, out / "model.onnx", precision, heard)
        unheard = _some_speech(corpus, held_out, experiment.seed) if len(held_out) else heard
        parity = check_parity(model, out / "model.onnx", unheard, precision)
        augment = Augmenter(folders.noise, replace(experiment.augment, share=1.0))
        fitted, why = _fit(
            out, experiment, corpus, trained_on, held_out, augment=augment, dim=model.dim
        )
        _write(out, experiment, fitted, {}, why, dim=model.dim)
        metrics = pack_metrics(load_pack(out), dev, threads=torch.get_num_threads()) if dev else {}
        _write(out, experiment, fitted, metrics, why, dim=model.dim)
        replace_folder(out, folder)
    if len(test) and not overrides:
        _write_classifier(run, corpus, trained_on, test)
    return Made(folder, parity, shares, why, metrics)


def _some_speech(corpus: Corpus, recordings: NDArray[np.int64], seed: int) -> list[Waveform]:
    """Up to 6 s of speech of some of the recordings."""
    some = np.random.default_rng(seed).permutation(recordings)[:_SOME]
    return [corpus.speech(int(row))[: 6 * SAMPLE_RATE] for row in some]


def _crops(
    experiment: Experiment, corpus: Corpus, trained_on: NDArray[np.int64], noise: Path
) -> Iterator[Tensor]:
    """Waveforms (batch, samples) as the run was trained on, in small batches, without end."""
    sampling = replace(experiment.sampling, batch_s=_SETTLING_S)
    sampler = Sampler(corpus, trained_on, sampling, experiment.seed)
    augment = Augmenter(noise, experiment.augment)
    for number in count():
        rng = np.random.default_rng((experiment.seed, number, 2))
        yield torch.from_numpy(augment(sampler.draw(number).waveforms, rng))


def _write_classifier(
    run: RunFolder, corpus: Corpus, trained_on: NDArray[np.int64], test: NDArray[np.int64]
) -> None:
    """Who is speaking, by the run's pack: the classifier, and how often it is right."""
    stored = torch.load(run.checkpoint, weights_only=True, map_location="cpu")
    names = [corpus.speakers[s] for s in np.unique(corpus.speaker[trained_on])]
    classifier = closed_set.classifier_of(run.experiment(), stored["loss"], names)
    classifier.save(run.path)
    embedder = Embedder(load_pack(run.pack), threads=torch.get_num_threads())
    closed_set.write(closed_set.evaluate(embedder, classifier, corpus, test), run.path)


def trained_model(run: RunFolder, keep: float = 0.0) -> SpeakerModel:
    """The network of a run as it is exported: the average of its weights.

    Args:
        run: the run.
        keep: how far, as a share of the way, to go back to the weights that it began with. What
            was learnt of other recordings than the run's is so kept, too (Wortsman et al., "Robust
            fine-tuning of zero-shot models", arXiv:2109.01903).

    Raises:
        TrainingError: the run has no checkpoint yet, or no weights to go back to.
    """
    if not run.checkpoint.is_file():
        raise TrainingError(f"{run.path} has no checkpoint yet; train first.")
    model = SpeakerModel(run.experiment())
    weights = torch.load(run.checkpoint, weights_only=True, map_location="cpu")["average"]
    if keep:
        if not run.begun.is_file():
            raise TrainingError(f"{run.path} has no {run.begun.name} to keep {keep} of.")
        begun = torch.load(run.begun, weights_only=True, map_location="cpu")
        weights = {
            name: weight.lerp(begun[name], keep) if weight.is_floating_point() else weight
            for name, weight in weights.items()
        }
    model.load_state_dict(weights)
    return model.eval()


def _fit(  # noqa: PLR0913 - the pack so far, and all it was made from
    out: Path,
    experiment: Experiment,
    corpus: Corpus,
    trained_on: NDArray[np.int64],
    held_out: NDArray[np.int64],
    *,
    augment: Augmenter,
    dim: int,
) -> tuple[Fitted, str | None]:
    """Cohort, calibration and false-accept table; and why there is no calibration, if so."""
    facts = experiment.pack
    _write(out, experiment, _STAND_IN, {}, None, dim=dim)
    embedder = Embedder(load_pack(out), threads=torch.get_num_threads())
    size, seed = facts.cohort_size, experiment.seed
    cohort = calibrate.make_cohort(embedder, corpus, trained_on, size, seed)
    if not len(held_out):
        return replace(_STAND_IN, cohort=cohort), "no speaker was held out"
    sides = calibrate.make_sides(embedder, corpus, held_out, augment, seed)
    nearest = min(facts.cohort_nearest, len(cohort))
    pairs = make_pairs(sides, Cohort(cohort.astype(np.float32), nearest))
    try:
        calibration = fit_calibration(pairs)
        table = measure_false_accepts(pairs, calibration)
    except (EvaluationError, ScoringError) as error:
        return replace(_STAND_IN, cohort=cohort), str(error)
    return Fitted(cohort, calibration, table), None


@torch.no_grad()
def choose_shares(model: SpeakerModel, corpus: Corpus, recordings: NDArray[np.int64]) -> Tried:
    """Set the shares of the embedding's parts to what tells held-out speakers apart best.

    They stay equal where no dataset has enough held-out speakers. A part may get none.

    Returns:
        What was tried, the best first.
    """
    if len(model.sizes) == 1 or not len(recordings):
        return []
    raw = embed_all(model.eval().raw, corpus, recordings)
    units = [
        part / np.linalg.norm(part, axis=1, keepdims=True)
        for part in np.split(raw, np.cumsum(model.sizes)[:-1], axis=1)
    ]
    cosines = np.stack([unit @ unit.T for unit in units])
    tried: Tried = []
    for tenths in product(range(_TENTHS + 1), repeat=len(units)):
        if sum(tenths) == _TENTHS:
            shares = tuple(tenth / _TENTHS for tenth in tenths)
            scores = np.tensordot(np.array(shares, np.float32), cosines, 1)
            rates = eer_by_dataset(scores, corpus, recordings, least_speakers=_STEADY_SPEAKERS)
            if rates:
                tried.append((round(float(np.mean(list(rates.values()))), 2), shares))
    tried.sort()
    if tried:
        model.weigh(tried[0][1])
    return tried


def _write(  # noqa: PLR0913 - the pack so far, and all that is said of it
    out: Path,
    experiment: Experiment,
    fitted: Fitted,
    metrics: dict[str, dict[str, float]],
    uncalibrated: str | None,
    *,
    dim: int,
) -> None:
    """Write cohort.npy and pack.toml."""
    np.save(out / "cohort.npy", fitted.cohort)
    facts = asdict(experiment.pack)
    del facts["cohort_size"], facts["precision"], facts["settle"]
    if uncalibrated:
        facts["description"] += f" Not calibrated ({uncalibrated.rstrip('.')})."
    toml = {
        "cohort": {"nearest": min(facts.pop("cohort_nearest"), len(fitted.cohort))},
        "pack": {
            "name": experiment.name, "dim": dim, "sample_rate_hz": SAMPLE_RATE, **facts,
        },
        "files": {file: sha256_of(out / file) for file in ("model.onnx", "cohort.npy")},
        "calibration": asdict(fitted.calibration),
        "false_accepts": asdict(fitted.false_accepts),
        "metrics": metrics,
    }  # fmt: skip
    (out / "pack.toml").write_text(to_toml(toml), encoding="utf-8")
