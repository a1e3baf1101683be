"""From scores to the figures that go into a pack and its RESULTS.md."""

from collections.abc import Mapping, Sequence

import numpy as np

from voxgate.evaluate.metrics import cllr, eer, min_cllr, min_dcf
from voxgate.evaluate.trials import Scores

COLUMNS = {  # key in pack.toml's [metrics.<set>] -> heading of the table
    "trials": "trials",
    "eer_cosine": "EER %, cosine",
    "eer_as_norm": "EER %, AS-norm",
    "eer": "EER %, LLR",
    "min_dcf_0.01": "minDCF 0.01",
    "cllr": "Cllr",
    "min_cllr": "min Cllr",
    "miss_at_far_0.01": "miss % at FAR 1 %",
}


def summarise(scores: Scores) -> dict[str, float]:
    """The figures of one list of trials; rates in %, of the LLR where nothing else is said."""
    target = scores.trials.target
    strangers = np.sort(scores.llr[~target])
    threshold = strangers[-max(1, len(strangers) // 100)]
    return {
        "trials": len(target),
        "eer_cosine": round(100 * eer(scores.cosine, target), 2),
        "eer_as_norm": round(100 * eer(scores.as_norm, target), 2),
        "eer": round(100 * eer(scores.llr, target), 2),
        "min_dcf_0.01": round(min_dcf(scores.llr, target), 3),
        "cllr": round(cllr(scores.llr, target), 3),
        "min_cllr": round(min_cllr(scores.llr, target), 3),
        "miss_at_far_0.01": round(100 * float((scores.llr[target] <= threshold).mean()), 1),
    }


def as_markdown(summaries: Mapping[str, Mapping[str, float]]) -> str:
    """A table, one row a list of trials."""
    rows: list[Sequence[str]] = [["set", *COLUMNS.values()], ["---", *["---:"] * len(COLUMNS)]]
    rows += [
        [name, *(f"{figures[key]:g}" for key in COLUMNS)] for name, figures in summaries.items()
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
