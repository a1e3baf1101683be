"""voxgate calibrate: make a pack's answers right for one's own recordings."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.recordings import find_recordings
from voxgate.errors import OutputError, UsageError
from voxgate.extras import need

if TYPE_CHECKING:
    from voxgate.evaluate.bootstrap import Interval
    from voxgate.evaluate.recalibration import Outlook, Recalibration

EXAMPLES = (
    ("voxgate calibrate --data people -o ours", "people/<speaker>/<recordings>"),
    ("voxgate verify ada probe.wav --pack ours", "the new pack at work; ada need not enrol again"),
)


def calibrate(
    *,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="FOLDER", help="Recordings, in a folder for each speaker."),
    ],
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="PACK", help="The new pack, a folder.")
    ],
    cohort: Annotated[
        Path | None,
        typer.Option(
            "--cohort",
            metavar="FOLDER",
            help="Recordings of 50 other people or more, in a folder for each, for a new cohort. "
            "Only a pack without a cohort needs it.",
        ),
    ] = None,
    pack: options.PackName = None,
    json: options.Json = False,
) -> int:
    """Fit a pack's calibration on your own recordings, and say what error rates to expect.

    At least 10 speakers with two recordings are needed; 30 are better. The rates are measured on
    speakers that the calibration was not fitted on; 95 % intervals are for other speakers of
    the same kind. The embedding stays as it is, so voices that are enrolled stay enrolled.

    Exit code 0: the new pack is written. 2: it is not, or some recordings could not be used.
    """
    from voxgate.cli.progress import progress_bar
    from voxgate.evaluate.recalibration import recalibrate
    from voxgate.evaluate.repack import write_pack
    from voxgate.packs import DEFAULT_PACK, load_pack

    need("scipy", "evaluate")  # said before the work, not after it
    if out.exists():
        raise OutputError(f"{out} is there already; give the new pack another name.")
    model = load_pack(pack or DEFAULT_PACK)
    others = [paths[0] for paths in _by_speaker(cohort).values()] if cohort else []
    recordings = _by_speaker(data)
    with progress_bar("calibrating") as progress:
        found = recalibrate(model, recordings, cohort=others, progress=progress)
    new = write_pack(model, found, out)
    if json:
        failures = [{"name": str(path), "message": message} for path, message in found.failures]
        output.print_json(
            {"output": str(out), "pack": new.label, **found.to_dict(), "failures": failures}
        )
    else:
        output.print_verdict(f"{out}: {new.label}, to be used with --pack {out}", colour="green")
        _print(found)
    output.print_failures((str(path), message) for path, message in found.failures)
    return FAILED if found.failures else DONE


def _by_speaker(folder: Path) -> dict[str, list[Path]]:
    """Recordings by the folder right under this one that they are in."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give one with a folder for each speaker.")
    found: dict[str, list[Path]] = {}
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        if not inside.name.startswith("."):
            paths = [Path(name) for name in find_recordings([str(inside)])]
            found[inside.name] = [path for path in paths if path.is_file()]
    return {speaker: paths for speaker, paths in found.items() if paths}


def _print(found: "Recalibration") -> None:
    output.print_gap()
    output.print_facts(
        {
            "from": f"{output.count(found.speakers, 'speaker')}, "
            f"{output.count(found.recordings, 'recording')}: "
            f"{found.targets:,} pairs of one speaker, {found.strangers:,} of two",
            "EER": f"{_percent(found.eer)} ({_interval(found.eer_95)})",
            "Cllr": f"{found.after.cllr:.3f}"
            + (f", before {found.before.cllr:.3f}" if found.before else ""),
        }
    )
    if found.before:
        _print_outlook("Before, with the calibration that the pack had", found.before)
    _print_outlook("Now, on speakers that it was not fitted on", found.after)


def _print_outlook(heading: str, outlook: "Outlook") -> None:
    output.print_heading(heading)
    output.print_table(
        ("policy", "strangers accepted", "95 %", "right ones refused", "95 %"),
        [
            (
                row.policy,
                _percent(row.false_accept),
                _interval(row.false_accept_95),
                _percent(row.miss),
                _interval(row.miss_95),
            )
            for row in outlook.policies
        ],
        align="lrrrr",
    )


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %"


def _interval(rates: "Interval | None") -> str:
    if rates is None:
        return output.NOTHING
    return f"{100 * rates.low:.2f} to {100 * rates.high:.2f} %"
