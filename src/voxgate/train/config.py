"""One TOML file describes a training run. Every key is known; an unknown one is an error."""

import dataclasses
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from voxgate.errors import TrainingError
from voxgate.train.architectures import ARCHITECTURES
from voxgate.train.augment import AugmentConfig
from voxgate.train.frontends import FRONT_ENDS
from voxgate.train.losses import LOSSES
from voxgate.train.sampling import SamplingConfig
from voxgate.train.schedule import SCHEDULES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


@dataclass(frozen=True)
class DataConfig:
    """Which recordings, and how many speakers are kept for calibration."""

    datasets: tuple[str, ...] = ()  # none: all in the manifest
    hold_out: float = 0.08  # share of the speakers with two or more recordings
    closed_set: float = 0.0  # share of the known speakers' recordings kept to test who it is; or 0


@dataclass(frozen=True)
class Choice:
    """One of several kinds, and its own config. In the TOML a table with `kind` beside the rest."""

    kind: str
    config: Any


@dataclass(frozen=True)
class TeacherConfig:
    """An installed pack that a part of the embedding follows."""

    pack: str = ""  # its name
    dim: int = 0  # numbers at the end of the network's that follow it; 0: no teacher
    weight: float = 10.0


@dataclass(frozen=True)
class CarriedConfig:
    """Resemblyzer's own network as one more part of the embedding, not trained."""

    dim: int = 0  # numbers that it adds to the network's; 0: not carried
    windows: int = 0  # of 1.6 s that it hears of a waveform, at most; 0: as many as cover it


