"""voxgate train: a recipe and recordings become a pack."""

# ruff: noqa: PLC0415, PLR0913 - a command's parameters are its options; imports wait until it runs

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError

if TYPE_CHECKING:
    from voxgate.train.loop import Folders, Progress
    from voxgate.train.pack import Made

EXAMPLES = (
    ("voxgate train recipes/resnet34/experiment.toml --data train --noise noise", "into runs/"),
    ("voxgate train recipes/resnet34/experiment.toml --data train --resume", "go on after a stop"),
    ("voxgate train x.toml --data train --set steps=100 --set loss.margin=0.3", "a try"),
    ("voxgate train x.toml --data train --pack-only --dev dev", "the pack of a finished run again"),
    ("voxgate train x.toml --data train --pack-only --set pack.precision=int8", "one in 8 bits"),
    ("torchrun --nproc-per-node 4 -m voxgate train x.toml --data train", "four GPUs"),
)


def train(
    *,
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT", help="The recipe, a TOML file.")
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="The labelled recordings.")
    ],
    format: options.CorpusFormat = None,
    rate: options.PickleRate = 16_000,
    rows_per_speaker: options.RowsPerSpeaker = 10,
    noise: Annotated[
        Path | None,
        typer.Option(
            "--noise",
            metavar="FOLDER",
            help="Holds noise/ and rir/ for augmentation. Without it, the data's folder or the "
            "one above.",
        ),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            "--dev",
            metavar="FOLDER",
            help="Lists of trials (*.trials) and their recordings, to measure the pack on.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="The run's own folder: runs/<recipe's name>."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="Where decoded speech is kept between runs. It is made once for each data folder.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", metavar="", help="Go on from the run's last checkpoint."),
    ] = False,
    pack_only: Annotated[
        bool, typer.Option("--pack-only", metavar="", help="Do not train; make the pack again.")
    ] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value than the recipe's."),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", min=1, help="Of the processor.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Train a speaker model by a recipe, and make a pack of it.

    The run's folder gets the recipe as it was run, versions and seed, the log, curves, TensorBoard
    files, the last checkpoint and, in the end, the pack. A run that was stopped, by Ctrl-C or a
    power cut, goes on with --resume to the result it would have had.

    Exit code 0: the pack is made. 2: it is not. 130: stopped; --resume goes on.
    """
    from voxgate.extras import need

    need("torch", "train")
    import torch

    from voxgate.train.config import build_experiment, read_table
    from voxgate.train.corpora import ReadOptions
    from voxgate.train.loop import Folders
    from voxgate.train.loop import train as run_training
    from voxgate.train.pack import make_pack
    from voxgate.train.run_folder import RunFolder, open_run
    from voxgate.train.world import join

    if pack_only and resume:
        raise UsageError("--pack-only goes by what was run; leave --resume away.")
    if threads:
        torch.set_num_threads(threads)
    changed = tuple(overrides or ())
    table = read_table(experiment, () if pack_only else changed)
    recipe = build_experiment(table, str(experiment))
    place = out or Path("runs") / recipe.name
    noise = noise or _noise_near(data)
    reading = ReadOptions(rate_hz=rate, rows_per_speaker=rows_per_speaker)
    folders = Folders(data, noise, cache or _default_cache(data), format, reading)
    first = join(device).first
    if pack_only:
        folder = RunFolder(place)
    else:
        if dev and first:
            _check_for_leaks(folders, dev)
        folder = open_run(place, table, resume=resume) if first else RunFolder(place)
        with _told(recipe.name, shown=first) as (watch, decoding):
            run_training(recipe, folders, folder, device=device, watch=watch, decoding=decoding)
    if first:
        made = make_pack(folder, folders, dev, changed if pack_only else ())
        _show(made, as_json=json)
    return DONE


def _check_for_leaks(folders: "Folders", dev: Path) -> None:
    """Refuse to measure on speakers, or recordings, that are trained on."""
    from voxgate.errors import CorpusError
    from voxgate.train.corpora import read_corpus
    from voxgate.train.leaks import refuse_to_share

    try:
        measured = read_corpus(dev)
    except CorpusError as error:
        output.print_remark(
            f"Whether {dev} shares speakers with the training is not known: {error}"
        )
        return
    refuse_to_share({"train": (folders.data, folders.recordings()), "dev": (dev, measured)})


def _noise_near(data: Path) -> Path:
    """The data's folder, or the one above it, whichever has noise/ in it."""
    return data if (data / "noise").is_dir() else data.parent


def _default_cache(data: Path) -> Path:
    """A folder of the user's cache for this folder of data."""
    import hashlib

    from platformdirs import user_cache_path

    where = str(data.resolve())
    digest = hashlib.sha256(where.encode()).hexdigest()[:12]
    return user_cache_path("voxgate") / "train" / f"{data.resolve().name}-{digest}"


@contextmanager
def _told(
    name: str, *, shown: bool
) -> "Iterator[tuple[Callable[[Progress], None], Callable[[int, int], None]]]":
    """Say where a run is, and before that the decoding: bars, or without a terminal lines."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = output.console(stderr=True)
    if not shown or not console.is_terminal:
        yield _LineTeller(console.print if shown else lambda line: None), lambda done, of: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
    with Bar(name, *columns, console=console) as bar:
        task = bar.add_task(name, total=None, figures="")
        cache = bar.add_task("decoding", total=None, figures="", visible=False)

        def tell(progress: "Progress") -> None:
            bar.update(
                task, completed=progress.step, total=progress.steps, figures=_figures(progress)
            )

        yield tell, lambda done, of: bar.update(cache, completed=done, total=of, visible=done < of)


class _LineTeller:
    """A line whenever the held-out speakers were judged anew."""

    def __init__(self, say: "Callable[[str], None]") -> None:
        self.say, self.told = say, dict[str, float]()

    def __call__(self, progress: "Progress") -> None:
        judged = progress.held_out_eer  # the same one until the next checkpoint
        if (judged and judged is not self.told) or progress.step == progress.steps:
            self.told = judged
            self.say(f"{progress.step}/{progress.steps}  {_figures(progress)}")


def _figures(progress: "Progress") -> str:
    hours, minutes = divmod(round(progress.seconds_left / 60), 60)
    errors = " ".join(f"{name} {rate:.1f}" for name, rate in progress.held_out_eer.items())
    return (
        f"{hours}:{minutes:02} h left  loss {progress.loss:.3f}  accuracy "
        f"{100 * progress.accuracy:.1f} %  waiting {100 * progress.waiting:.0f} %"
        + (f"  EER % {errors}" if errors else "")
    )


def _show(made: "Made", *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        output.print_json({**asdict(made), "folder": str(made.folder)})
        return
    output.print_verdict(
        f"{made.folder}: the pack; use it with --pack {made.folder}", colour="green"
    )
    if made.uncalibrated:
        output.print_remark(
            f"Its LLR is not calibrated ({made.uncalibrated.rstrip('.')}): use it to rank, or "
            "calibrate it with 'voxgate calibrate'."
        )
    if made.metrics:
        rates = {name: f"{figures['eer']:.2f} %" for name, figures in made.metrics.items()}
        output.print_facts({"EER": ", ".join(f"{name} {rate}" for name, rate in rates.items())})
