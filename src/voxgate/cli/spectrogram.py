"""voxgate spectrogram: a picture of a recording."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError

EXAMPLES = (
    ("voxgate spectrogram rec.wav", "writes rec.png"),
    ("voxgate spectrogram rec.wav -o out.png --kind mfcc", "cepstral coefficients"),
)


class Kind(str, Enum):
    """What to draw."""

    MEL = "mel"
    STFT = "stft"
    MFCC = "mfcc"


def spectrogram(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="- is standard input.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A PNG; RECORDING with .png without it."
        ),
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help="mel: frequencies as we hear them; stft: evenly spaced; mfcc: the shape of "
            "the spectrum, without the level.",
        ),
    ] = Kind.MEL,
    json: options.Json = False,
) -> int:
    """Draw a recording: frequency over time, levels in decibels, and where there is speech.

    The background is transparent, so the picture suits a light page and a dark one.

    Exit code 0: the picture is written. 2: it is not.
    """
    from voxgate import plots

    if out and out.suffix.lower() != ".png":
        raise UsageError(f"{out}: pictures are written as .png.")
    if recording == "-" and not out:
        raise UsageError("Say where to write the picture of standard input, with --output.")
    picture = plots.spectrogram(recording, kind.value)
    path = out or Path(recording).with_suffix(".png")
    plots.save(picture, path)
    if json:
        output.print_json(
            {
                "output": str(path),
                "kind": picture.kind,
                "quality": picture.quality.to_dict(),
                "segments": [segment._asdict() for segment in picture.segments],
            }
        )
    else:
        output.print_verdict(
            f"{path}: {output.seconds(picture.duration_s)} long, "
            f"{output.seconds(picture.quality.speech_s)} of it speech",
            colour="green",
        )
    return DONE
