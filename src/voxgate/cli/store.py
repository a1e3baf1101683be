"""voxgate store: change the model of a store."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.progress import progress_bar
from voxgate.errors import EnrolmentError

if TYPE_CHECKING:
    from voxgate.store import SpeakerSummary

app = typer.Typer(help="Change the model of a store: who lacks the new voiceprint, and get it.")


def missing(
    *,
    pack: options.PackName = None,
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """List the speakers who have no voiceprint of a pack yet.

    While both packs are in use (--former-pack), they are judged by the former one.

    Exit code 0: done, also when it is somebody.
    """
    from voxgate.migration import lacking
    from voxgate.packs import DEFAULT_PACK, load_pack
    from voxgate.store import open_store

    model = load_pack(pack or DEFAULT_PACK)
    with closing(open_store(store)) as opened:
        enrolled, found = len(opened.speakers()), lacking(opened, model.id)
    if json:
        facts = [{"speaker": one.name, "packs": list(one.packs)} for one in found]
        output.print_json({"pack": model.id, "enrolled": enrolled, "missing": facts})
    else:
        _print_missing(model.id, enrolled, found)
    return DONE


def re_embed(
    *,
    recordings: Annotated[
        Path,
        typer.Option(
            "--recordings",
            metavar="FOLDER",
            help="Where recordings were kept: a folder for each speaker, files named as enrolled.",
        ),
    ],
    pack: options.PackName = None,
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """Enrol everybody with a new pack, from the recordings that they were enrolled with.

    'voxgate enroll --keep FOLDER' keeps them. Voiceprints of other packs stay. Whoever has no
    recordings left is listed, and can be enrolled anew or be judged by the former pack until then.

    Exit code 0: everybody has a voiceprint of the pack. 2: somebody still lacks it.
    """
    from voxgate.migration import lacking
    from voxgate.migration import re_embed as enrol_again

    verifier = options.verifier(store, pack)
    waiting = lacking(verifier.store, verifier.pack.id)
    done, failures = [], []
    with progress_bar("enrolling") as progress:
        for number, speaker in enumerate(waiting):
            progress(number, len(waiting))
            try:
                done.append(enrol_again(verifier, speaker.name, recordings))
            except EnrolmentError as error:
                failures.append((speaker.name, str(error)))
    if json:
        output.print_json(
            {
                "pack": verifier.pack.id,
                "enrolled": [enrolment.to_dict() for enrolment in done],
                "failures": [{"name": name, "message": message} for name, message in failures],
            }
        )
    else:
        what = f"{output.count(len(done), 'speaker')} enrolled with {verifier.pack.id}"
        rest = f", {output.count(len(failures), 'speaker')} not" if failures else ""
        output.print_verdict(what + rest, colour="yellow" if failures else "green")
    output.print_failures(failures)
    return FAILED if failures else DONE


def _print_missing(pack: str, enrolled: int, found: "list[SpeakerSummary]") -> None:
    colour = "yellow" if found else "green"
    have = f"{enrolled - len(found):,} of {output.count(enrolled, 'speaker')} have a voiceprint"
    output.print_verdict(f"{have} of {pack}", colour=colour)
    if found:
        output.print_gap()
        rows = [(one.name, ", ".join(one.packs)) for one in found]
        output.print_table(("without", "has"), rows, align="ll")


add_command(
    app,
    missing,
    "missing",
    ("voxgate store missing --pack wespeaker-resnet34", "who has no new voiceprint yet"),
)
add_command(
    app,
    re_embed,
    "re-embed",
    ("voxgate store re-embed --pack NEW --recordings kept/", "from the recordings kept there"),
)
