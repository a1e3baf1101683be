"""voxgate report: one page that shows an evaluation."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError

EXAMPLES = (
    ("voxgate report results", "writes report.html and its pictures as PNGs"),
    ("voxgate report ours theirs -o both.html", "systems evaluated apart, on the same trials"),
    ("voxgate report results --anonymous", "without names of recordings, to be passed on"),
)


def report(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULTS", help="Folders that 'voxgate evaluate --out' wrote."),
    ],
    *,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page, .html.")
    ] = Path("report.html"),
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Its heading.")] = "",
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous", metavar="", help="Leave out the names of recordings, and links to them."
        ),
    ] = False,
    json: options.Json = False,
) -> int:
    """Make a page of an evaluation: tables, pictures, the worst trials to listen to.

    It is one HTML file that needs no network, for light and dark, and for a telephone; its
    pictures are written beside it as PNGs. Links lead to the recordings where they lie now.

    Exit code 0: written. 2: not, such as results of different trials.
    """
    from voxgate.evaluate.report import write_report
    from voxgate.evaluate.results import load, merge

    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{out}: the report is written as .html.")
    evaluation = merge([load(folder) for folder in results])
    written = write_report(evaluation, out, title=title, anonymous=anonymous)
    if json:
        output.print_json({"output": str(out), "pictures": [str(path) for path in written[1:]]})
    else:
        systems = output.count(len(evaluation.results), "system")
        pictures = output.count(len(written) - 1, "picture")
        output.print_verdict(f"{out}: {systems}, {pictures} beside it", colour="green")
    return DONE
