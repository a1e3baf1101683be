"""voxgate packs pull: a public model, downloaded and made into a pack."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.cli.packs.listing import facts_of
from voxgate.errors import UsageError
from voxgate.extras import need

if TYPE_CHECKING:
    from voxgate.download import Progress
    from voxgate.hub import Entry
    from voxgate.packs import Pack


def pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A public model; see 'packs list --public'.")
    ],
    *,
    again: Annotated[
        bool, typer.Option("--again", metavar="", help="Also where it is installed already.")
    ] = False,
    json: options.Json = False,
) -> int:
    r"""Download a public model and install it as a pack.

    A download that was broken off goes on where it was. A checkpoint is converted, which needs:
    pip install 'voxgate\[train]'. The new pack embeds; to decide, calibrate it on your own
    recordings.

    Exit code 0: installed. 2: it cannot be had, or is not the file it must be.
    """
    from voxgate.hub import entry
    from voxgate.packs import load_pack, packs_folder

    model = entry(name)
    there = (packs_folder() / name / "pack.toml").is_file()
    pack, remarks = (load_pack(name), []) if there and not again else _get(model, quiet=json)
    if json:
        output.print_json({**facts_of(pack), "remarks": remarks})
        return DONE
    output.print_verdict(f"{pack.id}: {model.title}, {pack.dim} numbers", colour="green")
    output.print_facts({"licence": pack.license, "path": str(pack.path)})
    for remark in remarks:
        output.print_remark(remark)
    if pack.decider is None:
        output.print_remark("Not calibrated yet: to decide with it, run 'voxgate calibrate'.")
    return DONE


def _get(model: "Entry", *, quiet: bool) -> "tuple[Pack, list[str]]":
    """Download and install."""
    from voxgate.hub import obtain
    from voxgate.install import add_model

    if not model.file:
        raise UsageError(f"{model.name} is not downloaded: {model.sha256_note}.")
    with _progress(model.file, quiet=quiet) as progress:
        path, loaded = obtain(model, progress=progress)
    remarks: list[str] = []
    if model.arch:
        need("torch", "train")
        from voxgate.convert import convert

        pack = convert(path, arch=model.arch, name=model.name, facts=model.facts)
    else:
        pack, remarks = add_model(path, name=model.name, like=model.like, facts=model.facts)
    if model.sha256 is None:
        remarks.append(
            "Nobody could state the SHA-256 of this file; the one downloaded is recorded, and "
            "another will be refused."
        )
    if loaded:
        path.unlink(missing_ok=True)  # the pack has it
    return pack, remarks


@contextmanager
def _progress(file: str, *, quiet: bool) -> "Iterator[Progress]":
    """A progress bar on standard error, if somebody is looking."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    shown = output.console(stderr=True)
    columns = (TextColumn(Path(file).name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=shown, disable=quiet or not shown.is_terminal) as bar:
        task = bar.add_task("download", total=None)
        yield lambda there, total: bar.update(task, completed=there, total=total)
