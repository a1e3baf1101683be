"""voxgate packs: which models are here; get, add, convert, check and remove public ones."""

import typer

from voxgate.cli.commands import add_command
from voxgate.cli.packs.add import add
from voxgate.cli.packs.convert import convert
from voxgate.cli.packs.listing import info, list_packs
from voxgate.cli.packs.pull import pull
from voxgate.cli.packs.upkeep import remove, verify

app = typer.Typer(help="Models: which are here, their facts and error rates; public ones.")

add_command(
    app,
    list_packs,
    "list",
    ("voxgate packs list", "what is here"),
    ("voxgate packs list --public", "what 'packs pull' can get"),
)
add_command(
    app,
    info,
    "info",
    ("voxgate packs info", "the one used when none is named"),
    ("voxgate packs info ./my-pack", "a folder or zip file"),
)
add_command(
    app,
    pull,
    "pull",
    ("voxgate packs pull wespeaker-resnet34", "download it and make a pack of it"),
)
add_command(
    app,
    add,
    "add",
    ("voxgate packs add model.onnx --like wespeaker", "an ONNX file of a known family"),
    ("voxgate packs add sherpa.onnx --name mine", "one whose metadata say what it is"),
)
add_command(
    app,
    convert,
    "convert",
    ("voxgate packs convert resemblyzer", "from the installed package"),
    ("voxgate packs convert avg_model.pt --arch resnet-wespeaker --name mine", "a checkpoint"),
)
add_command(app, verify, "verify", ("voxgate packs verify", "all that are installed"))
add_command(app, remove, "remove", ("voxgate packs remove wespeaker-resnet34", "free its space"))
