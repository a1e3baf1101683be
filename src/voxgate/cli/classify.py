"""voxgate classify: which of the speakers that a model was trained on is this?"""

# ruff: noqa: PLC0415, PLR0913 - imports wait until a command runs; its parameters are its options

from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.cli.listening import probe_of

EXAMPLES = (
    ("voxgate classify runs/spectrogram-cnn probe.wav", "names and how likely each is"),
    ("voxgate classify runs/spectrogram-cnn --mic", "speak now"),
)


def classify(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="The folder of a run with data.closed_set above 0."),
    ],
    probe: options.Probe = None,
    *,
    mic: options.Mic = False,
    device: options.Device = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, help="How many names to show.")
    ] = 5,
    json: options.Json = False,
) -> int:
    """Rank the speakers of a closed set: one of them it is, so who?

    Somebody is always named, also when a stranger speaks. To find out whether it is any of
    them, enrol them and use 'voxgate identify'.

    Exit code 0: ranked. 2: no answer, such as too little speech.
    """
    from voxgate.classifier import load_classifier
    from voxgate.embed import Embedder
    from voxgate.packs import load_pack

    classifier = load_classifier(run)
    embedder = Embedder(load_pack(run / "pack"))
    with probe_of(probe, mic=mic, device=device) as source:
        embedding = embedder.embed(source)
    likely = classifier.probabilities(embedding.vector[None])[0]
    ranked = [(classifier.speakers[i], float(likely[i])) for i in likely.argsort()[::-1][:top]]
    if json:
        names = [{"speaker": name, "probability": share} for name, share in ranked]
        output.print_json({"probe": embedding.name, "ranking": names})
    else:
        output.print_table(
            ("", "speaker", "probability"),
            [
                (str(place), name, f"{100 * share:.1f} %")
                for place, (name, share) in enumerate(ranked, start=1)
            ],
            align="rlr",
        )
    return DONE
