"""voxgate closest: which of these recordings sound most like the probe?"""

from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.recordings import find_recordings

if TYPE_CHECKING:
    from voxgate.decision import Ranking

EXAMPLES = (
    ("voxgate closest probe.wav references/", "every recording under a folder"),
    ("voxgate closest probe.wav *.ogg --top 3", "the three most alike"),
)


def closest(
    probe: Annotated[str, typer.Argument(metavar="PROBE", help="A recording; - is stdin.")],
    references: Annotated[
        list[str],
        typer.Argument(metavar="REFERENCES", help="Recordings, and folders of recordings."),
    ],
    *,
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="N", min=1, help="Show only the most alike N."),
    ] = None,
    pack: options.PackName = None,
    json: options.Json = False,
) -> int:
    """Rank recordings by how much their voice is like that of a probe.

    The most alike comes first. An LLR above 0 speaks for the same voice, but the best of many
    is high by chance: to decide, enrol the voices and use 'voxgate identify'.

    Exit code 0: all were compared. 2: some, or all, could not be; the others are ranked.
    """
    ranking = options.verifier(None, pack).closest(probe, find_recordings(references))
    if json:
        facts = ranking.to_dict()
        output.print_json({**facts, "matches": facts["matches"][:top]})
    else:
        _print(ranking, top)
    output.print_failures((failure.name, str(failure.error)) for failure in ranking.failures)
    return FAILED if ranking.failures else DONE


def _print(ranking: "Ranking", top: int | None) -> None:
    output.print_table(
        ("", "recording", "LLR", "AS-norm", "cosine", "speech", "doubts"),
        [
            (
                str(place),
                match.name,
                output.figure(match.llr),
                output.figure(match.score),
                output.figure(match.cosine, 2),
                output.seconds(match.speech_s),
                ", ".join(warning.code.replace("_", " ") for warning in match.warnings),
            )
            for place, match in enumerate(ranking.matches[:top], start=1)
        ],
        align="rlrrrrl",
    )
    output.print_warnings(ranking.probe.warnings)
