"""voxgate record: a recording from the microphone, with enough speech in it."""

# ruff: noqa: PLC0415, PLR0913 - imports wait until a command runs; its parameters are its options

from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.listening import ENROLMENT_S, LONGEST_S, listen
from voxgate.errors import UsageError

EXAMPLES = (
    ("voxgate record ada.wav", "until there are 20 s of speech"),
    ("voxgate record probe.flac --seconds 5", "enough to verify"),
    ("voxgate record ada.wav --sentences mine.txt", "a sentence a line, any language"),
)


def record(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="What to write: .flac or .wav, 16 kHz mono.")
    ],
    *,
    wanted_s: Annotated[
        float,
        typer.Option("--seconds", metavar="S", help="Stop at so many seconds of speech."),
    ] = ENROLMENT_S,
    longest_s: Annotated[
        float,
        typer.Option("--longest", metavar="S", help="Stop here even if there is less speech."),
    ] = LONGEST_S,
    sentences: Annotated[
        Path | None,
        typer.Option("--sentences", metavar="FILE", help="A text file of sentences to suggest."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace FILE if it is there already.")
    ] = False,
    device: options.Device = None,
    json: options.Json = False,
) -> int:
    """Record from the microphone until there is enough speech.

    It shows sentences to read aloud; reading is not needed, talking will do. Pauses do not
    count. Ctrl-C stops and leaves no file.

    Exit code 0: recorded. 2: not, or with less speech than asked for.
    """
    from voxgate.microphone import read_sentences

    if path.exists() and not overwrite:
        raise UsageError(f"{path}: is there already; give another name, or --overwrite.")
    end = listen(
        path,
        wanted_s=wanted_s,
        longest_s=longest_s,
        sentences=read_sentences(sentences) if sentences else None,
        device=device,
    )
    if json:
        output.print_json(
            {
                "output": str(path),
                "duration_s": end.duration_s,
                "speech_s": end.speech_s,
                "wanted_s": end.wanted_s,
                "enough": end.enough,
            }
        )
    else:
        sentence = f"{path}: {end.speech_s:.1f} s of speech in {end.duration_s:.1f} s"
        output.print_verdict(sentence, colour="green" if end.enough else "yellow")
    if not end.enough:
        output.print_error(
            f"There are only {end.speech_s:.1f} s of speech of the {end.wanted_s:g} s wanted; "
            "record again, closer to the microphone."
        )
    return DONE if end.enough else FAILED
