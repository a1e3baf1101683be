"""voxgate compare: are two recordings the same voice?"""

# ruff: noqa: PLR0913 - a command's parameters are its options

from typing import Annotated

import typer

from voxgate.cli import options
from voxgate.cli.decisions import show_decision

EXAMPLES = (
    ("voxgate compare a.wav b.m4a", "at most 1 stranger in 100 accepted"),
    ("voxgate compare a.wav b.m4a --far 1e-4", "1 in 10,000: surer, refuses more"),
    ("voxgate compare a.wav b.m4a --prior 0.1", "the claim is doubtful to begin with"),
    ("curl -s $URL | voxgate compare a.wav -", "the second from standard input"),
)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A recording; - is standard input.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; which is which is the same.")],
    *,
    far: options.Far = None,
    prior: options.Prior = None,
    miss_cost: options.MissCost = None,
    false_accept_cost: options.FalseAcceptCost = None,
    pack: options.PackName = None,
    json: options.Json = False,
) -> int:
    """Say whether two recordings are the same voice, and how sure that is.

    Any audio or video file will do. Nothing is stored.

    Exit code 0: the same voice. 1: not accepted as the same. 2: no answer, such as too little
    speech.
    """
    policy = options.policy_from(far, prior, miss_cost, false_accept_cost)
    decision = options.verifier(None, pack).compare(a, b, policy=policy)
    return show_decision(decision, as_json=json)
