"""voxgate evaluate: how often is a system wrong, and how sure is that?"""

# ruff: noqa: PLC0415, PLR0913 - a command's parameters are its options; imports wait until it runs

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError
from voxgate.extras import need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxgate.evaluate.conditions import Heard
    from voxgate.evaluate.evaluation import Evaluation, System
    from voxgate.evaluate.recordings import Library
    from voxgate.evaluate.trials import Trials

EXAMPLES = (
    ("voxgate evaluate --data dev", "all lists dev/*.trials, the built-in pack"),
    ("voxgate evaluate --trials dev/hard.trials", "one list, of recordings beside it"),
    ("voxgate evaluate --data dev --pack a --pack b", "two packs on the same trials"),
    ("voxgate evaluate --data dev --out results", "kept for 'voxgate report results'"),
    ("voxgate evaluate --data dev --scores x.txt --name X", "another system, by its scores"),
)


def evaluate(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="Where the recordings are. Without it, the folder that holds the lists.",
        ),
    ] = None,
    trials: Annotated[
        list[Path] | None,
        typer.Option(
            "--trials",
            metavar="LIST",
            help="A list of trials, or a folder of *.trials; may be repeated. Without it, those "
            "in the data's folder.",
        ),
    ] = None,
    packs: Annotated[
        list[str] | None,
        typer.Option(
            "--pack",
            metavar="NAME",
            help="A pack by its name, folder or zip file; may be repeated. Without it, the "
            "built-in one.",
        ),
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            help="Scores of another system, a line 'enrolled probe score' each; may be repeated.",
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="What to call the system of --scores."),
    ] = None,
    llrs: Annotated[
        bool,
        typer.Option("--llrs", metavar="", help="The scores are LLRs (natural logarithm)."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Keep everything for a report."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="Keep the embeddings, and use them the next time. They are biometric data.",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", metavar="N", min=100, help="Draws for the intervals.")
    ] = 1000,
    threads: options.Threads = 1,
    json: options.Json = False,
) -> int:
    """Measure how well systems tell speakers apart, on lists of trials.

    Lists are in the format of VoxCeleb ('1 enrolled probe') or Kaldi ('enrolled probe target').
    Intervals are of 95 %, from drawing the speakers anew; a recording's speaker is what
    manifest.csv or utt2spk say, or else its folder.

    Exit code 0: measured. 2: not, such as a recording that is missing.
    """
    from voxgate.cli.progress import progress_bar
    from voxgate.evaluate import evaluation, recordings, results
    from voxgate.evaluate import trials as lists_of

    for module in ("scipy", "sklearn"):  # said before the work, not after it
        need(module, "evaluate")
    systems_of = _named(scores or [], names or [])
    data = data or _folder_of(trials or [])
    lists = lists_of.find_trials(trials or [data])
    library = recordings.Library(data)
    systems: list[evaluation.System] = []
    heard: Mapping[str, Heard] = {}
    if packs or not systems_of:
        systems, heard = _run_packs(
            packs or [], lists, library, threads=threads, cache=cache, with_map=out is not None
        )
    kind = "llr" if llrs else "score"
    systems += [
        evaluation.System(name, tuple(lists_of.read_scores(path, lists, kind=kind)))
        for path, name in systems_of
    ]
    about = evaluation.about_all(lists, library)
    with progress_bar("measuring") as progress:
        found = evaluation.evaluate(
            evaluation.distinct(systems),
            about,
            heard,
            data=data,
            resamples=resamples,
            progress=progress,
        )
    if out:
        results.save(found, out)
    _show(found, out, as_json=json)
    return DONE


def _folder_of(trials: list[Path]) -> Path:
    """Where the lists lie, and so the recordings if it is not said."""
    folders = {place if place.is_dir() else place.parent for place in trials}
    if len(folders) != 1:
        raise UsageError(
            f"The lists are in {len(folders)} folders; say with --data where the recordings are."
            if folders
            else "Say with --data where lists and recordings are, or with --trials where the lists."
        )
    return folders.pop()


def _named(scores: list[Path], names: list[str]) -> list[tuple[Path, str]]:
    """Files of scores with the names of their systems."""
    if len(names) > len(scores) or (names and len(names) != len(scores)):
        raise UsageError(
            f"There are {len(scores)} --scores and {len(names)} --name; give a name for each."
        )
    return list(zip(scores, names or [path.stem for path in scores], strict=True))


def _run_packs(
    names: "Sequence[str]",
    lists: "Sequence[Trials]",
    library: "Library",
    *,
    threads: int,
    cache: Path | None,
    with_map: bool,
) -> "tuple[list[System], Mapping[str, Heard]]":
    """Embed and score with each pack; and what was measured in the recordings."""
    import os

    from voxgate.cli.progress import progress_bar
    from voxgate.evaluate import evaluation
    from voxgate.packs import DEFAULT_PACK, load_pack

    chosen = names or [os.environ.get("VOXGATE_PACK") or DEFAULT_PACK]
    systems = []
    heard: Mapping[str, Heard] = {}
    for pack in [load_pack(name) for name in chosen]:
        with progress_bar(pack.id) as progress:
            system, embeddings = evaluation.run_pack(
                pack, lists, library, threads=threads, progress=progress, cache=cache
            )
        heard = heard or evaluation.heard_in(embeddings)
        if with_map:
            system = replace(system, points=evaluation.map_of(embeddings, library))
        systems.append(system)
    return systems, heard


def _show(found: "Evaluation", out: Path | None, *, as_json: bool) -> None:
    from voxgate.evaluate import results, tables

    if as_json:
        output.print_json(results.to_dict(found))
        return
    for table in tables.tables(found.results):
        output.print_heading(table.title)
        output.print_table(table.headers, table.rows, align=table.align)
    if out:
        output.print_gap()
        output.print_verdict(f"{out}: kept; see it with 'voxgate report {out}'", colour="green")