@dataclass(frozen=True)
class BeginConfig:
    """A public network that the training goes on from (see `voxgate.train.begin`)."""

    public: str = ""  # "speechbrain-ecapa"; none: it begins from chance
    keep: float = 0.0  # share of the weights as they began in those that are exported


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW under a one-cycle schedule, and an average of the weights over time."""

    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.08  # share of the run
    clip: float = 5.0  # largest norm of the gradient
    average: float = 0.998  # decay of the moving average that is exported
    schedule: str = "one_cycle"  # or "constant" after warm-up; or "cosine", which has none


@dataclass(frozen=True)
class FineTuneConfig:
    """The last phase: from the average on, with the statistics of batch norm held still.

    Longer rows and a larger margin are those of Thienpondt et al., "The IDLab VoxSRC-20
    submission" (arXiv:2010.12468).
    """

    steps: int = 0  # of the run's
    learning_rate: float = 3e-4  # at first; falls to 0 in a straight line
    average: float = 0.98
    row_s: float = 0.0  # 0: as before


@dataclass(frozen=True)
class PackConfig:
    """What pack.toml says of the result, and how its cohort is made."""

    version: str = "1"
    description: str = "A speaker embedding trained with voxgate."
    license: str = "Apache-2.0"
    training_data: tuple[str, ...] = ()
    min_speech_s: float = 0.25
    max_window_s: float = 6.0
    cohort_size: int = 400  # centres of each dataset, at most half as many as its speakers
    cohort_nearest: int = 100
    precision: str = "float16"  # of the weights in the file; see PACK_PRECISIONS
    settle: int = 0  # batches from which the network learns to do with the few levels of "int4"


@dataclass(frozen=True)
class Experiment:
    """A whole run."""

    name: str
    steps: int
    seed: int = 1
    checkpoint_every: int = 100
    judge: int = 1000  # held-out recordings at a checkpoint, at most
    precision: str = "bf16"  # of the network's arithmetic; or "float32"
    standardise: bool = False  # scale each number of the embedding to mean 0 and deviation 1
    data: DataConfig = field(default_factory=DataConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    front_end: Choice = field(default_factory=lambda: _default("front_end"))
    model: Choice = field(default_factory=lambda: _default("model"))
    loss: Choice = field(default_factory=lambda: _default("loss"))
    begin: BeginConfig = field(default_factory=BeginConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    carried: CarriedConfig = field(default_factory=CarriedConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    fine_tune: FineTuneConfig = field(default_factory=FineTuneConfig)
    pack: PackConfig = field(default_factory=PackConfig)

    @property
    def fine_tune_from(self) -> int:
        """The step with which the last phase begins."""
        return self.steps - self.fine_tune.steps


PRECISIONS = ("bf16", "float32")  # of training
# weights as float16; computing in 8 bits; and, in the file, weights of few levels
PACK_PRECISIONS = ("float16", "int8", "int4")
PUBLIC_NETWORKS = ("speechbrain-ecapa",)  # that a run can begin from

_KINDS: dict[str, dict[str, tuple[Any, Any]]] = {
    "front_end": FRONT_ENDS,
    "model": ARCHITECTURES,
    "loss": LOSSES,
}


def _default(key: str) -> Choice:
    kind, (config, _) = next(iter(_KINDS[key].items()))
    return Choice(kind, config())


def read_table(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read the TOML file of a run as it stands, some of its keys given anew.

    Args:
        path: the file.
        overrides: "key=value" or "table.key=value", the value in TOML; a bare word is a string.

    Raises:
        TrainingError: it is not there, not TOML, or an override is not of that form.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise TrainingError(f"There is no {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not valid TOML: {error}.") from None
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise TrainingError(f"{override!r} must be of the form table.key=value.")
        *tables, last = key.strip().split(".")
        inner = table
        for name in tables:
            inner = inner.setdefault(name, {})
        try:
            inner[last] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            inner[last] = value
    overridden: dict[str, Any] = table
    return overridden


def read_experiment(path: Path) -> Experiment:
    """Read the TOML file of a run.

    Raises:
        TrainingError: it is not there, not TOML, or has a key or value that makes no sense.
    """
    return build_experiment(read_table(path), str(path))


def build_experiment(table: dict[str, Any], where: str) -> Experiment:
    """The experiment that a table describes; `where` it comes from is for messages.

    Raises:
        TrainingError: it has a key or value that makes no sense.
    """
    experiment = _build(Experiment, table, where)
    for key, value, known in (
        ("precision", experiment.precision, PRECISIONS),
        ("pack: precision", experiment.pack.precision, PACK_PRECISIONS),
        ("optimiser: schedule", experiment.optimiser.schedule, tuple(SCHEDULES)),
    ):
        if value not in known:
            raise TrainingError(f"{where}: {key} is {value!r}; choose {' or '.join(known)}.")
    if not 0 <= experiment.fine_tune.steps <= experiment.steps:
        raise TrainingError(
            f"{where}: fine_tune: steps is {experiment.fine_tune.steps}; it must be from 0 to the "
            f"{experiment.steps} steps of the run."
        )
    pack = experiment.pack
    if pack.settle < 0 or (pack.settle and pack.precision != "int4"):
        raise TrainingError(
            f"{where}: pack: settle is {pack.settle}; it must be 0, or more with the precision "
            f'"int4", and not with "{pack.precision}".'
        )
    teacher, dim = experiment.teacher, experiment.model.config.dim
    if teacher.dim and not (teacher.pack and teacher.dim < dim):
        raise TrainingError(
            f"{where}: teacher: {teacher.dim} of the model's {dim} numbers are to follow the pack "
            f"{teacher.pack!r}; name an installed pack, and leave numbers that do not follow it."
        )
    _check_begin(experiment, where)
    rows = experiment.sampling.per_speaker
    if getattr(experiment.loss.config, "per_speaker", rows) != rows:
        raise TrainingError(
            f"{where}: loss: per_speaker is {experiment.loss.config.per_speaker} and that of the "
            f"sampling {rows}; they must be the same, 2 or more."
        )
    return experiment


def _check_begin(experiment: Experiment, where: str) -> None:
    public = experiment.begin.public
    if not public:
        if experiment.begin.keep:
            raise TrainingError(
                f"{where}: begin: keep is {experiment.begin.keep}, but no public network is named."
            )
        return
    if public not in PUBLIC_NETWORKS:
        raise TrainingError(
            f"{where}: begin: public is {public!r}; choose {' or '.join(PUBLIC_NETWORKS)}."
        )
    if not 0 <= experiment.begin.keep <= 1:
        raise TrainingError(
            f"{where}: begin: keep is {experiment.begin.keep}; it must be a share from 0 to 1."
        )
    kinds = (experiment.front_end.kind, experiment.model.kind, experiment.loss.kind)
    if kinds != ("decibel", "ecapa", "aam") or experiment.teacher.dim:
        raise TrainingError(
            f"{where}: begin: {public} needs the front end decibel, the model ecapa, the loss aam "
            f"and no teacher; found {', '.join(kinds)}"
            f"{' and a teacher' if experiment.teacher.dim else ''}."
        )


def _build(kind: type[T], table: dict[str, Any], where: str) -> T:
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise TrainingError(
            f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(hints))}."
        )
    values = {
        key: _choose(key, value, f"{where}: {key}")
        if hints[key] is Choice
        else _convert(hints[key], value, f"{where}: {key}")
        for key, value in table.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise TrainingError(f"{where} is incomplete: {error}.") from None


def _choose(key: str, value: Any, where: str) -> Choice:
    if not isinstance(value, dict):
        raise TrainingError(f"{where} is {value!r}; it must be a table.")
    kinds = _KINDS[key]
    kind = value.get("kind", next(iter(kinds)))
    if kind not in kinds:
        raise TrainingError(f"{where} has the kind {kind!r}; known are {', '.join(sorted(kinds))}.")
    config, _ = kinds[kind]
    rest = {name: given for name, given in value.items() if name != "kind"}
    return Choice(kind, _build(config, rest, f"{where} ({kind})"))


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise TrainingError(f"{where} is {value!r}; it must be a table.")
        return _build(hint, value, where)
    origin = typing.get_origin(hint) or hint
    if origin is tuple and isinstance(value, list):
        return tuple(value)
    if origin is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, origin):
        raise TrainingError(f"{where} is {value!r}; it must be {origin.__name__}.")
    return value
