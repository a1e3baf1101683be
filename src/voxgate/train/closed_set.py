"""Who of the training speakers is this? Judged on recordings that were kept from training."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch import Tensor

from voxgate.classifier import Classifier
from voxgate.embed import Embedder
from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.config import Experiment
from voxgate.train.losses.softmax import SoftmaxConfig

_LEAST = 3  # recordings of a speaker, of whom one can then be kept for the test


@dataclass(frozen=True, eq=False)
class ClosedSetReport:
    """How often the right one of the known speakers was named."""

    accuracy: float
    macro_f1: float  # mean over the speakers who were tested
    speakers: int  # to choose from
    recordings: int  # tested
    names: tuple[str, ...] = field(repr=False)  # of those tested or named, in the matrix's order
    confusion: NDArray[np.int64] = field(repr=False)  # rows: who it was; columns: who was named


def split(
    corpus: Corpus, chosen: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Recordings to train on and to test: of each speaker with three or more, a share, at least 1.

    Raises:
        TrainingError: nobody has three recordings, or the share leaves none to train on.
    """
    if not 0 < share < 0.7:
        raise TrainingError(f"data.closed_set is {share}; it must be above 0 and below 0.7.")
    rng = np.random.default_rng((seed, 2))
    tested = []
    for speaker in np.unique(corpus.speaker[chosen]):
        own = chosen[corpus.speaker[chosen] == speaker]
        if len(own) >= _LEAST:
            tested.append(rng.choice(own, max(1, int(share * len(own))), replace=False))
    if not tested:
        raise TrainingError(
            f"No speaker has {_LEAST} recordings; without that none can be kept for "
            "data.closed_set. Record more of each."
        )
    test = np.sort(np.concatenate(tested))
    return np.setdiff1d(chosen, test), test


def classifier_of(
    experiment: Experiment, dense: dict[str, Tensor], speakers: Sequence[str]
) -> Classifier:
    """The dense layer of the loss softmax, as a classifier over the pack's embeddings.

    Args:
        experiment: the run's.
        dense: state of the loss, from a checkpoint.
        speakers: the names of its classes.

    Raises:
        TrainingError: the experiment has no such layer over them.
    """
    config = experiment.loss.config
    plain = not (experiment.standardise or experiment.teacher.dim or experiment.carried.dim)
    if not isinstance(config, SoftmaxConfig) or not plain or experiment.sampling.speed_is_speaker:
        raise TrainingError(
            "data.closed_set needs the loss softmax and sampling.speed_is_speaker = false, and "
            "neither standardise, a teacher nor a carried network."
        )
    weight, bias = (dense[f"dense.{part}"].float().numpy() for part in ("weight", "bias"))
    return Classifier(tuple(speakers), np.float32(config.scale) * weight, bias)


def evaluate(
    embedder: Embedder, classifier: Classifier, corpus: Corpus, test: NDArray[np.int64]
) -> ClosedSetReport:
    """Classify the recordings `test` by the pack's embeddings."""
    vectors = np.stack([embedder.embed_waveform(corpus.speech(int(r))) for r in test])
    named = classifier.probabilities(vectors).argmax(axis=1)
    place = {name: i for i, name in enumerate(classifier.speakers)}
    right = np.array([place[corpus.speakers[s]] for s in corpus.speaker[test]])
    shown = np.union1d(right, named)
    return ClosedSetReport(
        accuracy=round(float(accuracy_score(right, named)), 4),
        macro_f1=round(float(f1_score(right, named, labels=np.unique(right), average="macro")), 4),
        speakers=len(classifier.speakers),
        recordings=len(test),
        names=tuple(classifier.speakers[i] for i in shown),
        confusion=confusion_matrix(right, named, labels=shown),
    )


def write(report: ClosedSetReport, folder: Path) -> None:
    """Write closed_set.json, confusion.csv and confusion.png."""
    facts = {k: v for k, v in asdict(report).items() if k not in ("names", "confusion")}
    (folder / "closed_set.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    with (folder / "confusion.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["who it was", *report.names])
        lines.writerows(
            [name, *row] for name, row in zip(report.names, report.confusion.tolist(), strict=True)
        )
    draw(report, folder / "confusion.png")


def draw(report: ClosedSetReport, path: Path) -> None:
    """The confusion matrix as a PNG file, each row in shares."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot()
    rows = report.confusion / report.confusion.sum(axis=1, keepdims=True).clip(min=1)
    shown = axes.imshow(rows, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    axes.set(
        xlabel="speaker named", ylabel="speaker it was",
        title=f"{100 * report.accuracy:.1f} % of {report.recordings} recordings right",
    )  # fmt: skip
    if len(report.names) <= 20:
        axes.set_xticks(range(len(report.names)), report.names, rotation=90)
        axes.set_yticks(range(len(report.names)), report.names)
    figure.colorbar(shown, label="share of a speaker's recordings")
    figure.savefig(path, dpi=120)
