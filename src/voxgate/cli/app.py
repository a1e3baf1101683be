"""The command voxgate, put together: one module per subcommand.

Nothing heavy is imported at the top of any of them, so that `voxgate --help` answers at once.
"""

from typing import Annotated

import typer

from voxgate import __version__
from voxgate.cli import (
    audit,
    calibrate,
    classify,
    closest,
    compare,
    data,
    embed,
    enroll,
    evaluate,
    identify,
    keys,
    packs,
    record,
    report,
    serve,
    speakers,
    spectrogram,
    store,
    train,
    ui,
    verify,
)
from voxgate.cli.commands import add_command
from voxgate.cli.exits import EdgeGroup

app = typer.Typer(
    name="voxgate",
    cls=EdgeGroup,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 accepted, or done; 1 refused: another voice, or none of the enrolled; "
    "2 an error, or part of a batch failed; 130 interrupted by Ctrl-C."
    "\n\nStart with: [bold]voxgate compare a.wav b.wav[/bold]. "
    "Each command has its own --help, with examples.",
)

_VOICES, _TOOLS, _LABORATORY = "Voices", "Recordings and models", "Laboratory"

add_command(app, compare.compare, "compare", *compare.EXAMPLES, panel=_VOICES)
add_command(app, enroll.enroll, "enroll", *enroll.EXAMPLES, panel=_VOICES)
add_command(app, enroll.enroll, "enrol", *enroll.EXAMPLES, hidden=True)
add_command(app, verify.verify, "verify", *verify.EXAMPLES, panel=_VOICES)
add_command(app, identify.identify, "identify", *identify.EXAMPLES, panel=_VOICES)
add_command(app, closest.closest, "closest", *closest.EXAMPLES, panel=_VOICES)
add_command(app, classify.classify, "classify", *classify.EXAMPLES, panel=_VOICES)
app.add_typer(speakers.app, name="speakers", rich_help_panel=_VOICES)
add_command(app, record.record, "record", *record.EXAMPLES, panel=_TOOLS)
add_command(app, embed.embed, "embed", *embed.EXAMPLES, panel=_TOOLS)
add_command(app, spectrogram.spectrogram, "spectrogram", *spectrogram.EXAMPLES, panel=_TOOLS)
add_command(app, ui.ui, "ui", *ui.EXAMPLES, panel=_TOOLS)
add_command(app, serve.serve, "serve", *serve.EXAMPLES, panel=_TOOLS)
app.add_typer(keys.app, name="keys", rich_help_panel=_TOOLS)
app.add_typer(packs.app, name="packs", rich_help_panel=_TOOLS)
app.add_typer(data.app, name="data", rich_help_panel=_TOOLS)
app.add_typer(store.app, name="store", rich_help_panel=_TOOLS)
app.add_typer(audit.app, name="audit", rich_help_panel=_TOOLS)
add_command(app, train.train, "train", *train.EXAMPLES, panel=_LABORATORY)
add_command(app, evaluate.evaluate, "evaluate", *evaluate.EXAMPLES, panel=_LABORATORY)
add_command(app, report.report, "report", *report.EXAMPLES, panel=_LABORATORY)
add_command(app, calibrate.calibrate, "calibrate", *calibrate.EXAMPLES, panel=_LABORATORY)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voxgate {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", metavar="", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Verify speakers by voice: is this really their voice, and how sure can we be?

    Everything happens on this machine; no audio leaves it.
    """
    del version, debug  # seen to by the callback above, and by EdgeGroup
