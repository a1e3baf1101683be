"""voxgate verify: is this the voice it claims to be?"""

# ruff: noqa: PLR0913 - a command's parameters are its options

from typing import Annotated

import typer

from voxgate.cli import options
from voxgate.cli.decisions import show_decision
from voxgate.cli.listening import probe_of

EXAMPLES = (
    ("voxgate verify ada probe.webm", "at most 1 stranger in 100 accepted"),
    ("voxgate verify ada probe.webm --far 1e-3", "1 in 1,000"),
    ("voxgate verify ada --mic", "speak now"),
    ("voxgate verify ada p.wav --json | jq .llr", "for programs"),
)


def verify(
    speaker: Annotated[str, typer.Argument(metavar="SPEAKER", help="Who it claims to be.")],
    probe: options.Probe = None,
    *,
    mic: options.Mic = False,
    device: options.Device = None,
    far: options.Far = None,
    prior: options.Prior = None,
    miss_cost: options.MissCost = None,
    false_accept_cost: options.FalseAcceptCost = None,
    store: options.StoreUrl = None,
    pack: options.PackName = None,
    former_pack: options.FormerPack = None,
    json: options.Json = False,
) -> int:
    """Say whether a recording is the voice of an enrolled speaker (1:1).

    Exit code 0: accepted. 1: refused. 2: no answer: nobody of that name, too little speech, ...
    """
    policy = options.policy_from(far, prior, miss_cost, false_accept_cost)
    with probe_of(probe, mic=mic, device=device) as source:
        decision = options.verifier(store, pack, former_pack).verify(speaker, source, policy=policy)
    return show_decision(decision, as_json=json)
