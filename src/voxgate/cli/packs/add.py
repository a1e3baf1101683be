"""voxgate packs add: an ONNX model made into a pack."""

# ruff: noqa: PLC0415 - imports wait until a command runs

import re
from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.cli.packs.listing import facts_of

Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="What to call the pack; else as the file."),
]
License = Annotated[
    str | None, typer.Option("--license", metavar="TEXT", help="The licence of the weights.")
]


def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model.")],
    *,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="FAMILY",
            help="Whose features it wants: wespeaker, wespeaker-cli, 3d-speaker, nemo, "
            "speechbrain-ecapa, redimnet, resemblyzer, ... Not needed where the file says it.",
        ),
    ] = None,
    name: Name = None,
    license_: License = None,
    json: options.Json = False,
) -> int:
    """Install an ONNX model that computes embeddings from features.

    What sherpa-onnx writes into a file is read and believed; what it leaves out is said.

    Exit code 0: installed. 2: not: the file cannot be run, or its features are not known.
    """
    from voxgate.install import UNKNOWN_LICENSE, ModelFacts, add_model

    facts = ModelFacts(f"Added from {file.name}.", license_ or UNKNOWN_LICENSE)
    pack, remarks = add_model(file, name=name or name_of(file), like=like, facts=facts)
    if json:
        output.print_json({**facts_of(pack), "remarks": remarks})
        return DONE
    output.print_verdict(f"{pack.id}: {pack.dim} numbers, from {file.name}", colour="green")
    output.print_facts({"path": str(pack.path)})
    for remark in remarks:
        output.print_remark(remark)
    return DONE


def name_of(file: Path) -> str:
    """A pack's name from that of a file."""
    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._") or "model"
