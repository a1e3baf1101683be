"""voxgate packs verify and remove."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.errors import PackError


def verify(
    packs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PACKS]", help="Names, folders or zip files; else all installed."),
    ] = None,
    *,
    json: options.Json = False,
) -> int:
    """Check packs: the SHA-256 of every file, and that the model embeds.

    Exit code 0: all are sound. 2: some, or all, are not.
    """
    from voxgate.install import try_pack
    from voxgate.packs import PACKS, load_pack, packs_folder

    here = [found.parent.name for found in sorted(packs_folder().glob("*/pack.toml"))]
    results = []
    for name in packs or [*PACKS, *here]:
        try:
            pack = load_pack(name)
            try_pack(pack)
            results.append({"pack": pack.id, "sound": True, "message": "sound"})
        except PackError as error:
            results.append({"pack": name, "sound": False, "message": str(error)})
    if json:
        output.print_json({"packs": results})
    else:
        rows = [("✓" if r["sound"] else "✗", str(r["pack"]), str(r["message"])) for r in results]
        output.print_table(("", "pack", ""), rows, align="lll")
    return DONE if all(result["sound"] for result in results) else FAILED


def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An installed pack.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")] = False,
    json: options.Json = False,
) -> int:
    """Remove an installed pack. Voiceprints made with it can then not be used any more.

    Exit code 0: removed. 2: there is none of that name, or not confirmed.
    """
    from voxgate import install

    if not yes:
        typer.confirm(f"Remove the pack {name}?", abort=True, err=True)
    install.remove(name)
    if json:
        output.print_json({"removed": name})
    else:
        output.print_verdict(f"Removed {name}.", colour="green")
    return DONE
