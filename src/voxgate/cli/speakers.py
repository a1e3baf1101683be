"""voxgate speakers: who is enrolled; take out, carry over, forget."""

# ruff: noqa: PLC0415 - imports wait until a command runs

import json as json_module
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxgate.atomic import complete_or_absent
from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE
from voxgate.errors import StoreError

if TYPE_CHECKING:
    from voxgate.store import SpeakerSummary, Store

app = typer.Typer(help="Who is enrolled: list, show, delete, export, import.")

Speaker = Annotated[str, typer.Argument(metavar="SPEAKER", help="The name of the voice.")]


@contextmanager
def _opened(store: str | None) -> "Iterator[Store]":
    from voxgate.store import open_store

    with closing(open_store(store)) as opened:
        yield opened


def list_speakers(*, store: options.StoreUrl = None, json: options.Json = False) -> int:
    """List everybody who is enrolled.

    Exit code 0: done, also when it is nobody.
    """
    with _opened(store) as opened:
        speakers = opened.speakers()
    if json:
        output.print_json({"speakers": [_facts(speaker) for speaker in speakers]})
    elif speakers:
        output.print_table(
            ("speaker", "recordings", "speech", "enrolled", "changed", "packs"),
            [
                (
                    speaker.name,
                    f"{speaker.recordings:,}",
                    output.seconds(speaker.speech_s),
                    f"{speaker.created_at:%Y-%m-%d}",
                    f"{speaker.updated_at:%Y-%m-%d}",
                    ", ".join(speaker.packs),
                )
                for speaker in speakers
            ],
            align="lrrlll",
        )
    else:
        output.print_remark("Nobody is enrolled yet. Begin with: voxgate enroll NAME RECORDINGS...")
    return DONE


def show(speaker: Speaker, *, store: options.StoreUrl = None, json: options.Json = False) -> int:
    """Show what a speaker was enrolled with. Embeddings are never shown.

    Exit code 0: done. 2: nobody of that name.
    """
    with _opened(store) as opened:
        samples = opened.samples(speaker)
        summary = opened.speaker(speaker)
    recordings = [
        {
            "name": sample.name,
            "speech_s": sample.speech_s,
            "quality": sample.quality,
            "added_at": sample.added_at.isoformat(),
        }
        for sample in samples
    ]
    if json:
        output.print_json({**_facts(summary), "samples": recordings})
        return DONE
    facts = f"{output.count(summary.recordings, 'recording')}, "
    facts += f"{output.seconds(summary.speech_s)} of speech, {', '.join(summary.packs)}"
    output.print_verdict(f"{summary.name}: {facts}", colour="green")
    output.print_gap()
    output.print_table(
        ("recording", "speech", "added"),
        [
            (sample.name, output.seconds(sample.speech_s), f"{sample.added_at:%Y-%m-%d %H:%M} UTC")
            for sample in samples
        ],
        align="lrl",
    )
    return DONE


def delete(
    speaker: Speaker,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")] = False,
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """Forget a speaker for good: nothing of the voice is left in the store.

    Exit code 0: forgotten. 2: nobody of that name, or not confirmed.
    """
    with _opened(store) as opened:
        summary = opened.speaker(speaker)
        if not yes:
            what = f"{summary.name} ({output.count(summary.recordings, 'recording')})"
            typer.confirm(f"Forget {what} for good?", abort=True, err=True)
        opened.delete(speaker)
    if json:
        output.print_json({"deleted": speaker})
    else:
        output.print_verdict(f"Forgot {speaker} for good.", colour="green")
    return DONE


def export(
    speaker: Speaker,
    *,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A JSON file to write.")
    ],
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """Write all that is stored of a speaker to a file, to carry over or to hand out.

    It is not encrypted and holds the voice's embeddings: biometric data. Only you may read the
    file (mode 0600).

    Exit code 0: written. 2: nobody of that name, or the file cannot be written.
    """
    with _opened(store) as opened:
        document = opened.export(speaker)
    with complete_or_absent(out, private=True) as part:
        part.write_text(json_module.dumps(document, indent=2), "utf-8")
    if json:
        output.print_json({"exported": speaker, "output": str(out)})
    else:
        output.print_verdict(f"{out}: all that is stored of {speaker}", colour="green")
        output.print_remark(
            "It holds biometric data, not encrypted; only you may read it (mode 0600)."
        )
    return DONE


def import_speaker(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'speakers export' wrote.")],
    *,
    add: options.Add = False,
    replace: options.Replace = False,
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """Take in a speaker that was exported, after checking that the file is sound.

    Exit code 0: enrolled. 2: not: the file is no export, or the name is taken.
    """
    mode = options.mode_from(add=add, replace=replace)
    document = _document_of(file)
    with _opened(store) as opened:
        summary = opened.import_(document, mode=mode)
    if json:
        output.print_json(_facts(summary))
    else:
        facts = f"{output.count(summary.recordings, 'recording')}, "
        facts += f"{output.seconds(summary.speech_s)} of speech"
        output.print_verdict(f"Enrolled {summary.name}: {facts}", colour="green")
    return DONE


def _document_of(file: Path) -> dict[str, Any]:
    try:
        document = json_module.loads(file.read_text("utf-8"))
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not UTF-8, or not JSON
        raise StoreError(f"{file}: is not what 'voxgate speakers export' writes.") from error
    if not isinstance(document, dict):
        raise StoreError(f"{file}: is not what 'voxgate speakers export' writes.")
    return document


def _facts(speaker: "SpeakerSummary") -> dict[str, Any]:
    return {
        "speaker": speaker.name,
        "recordings": speaker.recordings,
        "speech_s": speaker.speech_s,
        "packs": list(speaker.packs),
        "created_at": speaker.created_at.isoformat(),
        "updated_at": speaker.updated_at.isoformat(),
    }


_CARRY_OVER = (
    ("voxgate speakers export ada -o ada.json", "here"),
    ("voxgate speakers import ada.json", "and there"),
)
add_command(app, list_speakers, "list")
add_command(app, show, "show")
add_command(app, delete, "delete")
add_command(app, export, "export", *_CARRY_OVER)
add_command(app, import_speaker, "import", *_CARRY_OVER)
