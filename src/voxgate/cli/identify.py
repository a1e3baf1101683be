"""voxgate identify: which of the enrolled speakers is this, if any?"""

# ruff: noqa: PLR0913 - a command's parameters are its options

from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import ACCEPTED, FAILED, REFUSED
from voxgate.cli.listening import probe_of

if TYPE_CHECKING:
    from voxgate.decision import Identification

EXAMPLES = (
    ("voxgate identify probe.wav", "a name, or none of them"),
    ("voxgate identify probe.wav --far 1e-3", "1 stranger in 1,000 gets a name"),
    ("voxgate identify probe.wav --top 20", "show more of the ranking"),
    ("voxgate identify --mic", "speak now"),
)


def identify(
    probe: options.Probe = None,
    *,
    mic: options.Mic = False,
    device: options.Device = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, help="How many candidates to show.")
    ] = 5,
    far: options.Far = None,
    prior: options.Prior = None,
    miss_cost: options.MissCost = None,
    false_accept_cost: options.FalseAcceptCost = None,
    store: options.StoreUrl = None,
    pack: options.PackName = None,
    former_pack: options.FormerPack = None,
    json: options.Json = False,
) -> int:
    """Say which of the enrolled speakers a recording is, or that it is none of them (1:N).

    The false-accept rate is that of the whole search, however many are enrolled.

    Exit code 0: somebody. 1: none of them. 2: no answer, such as too little speech.
    """
    policy = options.policy_from(far, prior, miss_cost, false_accept_cost)
    with probe_of(probe, mic=mic, device=device) as source:
        found = options.verifier(store, pack, former_pack).identify(source, top=top, policy=policy)
    decided = found.outcome.value != "not_enough_speech"
    if json:
        output.print_json(found.to_dict())
    elif decided:
        _print(found)
    else:
        output.print_error(found.sentence())
    return (ACCEPTED if found.accepted else REFUSED) if decided else FAILED


def _print(found: "Identification") -> None:
    output.print_verdict(found.sentence(), colour="green" if found.accepted else "red")
    output.print_gap()
    output.print_table(
        ("", "candidate", "LLR", "threshold", "AS-norm", "cosine", "enrolled"),
        [
            (
                "✓" if candidate.accepted else "",
                candidate.speaker,
                output.figure(candidate.llr),
                output.figure(candidate.threshold),
                output.figure(candidate.score),
                output.figure(candidate.cosine, 2),
                output.seconds(candidate.speech_s),
            )
            for candidate in found.candidates
        ],
        align="llrrrrr",
    )
    output.print_gap()
    output.print_sides([found.probe])
    output.print_gap()
    output.print_facts({"policy": str(found.policy), "pack": found.pack})
    output.print_warnings(found.warnings)
