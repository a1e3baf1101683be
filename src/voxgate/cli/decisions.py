"""A decision, shown: what compare and verify have in common."""

from typing import TYPE_CHECKING

from voxgate.cli import output
from voxgate.cli.exits import ACCEPTED, FAILED, REFUSED

if TYPE_CHECKING:
    from voxgate.decision import Decision


def show_decision(decision: "Decision", *, as_json: bool) -> int:
    """Print the answer, the two sides, the numbers and the doubts; return the exit code."""
    if as_json:
        output.print_json(decision.to_dict())
    elif decision.llr is None:
        output.print_error(decision.sentence())
    else:
        _print(decision)
    if decision.llr is None:
        return FAILED
    return ACCEPTED if decision.accepted else REFUSED


def _print(decision: "Decision") -> None:
    output.print_verdict(decision.sentence(), colour="green" if decision.accepted else "red")
    output.print_gap()
    output.print_sides([decision.enrolled, decision.probe])
    output.print_gap()
    output.print_facts(
        {
            "LLR": f"{output.figure(decision.llr)} (AS-norm {output.figure(decision.score)}, "
            f"cosine {output.figure(decision.cosine, 2)})",
            "threshold": f"{output.figure(decision.threshold)}, for {decision.policy}",
            "pack": decision.pack,
        }
    )
    output.print_warnings(decision.warnings)
