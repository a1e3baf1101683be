"""voxgate packs convert: a checkpoint of a public network made into a pack."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.cli.packs.add import License, Name, name_of
from voxgate.cli.packs.listing import facts_of
from voxgate.errors import UsageError
from voxgate.extras import need

_CARRIED = "resemblyzer"  # the package that brings its weights along


def convert(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A .safetensors, .pt or .ckpt file; or resemblyzer: what that package has.",
        ),
    ],
    *,
    arch: Annotated[
        str | None,
        typer.Option(
            "--arch",
            metavar="NAME",
            help="ecapa-speechbrain, redimnet, resemblyzer or resnet-wespeaker.",
        ),
    ] = None,
    name: Name = None,
    license_: License = None,
    json: options.Json = False,
) -> int:
    r"""Convert a checkpoint to ONNX, check that it gives the same embeddings, and install it.

    Only weights are read: a file that could run code is refused. Needs:
    pip install 'voxgate\[train]'.

    Exit code 0: installed. 2: not: no such checkpoint, another architecture, not safe, ...
    """
    from voxgate.hub import entries
    from voxgate.install import UNKNOWN_LICENSE, ModelFacts

    need("torch", "train")
    from voxgate import convert as converter

    if checkpoint == _CARRIED and not Path(checkpoint).exists():
        path, arch, facts = converter.resemblyzer_weights(), _CARRIED, entries()[_CARRIED].facts
        name = name or _CARRIED
    elif arch is None:
        known = ", ".join(converter.ARCHITECTURES)
        raise UsageError(f"Say which network {checkpoint} is of, with --arch ({known}).")
    else:
        path = Path(checkpoint)
        description = f"{arch}, converted from {path.name}."
        facts = ModelFacts(description, license_ or UNKNOWN_LICENSE)
    pack = converter.convert(path, arch=arch, name=name or name_of(path), facts=facts)
    if json:
        output.print_json(facts_of(pack))
        return DONE
    output.print_verdict(f"{pack.id}: {pack.dim} numbers, from {path.name}", colour="green")
    output.print_facts({"licence": pack.license, "path": str(pack.path)})
    return DONE
