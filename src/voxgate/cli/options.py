"""Options that several commands share, and what is made of them.

Each is written once, as a type to annotate a parameter with.
"""

# ruff: noqa: PLC0415 - imports wait until a command runs

from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.errors import UsageError

if TYPE_CHECKING:
    from voxgate.scoring import Policy
    from voxgate.store import Mode
    from voxgate.verify import Verifier

_POLICY = "How sure to be"
_PLACE = "Where from"

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="VOXGATE_STORE",
        help="The enrolment store, such as sqlite:///voices.db; without it, the one in your "
        "user data folder.",
        rich_help_panel=_PLACE,
    ),
]
PackName = Annotated[
    str | None,
    typer.Option(
        "--pack",
        metavar="NAME",
        envvar="VOXGATE_PACK",
        help="The model: a built-in pack by name, or a pack's folder or zip file; see "
        "'voxgate packs list'.",
        rich_help_panel=_PLACE,
    ),
]
FormerPack = Annotated[
    str | None,
    typer.Option(
        "--former-pack",
        metavar="NAME",
        envvar="VOXGATE_FORMER_PACK",
        help="The model before --pack: whoever has no voiceprint of --pack yet is judged by "
        "that of this one.",
        rich_help_panel=_PLACE,
    ),
]
Far = Annotated[
    float | None,
    typer.Option(
        "--far",
        metavar="RATE",
        help="Accept a stranger at most this often: 0.001 is one in a thousand. "
        "The usual way to choose; 0.01 without any of these options.",
        rich_help_panel=_POLICY,
    ),
]
Prior = Annotated[
    float | None,
    typer.Option(
        "--prior",
        metavar="P",
        help="How likely the claim is before listening, 0 to 1; then the cheaper mistake on "
        "average decides. Not together with --far.",
        rich_help_panel=_POLICY,
    ),
]
MissCost = Annotated[
    float | None,
    typer.Option(
        "--miss-cost",
        metavar="COST",
        help="What refusing the right voice costs (1). With --prior.",
        rich_help_panel=_POLICY,
    ),
]
FalseAcceptCost = Annotated[
    float | None,
    typer.Option(
        "--false-accept-cost",
        metavar="COST",
        help="What accepting a stranger costs (1). With --prior.",
        rich_help_panel=_POLICY,
    ),
]
Probe = Annotated[
    str | None,
    typer.Argument(metavar="PROBE", help="The recording to test; - is standard input."),
]
Mic = Annotated[
    bool,
    typer.Option(
        "--mic", metavar="", help="Listen to the microphone instead; what it hears is not kept."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="Which microphone: its number, or part of its name."
    ),
]
Add = Annotated[
    bool, typer.Option("--add", metavar="", help="Add to the speaker, who must be the same voice.")
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", metavar="", help="Forget what was enrolled before, and start afresh."
    ),
]
Threads = Annotated[
    int,
    typer.Option("--threads", metavar="N", min=1, help="How many recordings to embed at a time."),
]
CorpusFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="How the recordings are stored: manifest, kaldi, lhotse, nemo, pickle or folders; "
        "found out without it.",
    ),
]
PickleRate = Annotated[
    int,
    typer.Option("--rate", metavar="HZ", min=1, help="Of the array in a .pkl file: 16000."),
]
RowsPerSpeaker = Annotated[
    int,
    typer.Option(
        "--rows-per-speaker",
        metavar="N",
        min=1,
        help="How many rows in a row of a .pkl file's array are one speaker's: 10.",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", metavar="", help="Print one JSON object for programs; errors too."),
]


def policy_from(
    far: float | None,
    prior: float | None,
    miss_cost: float | None,
    false_accept_cost: float | None,
) -> "Policy":
    """The policy that the options ask for.

    Raises:
        UsageError: both ways are mixed, or a value makes no sense.
    """
    from voxgate.scoring import DEFAULT_POLICY, Costs, FalseAcceptRate

    costs = {
        "prior": prior,
        "miss_cost": miss_cost,
        "false_accept_cost": false_accept_cost,
    }
    given = {name: value for name, value in costs.items() if value is not None}
    if far is not None and given:
        first = next(iter(given)).replace("_", "-")
        raise UsageError(f"--far and --{first} are two ways to say the same; give one of them.")
    if far is not None:
        return FalseAcceptRate(far)
    return Costs(**given) if given else DEFAULT_POLICY


def mode_from(*, add: bool, replace: bool) -> "Mode":
    """How to treat a speaker who is there already.

    Raises:
        UsageError: both are asked for.
    """
    if add and replace:
        raise UsageError("--add keeps what is there, --replace does not; give one of them.")
    return "add" if add else "replace" if replace else "new"


def verifier(store: str | None, pack: str | None, former: str | None = None) -> "Verifier":
    """A Verifier over the pack and the store that the options name, and the pack before."""
    from voxgate.packs import DEFAULT_PACK
    from voxgate.verify import Verifier

    if former is not None:
        from voxgate.migration import ParallelVerifier

        return ParallelVerifier(store, pack=pack or DEFAULT_PACK, former=former)
    return Verifier(store, pack=pack or DEFAULT_PACK)
