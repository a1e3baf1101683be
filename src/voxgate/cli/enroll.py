"""voxgate enroll: remember a voice under a name."""

# ruff: noqa: PLC0415, PLR0913 - a command's parameters are its options; imports wait

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.listening import ENROLMENT_S, heard_now
from voxgate.cli.recordings import find_recordings
from voxgate.errors import UsageError

if TYPE_CHECKING:
    from voxgate.enrolment import Contribution, Enrolment

EXAMPLES = (
    ("voxgate enroll ada rec1.ogg rec2.ogg", "from recordings"),
    ("voxgate enroll ada --mic", "speak now, for 20 s"),
    ("voxgate enroll ada monday.m4a --add", "more of the same voice"),
    ("voxgate enroll ada new/ --replace", "start afresh, from a folder"),
    ("voxgate enroll ada rec1.ogg --keep kept/", "keep the recordings, for another model"),
)


def enroll(
    speaker: Annotated[str, typer.Argument(metavar="SPEAKER", help="A name for the voice.")],
    recordings: Annotated[
        list[str] | None,
        typer.Argument(metavar="RECORDINGS", help="Recordings, and folders of recordings."),
    ] = None,
    *,
    mic: Annotated[
        bool,
        typer.Option(
            "--mic", metavar="", help="Also record from the microphone, now; it is not kept."
        ),
    ] = False,
    device: options.Device = None,
    add: options.Add = False,
    replace: options.Replace = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FOLDER",
            help="Also keep copies of the recordings used, in the speaker's folder there: "
            "to enrol again with another model (voxgate store re-embed). Not encrypted.",
        ),
    ] = None,
    store: options.StoreUrl = None,
    pack: options.PackName = None,
    json: options.Json = False,
) -> int:
    """Enrol a speaker from recordings of one voice.

    Says what each recording contributed. One that is too short, unreadable, a duplicate or
    another voice is refused, and the others are enrolled. About 20 s of speech is good, from
    different days and rooms better. Voices are stored encrypted, the recordings not at all
    (unless --keep names a folder for them).

    Exit code 0: all recordings were used. 2: some, or all, were refused.
    """
    mode = options.mode_from(add=add, replace=replace)
    sources = find_recordings(recordings or [])
    if not (sources or mic):
        raise UsageError("Give recordings to enrol, or --mic.")
    verifier = options.verifier(store, pack)
    with ExitStack() as stack:
        if mic:
            wanted = heard_now(wanted_s=ENROLMENT_S, device=device)
            sources.append(str(stack.enter_context(wanted)))
        enrolment = verifier.enrol(speaker, sources, mode=mode)
        if keep:
            _keep(enrolment, sources, keep)
    refused = [given for given in enrolment.contributions if not given.used]
    if json:
        output.print_json(enrolment.to_dict())
    else:
        _print(enrolment)
    output.print_failures((given.name, given.message) for given in refused)
    return FAILED if refused else DONE


def _keep(enrolment: "Enrolment", sources: list[str], folder: Path) -> None:
    """Copy the recordings that were used, for nobody but their owner to read."""
    from voxgate.atomic import cannot_write, complete_or_absent
    from voxgate.migration import recordings_folder

    place = recordings_folder(folder, enrolment.speaker)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(place, error) from error
    for source, given in zip(sources, enrolment.contributions, strict=True):
        if given.used and source != "-":
            with complete_or_absent(place / given.name, private=True) as part:
                shutil.copyfile(source, part)


def _print(enrolment: "Enrolment") -> None:
    whole = all(given.used for given in enrolment.contributions)
    output.print_verdict(enrolment.sentence(), colour="green" if whole else "yellow")
    output.print_gap()
    output.print_table(
        ("", "recording", "speech", "share", "agreement", ""),
        [_row(given) for given in enrolment.contributions],
        align="llrrrl",
    )
    output.print_warnings(enrolment.warnings)


def _row(given: "Contribution") -> tuple[str, ...]:
    return (
        "✓" if given.used else "✗",
        given.name,
        output.seconds(given.speech_s) if given.speech_s else output.NOTHING,
        f"{100 * given.weight:.0f} %" if given.used else output.NOTHING,
        output.figure(given.agreement, 2),
        "" if given.used else given.outcome.replace("_", " "),
    )
